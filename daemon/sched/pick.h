/*
 * Which recipe of a pool may start an order next: a heap of those that may start now, by the head of their line: highest priority first, then lowest
 * id. A recipe that may not start is not in it, and so holds up nobody else. The same heap is the line of running orders that wait for a worker. Pure;
 * O(log n) in the number of what is in it.
 */
#ifndef BAKERY_SCHED_PICK_H
#define BAKERY_SCHED_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/sched/heads.h"

/* A field of what is picked. Start from {0}. */
struct pick_item {
	struct place head;
	size_t at; /* in the heap, from 1; 0: not in it */
};

struct pick {
	struct pick_item **heap;
	size_t count, capacity;
};

/* Room for so many items, so that nothing fails later. 0 or -ENOMEM. */
int pick_init(struct pick *p, size_t capacity);
/* Room for more: what is in stays. 0 or -ENOMEM, and nothing has changed. */
int pick_grow(struct pick *p, size_t capacity);
void pick_clear(struct pick *p);
/* The item may start, and its line begins with `head`: puts it in, or moves it. */
void pick_set(struct pick *p, struct pick_item *item, struct place head);
/* The item may not start. Fine when it is not in. */
void pick_unset(struct pick *p, struct pick_item *item);
/* The best; NULL when nothing may start. It stays in. */
struct pick_item *pick_first(const struct pick *p);

#endif
