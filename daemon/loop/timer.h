/*
 * The heap of timers: the earliest first, those of the same time in the order in which they were set. Owns
 * its array, not the timers. Knows nothing of clocks or of the kernel.
 */
#ifndef BAKERY_LOOP_TIMER_H
#define BAKERY_LOOP_TIMER_H

#include "daemon/loop/loop.h"

struct timer_heap {
	struct loop_timer **at; /* at[1] … at[count]; at[n] is due no later than at[2n] and at[2n + 1] */
	uint32_t count, room;
	/* There is always room for all that are reserved, in or not, beside those that are in and are not. */
	uint32_t reserved, unreserved;
	uint32_t sequence;
};

void timer_heap_init(struct timer_heap *h);
void timer_heap_clear(struct timer_heap *h);

/* Keeps room for t, in or not, until it is released. 0 or -ENOMEM. A no-op when it is reserved. */
int timer_heap_reserve(struct timer_heap *h, struct loop_timer *t);
/* Takes it out too. */
void timer_heap_release(struct timer_heap *h, struct loop_timer *t);
/* Puts t in, or moves it when it is in. 0 or -ENOMEM (then it is where it was; never when it is reserved). */
int timer_heap_set(struct timer_heap *h, struct loop_timer *t, int64_t due_ns);
/* A no-op when it is not in. */
void timer_heap_remove(struct timer_heap *h, struct loop_timer *t);
/* NULL when empty. */
struct loop_timer *timer_heap_first(const struct timer_heap *h);

#endif
