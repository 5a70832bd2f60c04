/*
 * The timers of one loop: a binary heap by due time. A timer knows its place, so that it is moved or removed in O(log n). Knows nothing of clocks.
 */
#ifndef BAKERY_LOOP_TIMER_H
#define BAKERY_LOOP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/loop.h"

struct timer_heap {
	struct loop_timer **items; /* items[0] is not used: the children of i are 2i and 2i+1 */
	uint32_t count, room;
};

/* Adds t, or moves it when it is there. 0 or -ENOMEM (nothing changed; moving never fails). */
int timer_heap_set(struct timer_heap *h, struct loop_timer *t, int64_t due_ns);
/* A no-op when it is not there. */
void timer_heap_remove(struct timer_heap *h, struct loop_timer *t);
/* The one that is due first; NULL when there is none. */
struct loop_timer *timer_heap_first(const struct timer_heap *h);
void timer_heap_clear(struct timer_heap *h);

#endif
