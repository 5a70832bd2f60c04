/* A binary heap in an array that only grows; each timer knows its place, so that it can be taken out. */
#include "daemon/loop/timer.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOM_FIRST = 64 };

void timer_heap_init(struct timer_heap *h)
{
	*h = (struct timer_heap){0};
}

void timer_heap_clear(struct timer_heap *h)
{
	free(h->at);
	*h = (struct timer_heap){0};
}

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	/* The sequence wraps; what is compared was set within a far smaller distance. */
	return (int32_t)(a->sequence - b->sequence) < 0;
}

static void put(struct timer_heap *h, uint32_t place, struct loop_timer *t)
{
	h->at[place] = t;
	t->place = place;
}

static void rise(struct timer_heap *h, uint32_t place, struct loop_timer *t)
{
	for (; place > 1 && before(t, h->at[place / 2]); place /= 2)
		put(h, place, h->at[place / 2]);
	put(h, place, t);
}

static void sink(struct timer_heap *h, uint32_t place, struct loop_timer *t)
{
	for (uint32_t child; (child = place * 2) <= h->count; place = child) {
		if (child < h->count && before(h->at[child + 1], h->at[child]))
			child++;
		if (!before(h->at[child], t))
			break;
		put(h, place, h->at[child]);
	}
	put(h, place, t);
}

/* Restores the order around a place that t is to take. */
static void settle(struct timer_heap *h, uint32_t place, struct loop_timer *t)
{
	if (place > 1 && before(t, h->at[place / 2]))
		rise(h, place, t);
	else
		sink(h, place, t);
}

/* Room for one more. */
static int make_room(struct timer_heap *h)
{
	/* The array begins with a place that is not used. */
	if (h->reserved + h->unreserved + 1 < h->room)
		return 0;
	uint32_t room = h->room ? h->room * 2 : ROOM_FIRST;
	void *at = realloc(h->at, room * sizeof *h->at);
	if (!at)
		return -ENOMEM;
	h->at = at;
	h->room = room;
	return 0;
}

int timer_heap_reserve(struct timer_heap *h, struct loop_timer *t)
{
	if (t->reserved)
		return 0;
	if (t->place)
		h->unreserved--;
	else if (make_room(h) < 0)
		return -ENOMEM;
	h->reserved++;
	t->reserved = true;
	return 0;
}

void timer_heap_release(struct timer_heap *h, struct loop_timer *t)
{
	timer_heap_remove(h, t);
	if (t->reserved)
		h->reserved--;
	t->reserved = false;
}

int timer_heap_set(struct timer_heap *h, struct loop_timer *t, int64_t due_ns)
{
	uint32_t place = t->place;
	if (place == 0) {
		if (!t->reserved) {
			if (make_room(h) < 0)
				return -ENOMEM;
			h->unreserved++;
		}
		place = ++h->count;
	}
	t->due_ns = due_ns;
	t->sequence = h->sequence++;
	settle(h, place, t);
	return 0;
}

void timer_heap_remove(struct timer_heap *h, struct loop_timer *t)
{
	uint32_t place = t->place;
	if (place == 0)
		return;
	t->place = 0;
	if (!t->reserved)
		h->unreserved--;
	struct loop_timer *last = h->at[h->count--];
	if (last != t)
		settle(h, place, last);
}

struct loop_timer *timer_heap_first(const struct timer_heap *h)
{
	return h->count ? h->at[1] : NULL;
}
