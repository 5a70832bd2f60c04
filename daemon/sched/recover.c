/*
 * After a start: what the store knows and what the workers of an earlier front say are brought together before anything new begins.
 *
 *   the store says          the worker says            then
 *   queued                  has attempt n              its start is committed, and it is adopted
 *   running, attempt n      has attempt n (or its end) adopted
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

static int await_claim(struct sched *s, struct worker *worker, const struct worker_claim *claim)
{
	struct run *run = run_find(s, claim->order);
	struct store_head *head = NULL;
	int err;

	if (!run) {
		err = await_unstarted(s, claim, &head);
		if (err < 0)
			return err;
		if (head) {
			err = run_recover(s, sched_recipe_of(s, head->recipe), head);
			if (err < 0) {
				store_head_free(head);
				return err;
			}
			run = run_find(s, claim->order);
		}
	}
	if (!run || run->phase != ATTEMPT_UNCLAIMED || run->attempt != claim->attempt) {
		log_info("a worker's job is nobody's", log_int("order", claim->order),
		    log_int("attempt", claim->attempt));
		job_discard(worker, claim);
		return 0;
	}
	log_info("adopted", log_int("order", claim->order), log_int("attempt", claim->attempt),
	    log_int("ended", claim->ended));
	/* A store in trouble may take the start later: the job runs. */
	return run_claim(run, worker, claim, head != NULL);
}

/* Until every worker of an earlier front has spoken, or has ended. */
static int await_claims(struct sched *s)
{
	for (;;) {
		struct sched_claim *c = STAILQ_FIRST(&s->claims);
		int err;

		if (c) {
			STAILQ_REMOVE_HEAD(&s->claims, entry);
			err = await_claim(s, c->worker, &c->claim);
			free(c);
		} else if (s->settled) {
			return 0;
		} else {
			err = await_condition(&s->recovery, CLOCK_NEVER);
		}
		if (err < 0)
			return err;
	}
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
