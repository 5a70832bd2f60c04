/*
 * The scheduler: owns pools, recipes and runs as this room sees them; brings the store's news to the windows. What starts is in starting.c.
 */
#include "daemon/sched/sched.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/order/recipe.h"
#include "daemon/sched/inner.h"

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(recipe) ((recipe)->sched = NULL)

enum { REFILL_AGAIN_MS = 1000, WATCH_MS = 10000 };

/* ---- made and ended ---- */

struct sched_pool *sched_pool_named(struct sched *s, const char *name)
{
	for (size_t i = 0; i < s->conf->pool_count; i++) {
		if (strcmp(s->pool_list[i].name, name) == 0)
			return &s->pool_list[i];
	}
	return NULL;
}

static int make_pools(struct sched *s)
{
	s->pool_list = calloc(s->conf->pool_count + 1, sizeof(s->pool_list[0]));
	if (!s->pool_list)
		return -ENOMEM;
	for (size_t i = 0; i < s->conf->pool_count; i++) {
		s->pool_list[i].name = s->conf->pools[i].name;
		if (pick_init(&s->pool_list[i].pick, s->conf->recipe_count) < 0)
			return -ENOMEM;
	}
	s->counter.name = "counter";
	return pick_init(&s->counter.pick, s->conf->recipe_count);
}

/* Where its orders start: the pool of the first step, or the counter. */
static struct sched_pool *first_pool(struct sched *s, const struct conf_recipe *conf)
{
	const struct conf_step *first = &conf->steps[0];

	return conf_step_is_heavy(first) ? sched_pool_named(s, first->pool) : &s->counter;
}

static int make_recipes(struct sched *s)
{
	s->recipe_list = calloc(s->conf->recipe_count + 1, sizeof(s->recipe_list[0]));
	if (!s->recipe_list)
		return -ENOMEM;
	for (size_t i = 0; i < s->conf->recipe_count; i++) {
		struct sched_recipe *r = &s->recipe_list[i];

		r->sched = s;
		r->conf = &s->conf->recipes[i];
		r->pool = first_pool(s, r->conf);
		for (size_t n = 0; n < r->conf->step_count; n++)
			assert(!conf_step_is_heavy(&r->conf->steps[n]) ||
			       sched_pool_named(s, r->conf->steps[n].pool));
		r->digest = recipe_digest(r->conf);
		window_init(&r->window, true);
		if (loop_timer_reserve(task_loop(), &r->refill_again) < 0)
			return -ENOMEM;
		HASH_ADD_KEYPTR(by_name, s->by_name, r->conf->name, strlen(r->conf->name), r);
		if (!r->sched)
			return -ENOMEM;
	}
	return 0;
}

/* Those that must run even without memory. */
static int reserve_timers(struct sched *s)
{
	struct loop_timer *timers[] = {&s->again, &s->watch, &s->deadline};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		if (loop_timer_reserve(task_loop(), timers[i]) < 0)
			return -ENOMEM;
	}
	return due_init(&s->due);
}

int sched_new(const struct sched_options *o, struct sched **out)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->conf = o->conf;
	s->generation = o->generation;
	s->steps = o->steps;
	TAILQ_INIT(&s->runs);
	SLIST_INIT(&s->spare_runs);
	STAILQ_INIT(&s->claims);
	condition_init(&s->recovery);
	if (reserve_timers(s) < 0 || make_pools(s) < 0 || make_recipes(s) < 0) {
		sched_free(s);
		return -ENOMEM;
	}
	if (o->store && o->pools)
		sched_connect(s, o->store, o->pools);
	*out = s;
	return 0;
}

void sched_connect(struct sched *s, struct store *store, struct pools *pools)
{
	s->store = store;
	s->pools = pools;
	due_connect(&s->due, store);
	for (size_t i = 0; i < s->conf->pool_count; i++)
		s->pool_list[i].pool = pools_find(pools, s->pool_list[i].name);
}

static bool held(void *arg, int64_t id);

static void free_recipe(struct sched_recipe *r)
{
	struct store_op *op = &r->refill.op;

	/* The store has been closed: its answer is here, and was not looked at, or will never come. */
	if (r->window.refilling) {
		future_remove_callback(&r->refilled);
		window_refill_end(&r->window, &r->refill,
		    future_is_final(&op->done) ? answer_of(op) : ERR_CANCELLED, held, r->sched);
	}
	window_clear(&r->window);
}

