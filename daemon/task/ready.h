/*
 * The ready line: what runs in the coming turns, first in, first out: tasks that go on, and callbacks of
 * futures. One line a loop. It is run in rounds: what becomes ready during a round runs in the next. A turn
 * of the loop runs a round or, of one that takes longer than a few milliseconds, a part of it; so descriptors,
 * timers and signals are served in between.
 */
#ifndef BAKERY_TASK_READY_H
#define BAKERY_TASK_READY_H

#include <stdbool.h>
#include <sys/queue.h>

struct ready {
	TAILQ_ENTRY(ready) entry;
	void (*run)(struct ready *r); /* on the loop's stack */
	bool queued;
};

/* To the back of the line. Queueing what is queued is a no-op. Storage is the caller's until it has run or
 * was removed. */
void ready_add(struct ready *r, void (*run)(struct ready *r));
/* A no-op when it is not queued. */
void ready_remove(struct ready *r);

#endif
