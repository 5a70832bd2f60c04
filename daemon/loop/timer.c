#include "daemon/loop/timer.h"

#include <errno.h>
#include <stdlib.h>

enum { ROOM_FIRST = 64 };

static void place(struct timer_heap *h, uint32_t i, struct loop_timer *t)
{
	h->items[i] = t;
	t->place = i;
}

static void move_up(struct timer_heap *h, uint32_t i, struct loop_timer *t)
{
	for (; i > 1 && t->due_ns < h->items[i / 2]->due_ns; i /= 2)
		place(h, i, h->items[i / 2]);
	place(h, i, t);
}

static void move_down(struct timer_heap *h, uint32_t i, struct loop_timer *t)
{
	for (uint32_t child; (child = 2 * i) <= h->count; i = child) {
		if (child < h->count && h->items[child + 1]->due_ns < h->items[child]->due_ns)
			child++;
		if (t->due_ns <= h->items[child]->due_ns)
			break;
		place(h, i, h->items[child]);
	}
	place(h, i, t);
}

/* t goes to place i or to wherever it belongs from there. */
static void settle(struct timer_heap *h, uint32_t i, struct loop_timer *t)
{
	if (i > 1 && t->due_ns < h->items[i / 2]->due_ns)
		move_up(h, i, t);
	else
		move_down(h, i, t);
}

int timer_heap_set(struct timer_heap *h, struct loop_timer *t, int64_t due_ns)
{
	if (!t->place) {
		if (h->count + 1 >= h->room) {
			uint32_t room = h->room ? 2 * h->room : ROOM_FIRST;
			struct loop_timer **items = realloc(h->items, room * sizeof *items);
			if (!items)
				return -ENOMEM;
			h->items = items;
			h->room = room;
		}
		t->place = ++h->count;
	}
	t->due_ns = due_ns;
	settle(h, t->place, t);
	return 0;
}

void timer_heap_remove(struct timer_heap *h, struct loop_timer *t)
{
	uint32_t i = t->place;
	if (!i)
		return;
	t->place = 0;
	struct loop_timer *last = h->items[h->count--];
	if (last != t)
		settle(h, i, last);
}

struct loop_timer *timer_heap_first(const struct timer_heap *h)
{
	return h->count ? h->items[1] : NULL;
}

void timer_heap_clear(struct timer_heap *h)
{
	free(h->items);
	*h = (struct timer_heap){0};
}