void sched_free(struct sched *s)
{
	struct sched_claim *claim;

	if (!s)
		return;
	loop_timer_release(task_loop(), &s->again);
	loop_timer_release(task_loop(), &s->watch);
	loop_timer_release(task_loop(), &s->deadline);
	due_clear(&s->due);
	for (size_t i = 0; s->recipe_list && i < s->conf->recipe_count; i++) {
		loop_timer_release(task_loop(), &s->recipe_list[i].refill_again);
		free_recipe(&s->recipe_list[i]);
	}
	run_free_all(s);
	HASH_CLEAR(by_name, s->by_name);
	HASH_CLEAR(by_pointer, s->by_pointer);
	HASH_CLEAR(hh, s->pools_by_pool);
	for (size_t i = 0; s->pool_list && i < s->conf->pool_count; i++) {
		pick_clear(&s->pool_list[i].pick);
		pick_clear(&s->pool_list[i].line);
	}
	pick_clear(&s->counter.pick);
	ready_remove(&s->start_more);
	while ((claim = STAILQ_FIRST(&s->claims))) {
		STAILQ_REMOVE_HEAD(&s->claims, entry);
		free(claim);
	}
	free(s->recipe_list);
	free(s->pool_list);
	free(s);
}

struct sched_recipe *sched_recipe_of(struct sched *s, const char *interned)
{
	struct sched_recipe *r;

	HASH_FIND(by_pointer, s->by_pointer, &interned, sizeof(interned), r);
	return r;
}

struct sched_recipe *sched_recipe_named(const struct sched *s, const char *name)
{
	struct sched_recipe *r;

	HASH_FIND(by_name, s->by_name, name, strlen(name), r);
	return r;
}

/* ---- refills ---- */

static bool held(void *arg, int64_t id)
{
	return run_find(arg, id) != NULL;
}

static void on_refill_again(struct loop_timer *t)
{
	struct sched_recipe *r = (struct sched_recipe *)((char *)t -
							 offsetof(struct sched_recipe, refill_again));

	sched_recipe_changed(r);
}

static void on_refilled(struct future_callback *cb)
{
	struct sched_recipe *r = (struct sched_recipe *)((char *)cb -
							 offsetof(struct sched_recipe, refilled));
	int err = answer_of(&r->refill.op);

	window_refill_end(&r->window, &r->refill, err, held, r->sched);
	if (err < 0) {
		log_warn("the store has trouble", log_str("with", "refill"), log_str("recipe", r->conf->name),
		    log_str("error", err_text(err)), log_int("again_in_ms", REFILL_AGAIN_MS));
		loop_timer_set(
		    task_loop(), &r->refill_again, clock_deadline_ms(REFILL_AGAIN_MS), on_refill_again);
	}
	sched_recipe_changed(r);
	sched_start_ready(r->sched, r->pool);
}

static void start_refill(struct sched_recipe *r)
{
	r->refill = (struct store_refill){.recipe = r->interned};
	window_refill_begin(&r->window, &r->refill);
	r->sched->refills++;
	store_refill(r->sched->store, &r->refill);
	future_add_callback(&r->refill.op.done, &r->refilled, on_refilled);
}

void sched_recipe_changed(struct sched_recipe *r)
{
	struct sched *s = r->sched;
	const struct store_head *first = window_first(&r->window);

	if (!s->recovered)
		return;
	if (first && !r->paused && (r->conf->concurrency == CONF_NONE || r->running < r->conf->concurrency)) {
		pick_set(&r->pool->pick, &r->item, place_of(first));
		r->pool->dirty = true;
	} else {
		pick_unset(&r->pool->pick, &r->item);
	}
	/* A store that is being closed still tells what it has committed, and can be asked nothing. */
	if (!s->draining && r->refill_again.place == 0 && window_wants_refill(&r->window))
		start_refill(r);
}

void sched_distrust(struct sched *s)
{
	for (size_t i = 0; i < s->conf->recipe_count; i++) {
		window_distrust(&s->recipe_list[i].window);
		sched_recipe_changed(&s->recipe_list[i]);
	}
	if (!s->draining)
		due_poke(&s->due);
}

static void on_watch(struct loop_timer *t)
{
	sched_watch((struct sched *)((char *)t - offsetof(struct sched, watch)));
}

/* A commit of somebody else may have failed and yet be on disk: then nobody was told of it. */
void sched_watch(struct sched *s)
{
	struct store_stats stats;

	store_stats_get(s->store, &stats);
	if (stats.storage_errors != s->storage_errors) {
		s->storage_errors = stats.storage_errors;
		sched_distrust(s);
	}
	loop_timer_set(task_loop(), &s->watch, clock_deadline_ms(WATCH_MS), on_watch);
}

/* ---- news from the store ---- */

