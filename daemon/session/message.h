/*
 * The payload of a channel's message: one line of JSON.
 */
#ifndef BAKERY_SESSION_MESSAGE_H
#define BAKERY_SESSION_MESSAGE_H

#include "daemon/store/store.h"
#include "proto/buf.h"

/* Appends it. 0 or -ENOMEM. */
int message_write(struct buf *out, const struct store_event *event);

#endif
