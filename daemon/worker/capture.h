/*
 * What is kept of a job's outputs: the head of one (the result) and the tail of the other (the message). Both count all that was written, and
 * cost bounded memory however much it is.
 */
#ifndef BAKERY_WORKER_CAPTURE_H
#define BAKERY_WORKER_CAPTURE_H

#include <stdint.h>

#include "daemon/order/order.h"
#include "proto/buf.h"

/* The first max bytes. */
struct head_capture {
	struct buf kept;
	uint64_t max, total;
};

/* 0 or -ENOMEM (what was kept stays; total is right all the same). */
int head_capture_add(struct head_capture *c, const char *bytes, size_t len);

/* The last ORDER_MESSAGE_MAX bytes. Start from {0}. */
struct tail_capture {
	char bytes[2 * ORDER_MESSAGE_MAX];
	size_t len;
};

void tail_capture_add(struct tail_capture *c, const char *bytes, size_t len);
/* Borrowed until the next call. */
struct slice tail_capture_get(const struct tail_capture *c);

#endif
