/*
 * What follows a try: the next step, when its result is durable; another try after a pause; or the end of the attempt.
 */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/sched/retry.h"
#include "daemon/sched/way.h"

/* ---- the next step ---- */

static int await_store_result(struct run *run)
{
	struct store_step r = {
	    .id = run->order,
	    .attempt = run->attempt,
	    .step = run->step,
	    .digest = run->recipe->digest,
	    .cut = run->outcome.result_cut,
	    .result = {run->outcome.result, run->outcome.result_len},
	};

	store_step(run->sched->store, &r);
	return await_future_shielded(&r.op.done);
}

/* The step's result is durable when this returns 0. ERR_STATE, ERR_CORRUPT: the attempt is not the order's any more; else the daemon is ending. */
static int await_result_kept(struct run *run)
{
	run_waits(run, "disk");
	/* A step is refused when the order was not started: so the start is certain first. */
	await_run_start_final(run);
	for (int tries = 0;; tries++) {
		int err = await_run_started(run);

		if (err == 0)
			err = await_store_result(run);
		if (err == 0 || err == ERR_STATE || err == ERR_CORRUPT)
			return err;
		if (!await_run_trouble(run, "step", err, tries))
			return err;
		if (run->cancelled || !run->known || run->lost_sight)
			return ERR_STATE;
	}
}

static void await_next_step(struct run *run)
{
	int err = await_result_kept(run);

	if (err == 0) {
		/* Only now the worker may forget it. */
		run_release(run);
		run->step++;
		run->try = 0;
		(void)failpoint("sched.after_step");
	} else if (err == ERR_STATE || err == ERR_CORRUPT) {
		if (!run_ends_between(run))
			run_end(run, CAUSE_DAEMON_LOST, NULL); /* its end will be refused too */
	} else {
		run->abandoned = run->at_worker;
		run_step(run, ATTEMPT_NEWS_ABANDON);
	}
}

/* ---- another try ---- */

static void await_pause(struct run *run, int64_t ms)
{
	int64_t began_ns = loop_now_ns(task_loop()), passed_ms;

	run_gives_way(run, "backoff");
	if (await_sleep_ms(ms) < 0)
		passed_ms = (loop_now_ns(task_loop()) - began_ns) / NS_PER_MS;
	else
		passed_ms = ms;
	run->used_ms += passed_ms;
}

/* Whether there will be another try, after *pause_ms. Not when the attempt has no time left for it: then it ends as this try did. */
static bool is_tried_again(const struct run *run, int64_t *pause_ms)
{
	int64_t left;

	if (!run->recipe || !retry_step_again(run->recipe->conf, run_conf_step(run), &run->outcome, run->try))
		return false;
	*pause_ms = retry_pause_ms(run->recipe->conf, &run->outcome, run->try);
	left = run_left_ms(run);
	return left == CONF_NONE || *pause_ms < left;
}

static void await_another_try(struct run *run, int64_t pause_ms)
{
	run_release(run);
	run->try++;
	if (pause_ms > 0 && !run_is_stopped(run))
		await_pause(run, pause_ms);
}

/* ---- */

/* Sums up over the tries what is told of the attempt. */
static void count(struct run *run)
{
	if (run->started_ms == 0)
		run->started_ms = run->outcome.started_ms;
	run->cpu_ms += run->outcome.cpu_ms;
	if (run->max_rss_kib < run->outcome.max_rss_kib)
		run->max_rss_kib = run->outcome.max_rss_kib;
}

void await_run_advance(struct run *run)
{
	bool ok = order_outcome_ok(&run->outcome);
	int64_t pause_ms;

	run_log_ends(run);
	count(run);
	if (ok && !run_is_last(run)) {
		if (run->cancelled || !run->known || run->lost_sight)
			(void)run_ends_between(run);
		else
			await_next_step(run);
	} else if (!ok && is_tried_again(run, &pause_ms)) {
		await_another_try(run, pause_ms);
	} else {
		run_step(run, ATTEMPT_NEWS_END);
	}
}
