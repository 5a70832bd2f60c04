/*
 * libcurl's multi handles on our loop: they say which descriptors and which timer they want looked after, and what is done becomes a future. Knows nothing of HTTP.
 * Sources: curl_multi_socket_action(3), CURLMOPT_SOCKETFUNCTION(3), CURLMOPT_TIMERFUNCTION(3).
 *
 * Nothing here suspends; all of it needs the loop's own stack (task_call_big).
 */
#ifndef BAKERY_STEP_TRANSFER_H
#define BAKERY_STEP_TRANSFER_H

#include <curl/curl.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/loop/loop.h"
#include "daemon/task/future.h"

struct transfers;
struct multi;

/* 0; -ENOMEM or another negative errno value. */
int transfers_new(struct loop *loop, struct transfers **out);
/* None may be under way. Closes the connections that were kept. NULL is fine. */
void transfers_free(struct transfers *t);
/* How many are under way. */
uint32_t transfers_active(const struct transfers *t);

/* An easy handle without any option set; NULL when memory is refused. To be given back. */
CURL *transfers_take_easy(struct transfers *t);
void transfers_give_easy(struct transfers *t, CURL *easy);

/* Storage is the caller's from start to stop. */
struct transfer {
	CURL *easy;
	struct multi *multi; /* the handle that it is under way on */
	struct future done;  /* always a result (NULL): then code says how it went */
	CURLcode code;
	int refused; /* memory or descriptors that were refused to it: a negative errno value; 0: none */
	TAILQ_ENTRY(transfer) entry;
};
/* 0 or -ENOMEM (nothing happened). CURLOPT_PRIVATE is taken. */
int transfer_start(struct transfers *t, struct transfer *x, CURL *easy);
/* At any time: when it is under way, it is given up, with its connection. The handle is the caller's again. */
void transfer_stop(struct transfers *t, struct transfer *x);

#endif
