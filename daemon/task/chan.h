/*
 * A channel: a bounded line of values from tasks to tasks; who sends into a full one waits, and who receives
 * from an empty one. Go's and libdill's chan. The values' memory is theirs who agree on it; slots are the
 * caller's.
 */
#ifndef BAKERY_TASK_CHAN_H
#define BAKERY_TASK_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/task/future.h"

struct chan {
	void **slots;
	size_t size, first, count;
	bool closed;
	struct future_waits senders, receivers; /* first come, first served */
};

/* size 0 (slots NULL): a value goes from hand to hand, when a receiver is there. */
void chan_init(struct chan *c, void **slots, size_t size);
/* 0: it is in the channel, or in somebody's hands. ERR_CLOSED; ERR_CANCELLED, ERR_TIMEOUT: it is the caller's
 * still. Suspends while it is full. */
int await_chan_send(struct chan *c, void *value, int64_t deadline_ns);
/* 0 with *value. ERR_CLOSED: closed, and nothing is left in it; ERR_CANCELLED, ERR_TIMEOUT: nothing was taken
 * out, nothing is lost. Suspends while it is empty. */
int await_chan_receive(struct chan *c, void **value, int64_t deadline_ns);
/* Nobody sends any more (whoever waits to is told ERR_CLOSED); what is in it can still be received. Again: a
 * no-op. */
void chan_close(struct chan *c);

#endif
