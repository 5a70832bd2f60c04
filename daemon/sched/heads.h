/*
 * A bounded, ordered set of queued orders: by priority (higher first), then id. It holds the orders before its end and none at or beyond it; when it
 * overflows, its last orders go and its end moves before them. So what it does not hold is always what comes last, and is on disk anyway.
 *
 * Taking the first and putting a new last is O(1); everything else is a binary search, and a memmove of at most 8 KiB. Owns its heads.
 */
#ifndef BAKERY_SCHED_HEADS_H
#define BAKERY_SCHED_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/store.h"

/* Where an order stands in its recipe's line. */
struct place {
	int priority;
	int64_t id;
};

/* Before and beyond every order. */
#define PLACE_FIRST ((struct place){INT32_MAX, INT64_MIN})
#define PLACE_LAST  ((struct place){INT32_MIN, INT64_MAX})

static inline bool place_before(struct place a, struct place b)
{
	return a.priority != b.priority ? a.priority > b.priority : a.id < b.id;
}

static inline struct place place_of(const struct store_head *h)
{
	return (struct place){h->priority, h->id};
}

static inline bool place_is_last(struct place p)
{
	return p.priority == PLACE_LAST.priority;
}

struct heads_entry;

struct heads {
	struct heads_entry **line; /* line[first … first + count − 1], in order */
	size_t first, count, capacity;
	size_t bytes; /* of the heads, payloads included */
	size_t max_count, max_bytes;
	struct place end; /* exclusive */
	struct heads_entry *by_id;
};

/* Does not allocate. Empty, end beyond everything. */
void heads_init(struct heads *h, size_t max_count, size_t max_bytes);
/* Frees the heads that it holds; what remains is as after heads_init(). */
void heads_clear(struct heads *h);

/* Takes `head`: it is kept if it comes before the end and there is room, or memory, for it; else freed, with the end moved before it. What was held
 * of the same order goes. */
void heads_put(struct heads *h, struct store_head *head);
/* The first of the line, still owned by it; NULL when empty. */
struct store_head *heads_first(const struct heads *h);
/* The same, now the caller's. */
struct store_head *heads_take_first(struct heads *h);
/* The order with this id, now the caller's; NULL: not here. */
struct store_head *heads_take(struct heads *h, int64_t id);
/* Moves the end to p; what is at or beyond it goes. */
void heads_set_end(struct heads *h, struct place p);

#endif
