/*
 * After a start: what the store knows and what the workers of an earlier front say are brought together before anything new begins.
 *
 *   the store says          the worker says            then
 *   queued                  has attempt n              its start is committed, and it is adopted
 *   running, attempt n      has attempt n (or its end) adopted, at the step that has no stored result; a job of an earlier step is thrown away
 *   running, attempt n      nobody has it              ended as daemon-lost; another attempt follows unless the recipe is at-most-once
 *   final, a later attempt  has attempt n              ended, its result thrown away
 *   cancel requested        has attempt n              adopted, then ended
 */
#include <assert.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/sched/inner.h"

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(entry) (refused = true)

/* The store's pointers for the recipes' names, by which its events are looked up; the pools' by which theirs are. */
static int intern_names(struct sched *s)
{
	bool refused = false;

	for (size_t i = 0; i < s->conf->recipe_count; i++) {
		struct sched_recipe *r = &s->recipe_list[i];

		r->interned = store_intern(s->store, r->conf->name, strlen(r->conf->name));
		if (!r->interned)
			return -ENOMEM;
		HASH_ADD(by_pointer, s->by_pointer, interned, sizeof(r->interned), r);
	}
	for (size_t i = 0; i < s->conf->pool_count; i++) {
		struct sched_pool *p = &s->pool_list[i];

		if (p->pool)
			HASH_ADD_PTR(s->pools_by_pool, pool, p);
	}
	return refused ? -ENOMEM : 0;
}

/* Takes what the store knows: runs, pauses, and which windows have something on disk. */
static int take_over(struct sched *s, struct store_recover *r)
{
	for (size_t i = 0; i < r->running_count; i++) {
		int err = run_recover(s, sched_recipe_of(s, r->running[i]->recipe), r->running[i]);

		if (err < 0)
			return err;
		r->running[i] = NULL;
	}
	for (size_t i = 0; i < r->recipe_count; i++) {
		struct sched_recipe *recipe = sched_recipe_of(s, r->recipes[i]);

		if (recipe)
			window_distrust(&recipe->window);
		else
			log_warn("orders of a recipe that is not in the configuration stay queued",
			    log_str("recipe", r->recipes[i]));
	}
	for (size_t i = 0; i < r->paused_count; i++) {
		struct sched_recipe *recipe = sched_recipe_of(s, r->paused[i]);

		if (recipe)
			recipe->paused = true;
	}
	return 0;
}

static int await_read_store(struct sched *s, int64_t *next_due_ms)
{
	struct store_recover r = {.running = NULL};
	int err;

	store_recover(s->store, &r);
	err = await_future_shielded(&r.op.done);
	if (err < 0)
		return err;
	log_info("recovering", log_int("running", (int64_t)r.running_count),
	    log_int("recipes_queued", (int64_t)r.recipe_count));
	*next_due_ms = r.next_due_ms;
	err = take_over(s, &r);
	for (size_t i = 0; i < r.running_count; i++)
		store_head_free(r.running[i]);
	free(r.running);
	free(r.recipes);
	free(r.paused);
	return err;
}

/* The order with this place in its recipe's line, if it is still there. 0 with *head set (NULL: not there), or the store's error. */
static int await_head(struct sched *s, const char *recipe, struct place place, struct store_head **head)
{
	struct store_refill r = {
	    .recipe = recipe, .after_priority = place.priority, .after_id = place.id - 1, .limit = 1};
	int err;

	store_refill(s->store, &r);
	err = await_future_shielded(&r.op.done);
	if (err < 0)
		return err;
	*head = NULL;
	for (size_t i = 0; i < r.count; i++) {
		if (r.heads[i]->id == place.id && !*head)
			*head = r.heads[i];
		else
			store_head_free(r.heads[i]);
	}
	free(r.heads);
	return 0;
}

/* The order is not there, or damaged, or not as the worker has it: to ask again would not help. */
static bool is_nobodys(int err)
{
	return err == ERR_NOTFOUND || err == ERR_GONE || err == ERR_STATE || err == ERR_CORRUPT;
}

/* A worker has an attempt whose start did not reach the disk. 0 with *head set when it is the queued order's next one, NULL when it is nobody's. */
static int await_unstarted(struct sched *s, const struct worker_claim *claim, struct store_head **head)
{
	struct store_get get = {.id = claim->order};
	struct place place;
	const char *recipe;
	bool queued;
	int err;

	store_get(s->store, &get);
	err = await_future_shielded(&get.op.done);
	if (err < 0)
		return is_nobodys(err) ? 0 : err;
	place = (struct place){get.order.priority, get.order.id};
	recipe = get.order.recipe;
	queued = get.order.state == ORDER_QUEUED && claim->attempt == get.order.attempt + 1;
	store_order_clear(&get.order);
	if (!queued)
		return 0;
	err = await_head(s, recipe, place, head);
	if (err < 0 || !*head)
		return err;
	(*head)->attempts = claim->attempt;
	return 0;
}

static void discard(struct sched_claim *c)
{
	log_info("a worker's job is nobody's", log_int("order", c->claim.order),
	    log_int("attempt", c->claim.attempt), log_int("step", c->claim.step),
	    log_int("try", c->claim.try));
	job_discard(c->worker, &c->claim);
	free(c);
}

