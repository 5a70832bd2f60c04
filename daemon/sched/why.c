/*
 * What is told of an order that waits, and of one that runs.
 */
#include <stdio.h>

#include "daemon/sched/way.h"

const char *sched_hold_word(enum sched_hold h)
{
	static const char *const words[] = {
	    [SCHED_HOLD_NONE] = "none",
	    [SCHED_HOLD_PAUSED] = "paused",
	    [SCHED_HOLD_NO_RECIPE] = "no-recipe",
	    [SCHED_HOLD_CONCURRENCY] = "concurrency",
	    [SCHED_HOLD_RUNNING] = "running",
	    [SCHED_HOLD_WORKERS] = "workers",
	    [SCHED_HOLD_DRAINING] = "draining",
	    [SCHED_HOLD_RECOVERING] = "recovering",
	};

	return words[h];
}

enum sched_hold sched_why_held(const struct sched *s, const char *recipe, char why[static 256])
{
	const struct sched_recipe *r = sched_recipe_named(s, recipe);

	if (s->draining) {
		snprintf(why, 256, "the daemon is draining: nothing starts any more");
		return SCHED_HOLD_DRAINING;
	}
	if (!s->recovered) {
		snprintf(why, 256, "the daemon has just started and waits for what its workers say");
		return SCHED_HOLD_RECOVERING;
	}
	if (!r) {
		snprintf(why, 256, "the configuration has no recipe of this name any more");
		return SCHED_HOLD_NO_RECIPE;
	}
	if (r->paused) {
		snprintf(why, 256, "the recipe is paused");
		return SCHED_HOLD_PAUSED;
	}
	if (r->conf->concurrency != CONF_NONE && r->running >= r->conf->concurrency) {
		snprintf(why, 256, "the recipe's concurrency is %d, and %d of it are running",
		    r->conf->concurrency, r->running);
		return SCHED_HOLD_CONCURRENCY;
	}
	if (s->running >= s->conf->limits.running) {
		snprintf(why, 256, "limits.running is %lld, and %d orders are running",
		    (long long)s->conf->limits.running, s->running);
		return SCHED_HOLD_RUNNING;
	}
	if (r->pool != &s->counter &&
	    (!r->pool->pool || pool_idle_count(r->pool->pool) <= r->pool->reserved)) {
		snprintf(why, 256, "no worker of pool %.100s is idle: %d are working, of %d", r->pool->name,
		    r->pool->pool ? pool_busy_count(r->pool->pool) : 0,
		    r->pool->pool ? pool_worker_count(r->pool->pool) : 0);
		return SCHED_HOLD_WORKERS;
	}
	snprintf(why, 256, "nothing holds it: it is about to start");
	return SCHED_HOLD_NONE;
}

/* ---- what it does ---- */

bool sched_doing(const struct sched *s, int64_t order, struct sched_doing *out)
{
	const struct run *run = run_find((struct sched *)s, order);
	const struct conf_step *step;

	if (!run || !run->recipe || run->phase == ATTEMPT_PICKED || run->phase == ATTEMPT_UNCLAIMED ||
	    run->phase == ATTEMPT_OVER || (size_t)run->step >= run->recipe->conf->step_count)
		return false;
	step = run_conf_step(run);
	*out = (struct sched_doing){
	    .step = step->name,
	    .number = run->step + 1,
	    .count = (int)run->recipe->conf->step_count,
	    .try = run->try + 1,
	    .waits_for = run->waits_for,
	    .since_ns = run->waits_since_ns,
	    .pool = conf_step_is_heavy(step) ? step->pool : NULL,
	};
	return true;
}
