/*
 * A binary heap whose items know where they are.
 */
#include "daemon/sched/pick.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int pick_init(struct pick *p, size_t capacity)
{
	/* One more: places count from 1. */
	p->heap = calloc(capacity + 1, sizeof(p->heap[0]));
	if (!p->heap)
		return -ENOMEM;
	p->count = 0;
	p->capacity = capacity;
	return 0;
}

int pick_grow(struct pick *p, size_t capacity)
{
	struct pick_item **heap;

	if (capacity <= p->capacity)
		return 0;
	heap = realloc(p->heap, (capacity + 1) * sizeof(p->heap[0]));
	if (!heap)
		return -ENOMEM;
	p->heap = heap;
	p->capacity = capacity;
	return 0;
}

void pick_clear(struct pick *p)
{
	free(p->heap);
	*p = (struct pick){.count = 0};
}

static void put(struct pick *p, size_t at, struct pick_item *item)
{
	p->heap[at] = item;
	item->at = at;
}

/* Moves the item, whose place is free, to where it belongs. */
static void settle(struct pick *p, size_t at, struct pick_item *item)
{
	while (at > 1 && place_before(item->head, p->heap[at / 2]->head)) {
		put(p, at, p->heap[at / 2]);
		at /= 2;
	}
	for (;;) {
		size_t child = at * 2;

		if (child > p->count)
			break;
		if (child < p->count && place_before(p->heap[child + 1]->head, p->heap[child]->head))
			child++;
		if (!place_before(p->heap[child]->head, item->head))
			break;
		put(p, at, p->heap[child]);
		at = child;
	}
	put(p, at, item);
}

void pick_set(struct pick *p, struct pick_item *item, struct place head)
{
	item->head = head;
	if (item->at == 0) {
		assert(p->count < p->capacity);
		item->at = ++p->count;
	}
	settle(p, item->at, item);
}

void pick_unset(struct pick *p, struct pick_item *item)
{
	size_t at = item->at;
	struct pick_item *last;

	if (at == 0)
		return;
	item->at = 0;
	last = p->heap[p->count--];
	if (last != item)
		settle(p, at, last);
}

struct pick_item *pick_first(const struct pick *p)
{
	return p->count > 0 ? p->heap[1] : NULL;
}
