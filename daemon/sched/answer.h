/*
 * What the store answered to a request whose future is final, for code that is told by a callback.
 */
#ifndef BAKERY_SCHED_ANSWER_H
#define BAKERY_SCHED_ANSWER_H

#include "daemon/store/store.h"

/* 0, or the error. */
static inline int answer_of(const struct store_op *op)
{
	void *value;

	return future_get(&op->done, &value);
}

#endif
