/*
 * One try of a light step, in the order's own task. Who ends it from outside cancels the task, and the run says why.
 */
#include <string.h>

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

/* What the step's texts name is read when its turn has come, and held no longer than it needs to be: thousands may wait. */
static int await_values(void *arg)
{
	struct run *run = arg;
	int err = await_run_needs(run, run->needs);

	if (err < 0) {
		run->needs_error = err;
		return err;
	}
	run->light.values.payload = run->needs->payload;
	run->light.values.results = run->needs->results.of_step;
	return 0;
}

static void release_values(void *arg)
{
	struct run *run = arg;

	run->light.values.payload = (struct slice){NULL, 0};
	run->light.values.results = NULL;
	needs_clear(run->needs);
}

/* Nothing of the try has begun. */
static void had_no_values(struct run *run)
{
	const char *message = needs_message(run->needs_error);

	was_stopped(run);
	if (message && !run->cancelled) {
		run->outcome.cause = CAUSE_PARAMS;
		run->outcome.message = message;
		run->outcome.message_len = strlen(message);
	} else if (!run->cancelled && run->sched->draining) {
		run->outcome.cause = CAUSE_DRAINED;
		run->stopped_between = run->try == 0;
	}
}

static void await_try(struct run *run)
{
	struct needs n = {.payload_bytes = NULL};
	int err;

	run->needs = &n;
	run->needs_error = 0;
	run->light = (struct step_try){
	    .recipe = run->recipe->conf,
	    .step = run_conf_step(run),
	    .values = {.order = run->order, .attempt = run->attempt, .worker = -1},
	    .priority = run->head->priority,
	    .budget_ms = run_left_ms(run),
	    .on_wait = on_wait,
	    .await_values = await_values,
	    .release_values = release_values,
	    .arg = run,
	};
	run_step(run, ATTEMPT_NEWS_STEP_BEGIN);
	run->is_light = true;
	err = await_step(run->sched->steps, &run->light);
	run->is_light = false;
	needs_clear(&n);
	run->needs = NULL;
	(void)task_uncancel();
	run_step(run, ATTEMPT_NEWS_STEP_END);
	run->used_ms += run->light.used_ms;
	if (err == 0)
		run->outcome = run->light.outcome;
	else if (run->needs_error < 0)
		had_no_values(run);
	else
		was_stopped(run);
}

void await_run_light(struct run *run)
{
	if (run_ends_between(run))
		return;
	(void)failpoint("sched.before_step");
	run_log_begins(run);
	await_try(run);
}
