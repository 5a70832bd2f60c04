/*
 * Error codes as clients see them: one table from the daemon's codes to the words of the protocol.
 */
#ifndef BAKERY_SESSION_FAILURE_H
#define BAKERY_SESSION_FAILURE_H

#include "proto/buf.h"
#include "proto/reply.h"

/* Replies the error that stands for a negative code. 0 or -ENOMEM. */
int reply_failure(struct reply_writer *w, int error);

#endif