static void on_event(struct sched *s, struct store_event *e)
{
	struct sched_recipe *r = sched_recipe_of(s, e->recipe);
	struct run *run;

	if (e->state == ORDER_RUNNING)
		return;
	run = run_find(s, e->id);
	if (run)
		run_disown(run);
	if (e->state == ORDER_SCHEDULED && s->recovered && !s->draining)
		due_poke(&s->due);
	if (!r)
		return;
	if (e->state == ORDER_QUEUED && e->head) {
		window_add(&r->window, e->head);
		e->head = NULL;
	} else {
		window_remove(&r->window, e->id);
	}
	sched_recipe_changed(r);
}

void sched_on_events(struct sched *s, struct store_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		on_event(s, &events[i]);
	sched_start_dirty(s);
}

/* ---- news from the pools ---- */

static void on_idle(void *arg, struct pool *pool)
{
	struct sched *s = arg;
	struct sched_pool *p;

	HASH_FIND_PTR(s->pools_by_pool, &pool, p);
	if (p)
		sched_start_ready(s, p);
}

static void on_claim(void *arg, struct worker *worker, const struct worker_claim *claim)
{
	struct sched *s = arg;
	struct sched_claim *c = s->recovered ? NULL : malloc(sizeof(*c));

	if (!c) {
		log_warn("a worker's job is nobody's", log_int("order", claim->order),
		    log_int("attempt", claim->attempt));
		job_discard(worker, claim);
		return;
	}
	c->worker = worker;
	c->claim = *claim;
	STAILQ_INSERT_TAIL(&s->claims, c, entry);
	condition_broadcast(&s->recovery);
}

static void on_settled(void *arg)
{
	struct sched *s = arg;

	s->settled = true;
	condition_broadcast(&s->recovery);
}

struct pools_events sched_pools_events(struct sched *s)
{
	return (struct pools_events){
	    .on_idle = on_idle, .on_claim = on_claim, .on_settled = on_settled, .arg = s};
}

/* ---- what clients ask ---- */

int await_sched_cancel(struct sched *s, struct store_cancel *r)
{
	struct run *run;
	int err;

	store_cancel(s->store, r);
	err = await_future_shielded(&r->op.done);
	if (err == 0 && r->what == STORE_CANCEL_REQUESTED) {
		run = run_find(s, r->id);
		if (run)
			run_cancel(run);
	}
	return err;
}

int await_sched_pause(struct sched *s, const char *recipe, bool paused, const char *by, struct slice reason)
{
	struct sched_recipe *r = sched_recipe_named(s, recipe);
	struct store_pause pause = {.paused = paused, .by = by, .reason = reason};
	int err;

	if (!r)
		return ERR_NOTFOUND;
	pause.recipe = r->interned;
	store_pause(s->store, &pause);
	err = await_future_shielded(&pause.op.done);
	if (err < 0)
		return err;
	r->paused = paused;
	sched_recipe_changed(r);
	sched_start_ready(s, r->pool);
	return 0;
}

bool sched_is_paused(const struct sched *s, const char *recipe)
{
	const struct sched_recipe *r = sched_recipe_named(s, recipe);

	return r && r->paused;
}

int sched_recipe_running(const struct sched *s, const char *recipe)
{
	const struct sched_recipe *r = sched_recipe_named(s, recipe);

	return r ? r->running : 0;
}

void sched_stats_get(const struct sched *s, struct sched_stats *out)
{
	*out = (struct sched_stats){
	    .running = (uint64_t)s->running,
	    .started = s->started,
	    .refills = s->refills,
	    .promoted = s->due.promoted,
	    .retried = s->retried,
	};
	for (size_t i = 0; i < s->conf->recipe_count; i++)
		out->window += window_count(&s->recipe_list[i].window);
}

/* ---- the drain ---- */

static void on_deadline(struct loop_timer *t)
{
	struct sched *s = (struct sched *)((char *)t - offsetof(struct sched, deadline));
	struct run *run;

	s->stopping = true;
	TAILQ_FOREACH (run, &s->runs, entry)
		run_drain(run);
}

static void end_drain(struct sched *s)
{
	if (s->draining && s->tasks == 0 && s->drained && !future_is_final(s->drained))
		(void)future_set_result(s->drained, NULL);
}

void sched_task_ended(struct sched *s)
{
	s->tasks--;
	end_drain(s);
}

void sched_drain(struct sched *s, int64_t deadline_ns, struct future *done)
{
	struct run *run;

	s->draining = true;
	s->drained = done;
	log_info("draining", log_int("running", (int64_t)s->tasks));
	TAILQ_FOREACH (run, &s->runs, entry)
		run_hold(run);
	loop_timer_set(task_loop(), &s->deadline, deadline_ns, on_deadline);
	end_drain(s);
}

bool sched_draining(const struct sched *s)
{
	return s->draining;
}
