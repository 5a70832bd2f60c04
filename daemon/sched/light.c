/*
 * One try of a light step, in the order's own task. Who ends it from outside cancels the task, and the run says why.
 */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/sched/way.h"

static void on_wait(void *arg, const char *what)
{
	run_gives_way(arg, what);
}

/* The step was given up. */
static void was_stopped(struct run *run)
{
	run->outcome = (struct order_outcome){.cause = run->cancelled         ? CAUSE_CANCELLED
						       : run->sched->stopping ? CAUSE_DRAINED
									      : CAUSE_DAEMON_LOST,
	    .exit = -1,
	    .started_ms = run->light.outcome.started_ms,
	    .finished_ms = clock_wall_ms()};
}

static void await_try(struct run *run, const struct needs *n)
{
	int err;

	run->light = (struct step_try){
	    .recipe = run->recipe->conf,
	    .step = run_conf_step(run),
	    .values = {.order = run->order,
		.attempt = run->attempt,
		.worker = -1,
		.payload = n->payload,
		.results = n->results.of_step},
	    .priority = run->head->priority,
	    .budget_ms = run_left_ms(run),
	    .on_wait = on_wait,
	    .arg = run,
	};
	run_step(run, ATTEMPT_NEWS_STEP_BEGIN);
	run->is_light = true;
	err = await_step(run->sched->steps, &run->light);
	run->is_light = false;
	(void)task_uncancel();
	run_step(run, ATTEMPT_NEWS_STEP_END);
	run->used_ms += run->light.used_ms;
	if (err == 0)
		run->outcome = run->light.outcome;
	else
		was_stopped(run);
}

void await_run_light(struct run *run)
{
	struct needs n;
	int err;

	if (run_ends_between(run))
		return;
	(void)failpoint("sched.before_step");
	run_log_begins(run);
	err = await_run_needs(run, &n);
	if (!run_ends_between(run)) {
		if (err == 0)
			await_try(run, &n);
		else if (needs_message(err))
			run_end(run, CAUSE_PARAMS, needs_message(err));
		else
			run_end(
			    run, CAUSE_DAEMON_LOST, NULL); /* the order is gone: its end will be refused */
	}
	needs_clear(&n);
	if (run->phase == ATTEMPT_ENDED)
		run_log_ends(run);
}
