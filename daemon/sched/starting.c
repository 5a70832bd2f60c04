/*
 * What may start now: in a pool with an idle worker the waiting steps of running orders first, then the heads of the recipes that begin there; at the
 * counter, which has no workers, the heads of the recipes that begin with a light step.
 */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/sched/inner.h"

/* So many are started at the counter in one turn: each costs a task, and thousands may come at once. */
enum { AGAIN_MS = 100, COUNTER_MAX = 64, LINE_FIRST = 64 };

int sched_make_lines(struct sched *s, size_t runs)
{
	size_t capacity = s->line_capacity ? s->line_capacity : LINE_FIRST;

	if (runs <= s->line_capacity)
		return 0;
	while (capacity < runs)
		capacity *= 2;
	for (size_t i = 0; i < s->conf->pool_count; i++) {
		if (pick_grow(&s->pool_list[i].line, capacity) < 0)
			return -ENOMEM;
	}
	s->line_capacity = capacity;
	return 0;
}

static void on_again(struct loop_timer *t)
{
	sched_start_all((struct sched *)((char *)t - offsetof(struct sched, again)));
}

static void on_more(struct ready *r)
{
	struct sched *s = (struct sched *)((char *)r - offsetof(struct sched, start_more));

	s->at_counter = 0;
	sched_start_ready(s, &s->counter);
}

/* ---- one ---- */

static bool has_place(struct sched *s, struct sched_pool *p)
{
	if (p->pool)
		return pool_idle_count(p->pool) > p->reserved;
	if (p != &s->counter)
		return false;
	if (s->at_counter >= COUNTER_MAX)
		ready_add(&s->start_more, on_more);
	return s->at_counter < COUNTER_MAX;
}

static bool may_start(struct sched *s, struct sched_pool *p)
{
	return s->running < s->conf->limits.running && pick_first(&p->pick) && has_place(s, p);
}

/* The next order of the pool becomes a run. False: for want of memory not now. */
static bool start_next(struct sched *s, struct sched_pool *p)
{
	struct pick_item *item = pick_first(&p->pick);
	struct sched_recipe *r = (struct sched_recipe *)((char *)item - offsetof(struct sched_recipe, item));
	struct store_head *head = window_take(&r->window);
	int err = run_pick(r, head);

	if (err < 0) {
		log_error("an order cannot be started", log_int("order", head->id),
		    log_str("error", err_text(err)));
		window_put_back(&r->window, head);
		loop_timer_set(task_loop(), &s->again, clock_deadline_ms(AGAIN_MS), on_again);
		return false;
	}
	if (p == &s->counter)
		s->at_counter++;
	sched_recipe_changed(r);
	return true;
}

/* Orders that run already, and wait for a worker. */
static void serve_line(struct sched_pool *p)
{
	struct pick_item *item;

	while (p->pool && (item = pick_first(&p->line)) && pool_idle_count(p->pool) > p->reserved) {
		pick_unset(&p->line, item);
		run_grant((struct run *)((char *)item - offsetof(struct run, in_line)), p);
	}
}

/* ---- all that may ---- */

void sched_start_ready(struct sched *s, struct sched_pool *p)
{
	p->dirty = false;
	if (!s->recovered || s->draining)
		return;
	serve_line(p);
	while (may_start(s, p) && start_next(s, p))
		;
	p->dirty = false;
}

/* When there is room for one more order only, it is for the best of all. */
static struct sched_pool *best_pool(struct sched *s)
{
	struct sched_pool *best = NULL;

	for (size_t i = 0; i <= s->conf->pool_count; i++) {
		struct sched_pool *p = i < s->conf->pool_count ? &s->pool_list[i] : &s->counter;

		if (may_start(s, p) &&
		    (!best || place_before(pick_first(&p->pick)->head, pick_first(&best->pick)->head)))
			best = p;
	}
	return best;
}

void sched_start_all(struct sched *s)
{
	struct sched_pool *p;

	if (!s->recovered || s->draining)
		return;
	for (size_t i = 0; i < s->conf->pool_count; i++)
		serve_line(&s->pool_list[i]);
	while ((p = best_pool(s)) && start_next(s, p))
		;
}

void sched_start_dirty(struct sched *s)
{
	for (size_t i = 0; i < s->conf->pool_count; i++) {
		if (s->pool_list[i].dirty)
			sched_start_ready(s, &s->pool_list[i]);
	}
	if (s->counter.dirty)
		sched_start_ready(s, &s->counter);
}
