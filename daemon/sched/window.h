/*
 * The window of one recipe: the next of its queued orders, in memory, bounded in number and bytes. All others are on disk only, and are fetched
 * (refilled) before the window runs dry.
 *
 * The invariant: every queued order that comes before the window's end, and that the scheduler does not hold, is in the window. So the first of the
 * window is the next of the recipe, and a new order is put in if it sorts before the end, else dropped.
 *
 * A refill reads from the end on, and takes a while. What arrives beyond the end meanwhile is kept aside (`late`), and what leaves the queue meanwhile
 * is noted (`gone`), because nobody knows whether the refill saw it. Pure: the caller asks the store, and brings its answer.
 */
#ifndef BAKERY_SCHED_WINDOW_H
#define BAKERY_SCHED_WINDOW_H

#include "daemon/sched/heads.h"

/* Down to a quarter of a bound, it asks for half of WINDOW_MAX. */
enum {
	WINDOW_MAX = 1024, /* orders */
	WINDOW_MAX_BYTES = 1 << 20,
	WINDOW_GONE_MAX = 8 * WINDOW_MAX,
};

struct window {
	struct heads main;
	struct heads late;
	bool refilling, spoiled; /* spoiled: this refill's answer cannot be used */
	int64_t *gone;
	size_t gone_count, gone_capacity;
};

/* Empty. complete: nothing of the recipe is on disk; else its first refill brings what is. */
void window_init(struct window *w, bool complete);
/* No refill may be in flight. */
void window_clear(struct window *w);

/* An order is queued now (new, due, or again). Takes head. */
void window_add(struct window *w, struct store_head *head);
/* An order that was queued is not any more, or has ended. Of no consequence when the window has not got it. */
void window_remove(struct window *w, int64_t id);
/* The next order: borrowed, or NULL when there is none, or none is known before the next refill. */
const struct store_head *window_first(const struct window *w);
/* The same, now the caller's, who holds it (see window_refill_end) until it has ended, or puts it back. */
struct store_head *window_take(struct window *w);
/* A taken order that was not started. Takes head. */
void window_put_back(struct window *w, struct store_head *head);
size_t window_count(const struct window *w);

/* Perhaps the store has orders that this window was not told of: all of it is read again. */
void window_distrust(struct window *w);

/* True when a refill should begin: the window is low, it is not all that there is, and no refill is in flight. */
bool window_wants_refill(const struct window *w);
/* Fills in what to ask for (from_start, after_priority, after_id, limit). */
void window_refill_begin(struct window *w, struct store_refill *r);
/*
 * The answer. err < 0: there is none. Takes r->heads and frees the array. held(arg, id) is true for orders that the scheduler has taken and that the
 * store may still have had as queued.
 */
void window_refill_end(
    struct window *w, struct store_refill *r, int err, bool (*held)(void *arg, int64_t id), void *arg);

#endif
