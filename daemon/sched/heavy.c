/*
 * One try of a heavy step: waits for a worker in the line of its pool, sends the job, waits for its end. The worker keeps the result until the run
 * releases it.
 */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/sched/way.h"

/* ---- the line ---- */

/* Until a worker of the pool is kept for it. 0; ERR_CANCELLED: it is stopped. */
static int await_worker(struct run *run, struct sched_pool *p)
{
	while (!run->reserved && !run_is_stopped(run)) {
		future_init(&run->turn, "worker");
		pick_set(&p->line, &run->in_line, place_of(run->head));
		sched_start_ready(run->sched, p);
		if (!run->reserved) {
			run_gives_way(run, "worker");
			(void)await_future(&run->turn, CLOCK_NEVER);
		}
		pick_unset(&p->line, &run->in_line);
		(void)task_uncancel();
	}
	return run_is_stopped(run) ? ERR_CANCELLED : 0;
}

/* ---- the job ---- */

/* The shorter of a try's own time and what is left of the attempt's. */
static int64_t timeout_ms(const struct run *run)
{
	int64_t of_step = run_conf_step(run)->timeout_ms, left = run_left_ms(run);

	if (of_step < 0)
		return left;
	return left < 0 || of_step < left ? of_step : left;
}

int run_send(struct run *run, const struct needs *n, int *worker)
{
	struct job job = {
	    .order = run->order,
	    .attempt = run->attempt,
	    .step = run->step,
	    .try = run->try,
	    .recipe = run->recipe->conf->name,
	    .generation = run->sched->generation,
	    .timeout_ms = timeout_ms(run),
	    .payload = n->payload,
	    .results = n->results.of_job,
	    .result_count = n->steps.result_count,
	};
	int err;

	if (run_is_stopped(run))
		return ERR_CANCELLED;
	err = job_run_start(run->reserved->pool, &job, &run->job, worker);
	if (err < 0)
		return err;
	run_unreserve(run);
	run->at_worker = true;
	run->sent_ns = loop_now_ns(task_loop());
	if (run->phase == ATTEMPT_PICKED) {
		run->sched->started++;
		run_log_begins(run);
	}
	run_step(run, ATTEMPT_NEWS_STEP_BEGIN);
	run_gives_way(run, "job");
	return 0;
}

/* Once: a worker, what the step needs, the job. It is at a worker, or the attempt has ended, or (the worker was gone) nothing has changed. */
static void await_send(struct run *run, int tries)
{
	struct needs n = {.payload_bytes = NULL};
	int err = await_worker(run, sched_pool_named(run->sched, run_conf_step(run)->pool)), worker;

	if (err == 0)
		err = await_run_needs(run, &n);
	if (err == 0)
		err = run_send(run, &n, &worker);
	needs_clear(&n);
	if (err == 0)
		return;
	run_give_back(run);
	if (run_ends_between(run) || err == -EAGAIN)
		return;
	if (needs_message(err))
		run_end(run, CAUSE_PARAMS, needs_message(err));
	else if (err == ERR_STATE)
		run_end(run, CAUSE_DAEMON_LOST, NULL); /* the order is gone: its end will be refused */
	else
		(void)await_run_trouble(run, "job", err, tries);
}

static int64_t elapsed_ms(const struct run *run)
{
	const struct order_outcome *o = &run->outcome;

	if (run->sent_ns > 0)
		return (loop_now_ns(task_loop()) - run->sent_ns) / NS_PER_MS;
	return o->finished_ms > o->started_ms ? o->finished_ms - o->started_ms : 0;
}

static void await_job(struct run *run)
{
	bool all = run->recipe && timeout_ms(run) == run_left_ms(run);

	(void)await_future_shielded(&run->job.ended);
	run_step(run, ATTEMPT_NEWS_STEP_END);
	run->outcome = run->job.outcome;
	run->used_ms += elapsed_ms(run);
	/* The worker's clock and ours differ by a little: what it had was all that was left. */
	if (all && run->outcome.cause == CAUSE_TIMEOUT)
		run->used_ms = INT64_MAX / 2;
	run->sent_ns = 0;
}

void await_run_heavy(struct run *run)
{
	if (run->phase == ATTEMPT_BETWEEN && !run_ends_between(run)) {
		(void)failpoint("sched.before_step");
		run_log_begins(run);
		for (int tries = 0; run->phase == ATTEMPT_BETWEEN; tries++)
			await_send(run, tries);
		if (run->phase == ATTEMPT_ENDED)
			run_log_ends(run);
	}
	if (run->phase == ATTEMPT_RUNNING || run->phase == ATTEMPT_ENDING)
		await_job(run);
}
