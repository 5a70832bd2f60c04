/*
 * The end of an attempt: decided, and made durable, however long the store has trouble.
 */
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/sched/retry.h"
#include "daemon/sched/way.h"

/* What the store keeps of it: the last try, with the times and the use of all of them. */
static struct order_outcome outcome_of_all(const struct run *run)
{
	struct order_outcome o = run->outcome;

	if (run->started_ms > 0)
		o.started_ms = run->started_ms;
	o.cpu_ms = run->cpu_ms;
	o.max_rss_kib = run->max_rss_kib;
	/* The result of an order is its last step's: what an earlier one said before it failed is none. */
	if (run->recipe && (run->recipe->conf->result == CONF_RESULT_NONE || !run_is_last(run))) {
		o.result = NULL;
		o.result_len = o.result_total = 0;
		o.result_cut = false;
	}
	return o;
}

/* Where it failed, for who looks at it later: the recipe may be another then. NULL: it is not known, or there is no memory to tell it. */
static const char *failed_step(const struct run *run)
{
	const char *name;

	if (!run->recipe || run->recipe->conf->step_count == 1 || order_outcome_ok(&run->outcome))
		return NULL;
	switch (run->outcome.cause) {
	case CAUSE_CANCELLED:
	case CAUSE_DRAINED:
	case CAUSE_DAEMON_LOST: /* it is not known which it was in */
		return NULL;
	default:
		name = run_conf_step(run)->name;
		return store_intern(run->sched->store, name, strlen(name));
	}
}

static int await_finish(struct run *run, struct retry_decision *d)
{
	struct retry_case c = {
	    .recipe = run->recipe ? run->recipe->conf : NULL,
	    .head = run->head,
	    .outcome = &run->outcome,
	    .cancelled = run->cancelled,
	    .stopped_between = run->stopped_between,
	};
	struct store_finish finish = {
	    .id = run->order, .attempt = run->attempt, .outcome = outcome_of_all(run)};
	int err = failpoint("sched.before_finish");

	*d = retry_decide(&c);
	finish.next = d->next;
	finish.cause = d->cause;
	finish.delay_ms = d->delay_ms;
	finish.charge = d->charge;
	finish.lost = d->lost;
	finish.step = failed_step(run);
	if (err < 0)
		return err;
	store_finish(run->sched->store, &finish);
	return await_future_shielded(&finish.op.done);
}

/* The end was refused. Is that because a start failed that was on its way before it? */
static bool await_start_failed(struct run *run)
{
	if (!run->starting)
		return false;
	(void)await_future_shielded(&run->start.op.done);
	return run_start_state(run) < 0 && run_start_state(run) != ERR_STATE;
}

void await_run_keep(struct run *run)
{
	run_waits(run, "disk");
	(void)task_uncancel();
	for (int tries = 0; run->phase == ATTEMPT_ENDED; tries++) {
		struct retry_decision d;
		/* A start that failed is tried again before its end is: an end is refused when the order was not started. */
		int err = await_run_started(run);

		if (err == 0)
			err = await_finish(run, &d);
		if (err == 0) {
			run_step(run, ATTEMPT_NEWS_DURABLE);
			run->sched->retried += !order_state_final(d.next);
		} else if (err == ERR_STATE || err == ERR_CORRUPT) {
			if (err == ERR_STATE && await_start_failed(run))
				continue;
			log_info("an end was dropped", log_int("order", run->order),
			    log_int("attempt", run->attempt), log_str("error", err_name(err)));
			run_lose_sight(run);
			run_step(run, ATTEMPT_NEWS_STALE);
		} else {
			run_step(run, ATTEMPT_NEWS_TROUBLE);
			if (!await_run_trouble(run, "end", err, tries)) {
				run_step(run, ATTEMPT_NEWS_ABANDON);
				run->abandoned = run->at_worker;
			}
		}
	}
	await_run_start_final(run);
}
