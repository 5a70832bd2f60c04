/*
 * The window: two bounded sets and the protocol of a refill.
 */
#include "daemon/sched/window.h"

#include <assert.h>
#include <stdlib.h>

void window_init(struct window *w, bool complete)
{
	*w = (struct window){.refilling = false};
	heads_init(&w->main, WINDOW_MAX, WINDOW_MAX_BYTES);
	heads_init(&w->late, WINDOW_MAX, WINDOW_MAX_BYTES);
	if (!complete)
		w->main.end = PLACE_FIRST;
}

void window_clear(struct window *w)
{
	assert(!w->refilling);
	heads_clear(&w->main);
	heads_clear(&w->late);
	free(w->gone);
	w->gone = NULL;
	w->gone_count = w->gone_capacity = 0;
}

void window_add(struct window *w, struct store_head *head)
{
	if (w->refilling && !place_before(place_of(head), w->main.end))
		heads_put(&w->late, head);
	else
		heads_put(&w->main, head);
}

static void note_gone(struct window *w, int64_t id)
{
	if (w->gone_count == w->gone_capacity) {
		size_t capacity = w->gone_capacity ? w->gone_capacity * 2 : 64;
		int64_t *gone = capacity <= WINDOW_GONE_MAX ? realloc(w->gone, capacity * sizeof(*gone))
							    : NULL;

		if (!gone) {
			w->spoiled = true;
			return;
		}
		w->gone = gone;
		w->gone_capacity = capacity;
	}
	w->gone[w->gone_count++] = id;
}

void window_remove(struct window *w, int64_t id)
{
	struct store_head *head = heads_take(&w->main, id);

	store_head_free(head);
	if (w->refilling) {
		head = heads_take(&w->late, id);
		store_head_free(head);
		note_gone(w, id);
	}
}

const struct store_head *window_first(const struct window *w)
{
	return heads_first(&w->main);
}

struct store_head *window_take(struct window *w)
{
	return heads_take_first(&w->main);
}

void window_put_back(struct window *w, struct store_head *head)
{
	window_add(w, head);
}

size_t window_count(const struct window *w)
{
	return w->main.count;
}

void window_distrust(struct window *w)
{
	w->main.end = PLACE_FIRST;
	w->spoiled = w->refilling;
}

bool window_wants_refill(const struct window *w)
{
	if (w->refilling || place_is_last(w->main.end))
		return false;
	/* An end before everything: nothing is known of what is on disk. */
	if (w->main.end.priority == PLACE_FIRST.priority)
		return true;
	return w->main.count < w->main.max_count / 4 && w->main.bytes < w->main.max_bytes / 4;
}

void window_refill_begin(struct window *w, struct store_refill *r)
{
	assert(!w->refilling);
	w->refilling = true;
	w->spoiled = false;
	w->gone_count = 0;
	r->from_start = w->main.end.priority == PLACE_FIRST.priority;
	r->after_priority = w->main.end.priority;
	r->after_id = w->main.end.id -
		      !r->from_start; /* the end is exclusive: it may be an order's own place */
	r->limit = (int)w->main.max_count / 2;
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool is_gone(const struct window *w, int64_t id)
{
	return w->gone_count > 0 && bsearch(&id, w->gone, w->gone_count, sizeof(id), compare_ids);
}

/* The window overflowed meanwhile: there is a gap between its end and what was read, and no need of it. */
static bool has_gap(const struct window *w, const struct store_refill *r)
{
	return !r->from_start &&
	       (w->main.end.priority != r->after_priority || w->main.end.id != r->after_id + 1);
}

/* Everything before this was read, or kept aside. */
static struct place read_until(const struct window *w, const struct store_refill *r)
{
	struct place end = PLACE_LAST;

	if (!r->end) {
		if (r->count == 0)
			return w->main.end;
		end = place_of(r->heads[r->count - 1]);
		end.id++;
	}
	return place_before(w->late.end, end) ? w->late.end : end;
}

static void merge(struct window *w, struct store_refill *r, bool (*held)(void *arg, int64_t id), void *arg)
{
	struct store_head *head;

	heads_set_end(&w->main, read_until(w, r));
	if (w->gone_count > 0)
		qsort(w->gone, w->gone_count, sizeof(w->gone[0]), compare_ids);
	for (size_t i = 0; i < r->count; i++) {
		int64_t id = r->heads[i]->id;

		if (is_gone(w, id) || held(arg, id))
			store_head_free(r->heads[i]);
		else
			heads_put(&w->main, r->heads[i]);
	}
	/* What came as news is younger than what was read, and takes its place. */
	while ((head = heads_take_first(&w->late)))
		heads_put(&w->main, head);
}

void window_refill_end(
    struct window *w, struct store_refill *r, int err, bool (*held)(void *arg, int64_t id), void *arg)
{
	assert(w->refilling);
	w->refilling = false;
	if (err == 0) {
		if (w->spoiled || has_gap(w, r)) {
			for (size_t i = 0; i < r->count; i++)
				store_head_free(r->heads[i]);
		} else {
			merge(w, r, held, arg);
		}
		free(r->heads);
		r->heads = NULL;
		r->count = 0;
	}
	heads_clear(&w->late);
}