static bool is_later(const struct worker_claim *a, const struct worker_claim *b)
{
	return a->step != b->step ? a->step > b->step : a->try > b->try;
}

/* The run that the claim is about; NULL: it is nobody's. */
static int await_run_of(struct sched *s, const struct worker_claim *claim, struct run **out)
{
	struct run *run = run_find(s, claim->order);
	struct store_head *head = NULL;
	int err = run ? 0 : await_unstarted(s, claim, &head);

	if (err == 0 && head) {
		err = run_recover(s, sched_recipe_of(s, head->recipe), head);
		if (err < 0) {
			store_head_free(head);
			return err;
		}
		run = run_find(s, claim->order);
		run->unstarted = true;
	}
	if (err < 0)
		return err;
	*out = run && run->phase == ATTEMPT_UNCLAIMED && run->attempt == claim->attempt ? run : NULL;
	return 0;
}

/* Of several jobs of one attempt the latest counts: the others have ended, and what came of them is not needed any more. Takes c. */
static int await_sort(struct sched *s, struct sched_claim *c)
{
	struct run *run = NULL;
	int err = await_run_of(s, &c->claim, &run);

	if (err < 0) {
		free(c);
		return err;
	}
	if (!run) {
		discard(c);
	} else if (!run->claim) {
		run->claim = c;
	} else if (is_later(&c->claim, &run->claim->claim)) {
		discard(run->claim);
		run->claim = c;
	} else {
		discard(c);
	}
	return 0;
}

/* Until every worker of an earlier front has spoken, or has ended. */
static int await_claims(struct sched *s)
{
	for (;;) {
		struct sched_claim *c = STAILQ_FIRST(&s->claims);
		int err;

		if (c) {
			STAILQ_REMOVE_HEAD(&s->claims, entry);
			err = await_sort(s, c);
		} else if (s->settled) {
			return 0;
		} else {
			err = await_condition(&s->recovery, CLOCK_NEVER);
		}
		if (err < 0)
			return err;
	}
}

/* How many steps of the order have a stored result, in the recipe as it is now. */
static int await_stored_steps(struct sched *s, const struct run *run, int *count)
{
	struct store_steps r = {.id = run->order};
	int err;

	*count = 0;
	if (!run->recipe || run->recipe->conf->step_count == 1)
		return 0;
	r.digest = run->recipe->digest;
	store_steps(s->store, &r);
	err = await_future_shielded(&r.op.done);
	if (err == 0)
		*count = r.count;
	store_steps_clear(&r);
	return err < 0 && !is_nobodys(err) ? err : 0;
}

/*
 * Adopts the job if it is the step that the order is at. An earlier step's result is stored already. A later one cannot be: the recipe's steps are not
 * those of that job. A recipe that is gone is taken for one of one step.
 */
static int await_adopt(struct sched *s, struct run *run)
{
	struct sched_claim *c = run->claim;
	int count, err = await_stored_steps(s, run, &count);

	run->claim = NULL;
	if (err < 0) {
		free(c);
		return err;
	}
	if (c->claim.step != count) {
		if (c->claim.step > count)
			log_warn("a worker's job is of steps that the recipe has not",
			    log_int("order", c->claim.order), log_int("step", c->claim.step));
		discard(c);
		return 0;
	}
	log_info("adopted", log_int("order", c->claim.order), log_int("attempt", c->claim.attempt),
	    log_int("step", c->claim.step), log_int("ended", c->claim.ended));
	/* A store in trouble may take the start later: the job runs. */
	err = run_claim(run, c->worker, &c->claim);
	free(c);
	return err;
}

/* What has been adopted may end while the next is looked at; the one that is looked at stays, and so does its place in the list. */
static int await_adopt_all(struct sched *s)
{
	struct run *run;

	TAILQ_FOREACH (run, &s->runs, entry) {
		int err = run->claim ? await_adopt(s, run) : 0;

		if (err < 0)
			return err;
	}
	return 0;
}

static int end_unclaimed(struct sched *s)
{
	struct run *run;

	TAILQ_FOREACH (run, &s->runs, entry) {
		int err;

		if (run->phase != ATTEMPT_UNCLAIMED)
			continue;
		log_info("lost with an earlier daemon", log_int("order", run->order),
		    log_int("attempt", run->attempt));
		err = run_nobody(run);
		if (err < 0)
			return err;
	}
	return 0;
}

int await_sched_recover(struct sched *s)
{
	int64_t next_due_ms;
	int err = intern_names(s);

	if (err == 0)
		err = await_read_store(s, &next_due_ms);
	if (err == 0)
		err = await_claims(s);
	if (err == 0)
		err = await_adopt_all(s);
	if (err == 0)
		err = end_unclaimed(s);
	if (err < 0)
		return err;
	s->recovered = true;
	for (size_t i = 0; i < s->conf->recipe_count; i++)
		sched_recipe_changed(&s->recipe_list[i]);
	due_set(&s->due, next_due_ms);
	sched_watch(s);
	sched_start_all(s);
	return 0;
}
