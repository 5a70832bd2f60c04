/*
 * The table of STATES.md, from top to bottom.
 */
#include "daemon/sched/retry.h"

#include "daemon/base/rand.h"

/* No sum with it overflows. */
#define PAUSE_MAX_MS (INT64_MAX / 4)

int retry_allowed(const struct conf_recipe *recipe, const struct store_head *head)
{
	if (head->retries >= 0 && head->retries < recipe->retries)
		return head->retries;
	return recipe->retries;
}

int64_t retry_backoff_ms(const struct conf_recipe *recipe, int before)
{
	double delay = (double)recipe->backoff.first_ms, max = (double)recipe->backoff.max_ms;
	int64_t ms, spread;

	for (int i = 0; i < before && delay < max; i++)
		delay *= recipe->backoff.factor;
	ms = delay < max ? (int64_t)delay : recipe->backoff.max_ms;
	if (ms > PAUSE_MAX_MS)
		ms = PAUSE_MAX_MS;
	spread = ms / 100 * recipe->backoff.jitter_percent + ms % 100 * recipe->backoff.jitter_percent / 100;
	if (spread > 0)
		ms += (int64_t)rand_below((uint64_t)spread * 2 + 1) - spread;
	return ms > 0 ? ms : 0;
}

int64_t retry_pause_ms(const struct conf_recipe *recipe, const struct order_outcome *outcome, int before)
{
	int64_t ms = retry_backoff_ms(recipe, before), asked = outcome->retry_after_ms;

	if (asked > recipe->backoff.max_ms)
		asked = recipe->backoff.max_ms;
	return asked > ms ? asked : ms;
}

static struct retry_decision final(enum order_state state, enum order_cause cause)
{
	return (struct retry_decision){.next = state, .cause = cause};
}

static struct retry_decision again_after(int64_t delay_ms)
{
	return (struct retry_decision){
	    .next = delay_ms > 0 ? ORDER_SCHEDULED : ORDER_QUEUED, .delay_ms = delay_ms};
}

static struct retry_decision worker_lost(const struct retry_case *c)
{
	struct retry_decision d;
	int most = c->recipe ? c->recipe->poison_after : RETRY_POISON_AFTER;

	if (c->head->lost + 1 >= most)
		d = final(ORDER_FAILED, CAUSE_POISON);
	else
		d = again_after(c->recipe ? retry_backoff_ms(c->recipe, c->head->lost) : 0);
	d.lost = true;
	return d;
}

/* Another time would not change it. */
static bool no_retry(const struct conf_recipe *recipe, const struct order_outcome *o)
{
	if (o->permanent || o->cause == CAUSE_PARAMS)
		return true;
	return o->cause == CAUSE_EXIT && o->exit >= 0 && o->exit < 256 && recipe && recipe->no_retry[o->exit];
}

bool retry_step_again(const struct conf_recipe *recipe, const struct conf_step *step,
    const struct order_outcome *outcome, int before)
{
	switch (outcome->cause) {
	case CAUSE_CANCELLED:
	case CAUSE_DRAINED:
	case CAUSE_WORKER_LOST:
	case CAUSE_DAEMON_LOST:
		return false;
	default:
		return !recipe->at_most_once && before < step->retries && !no_retry(recipe, outcome);
	}
}

struct retry_decision retry_decide(const struct retry_case *c)
{
	enum order_cause cause = c->outcome->cause;
	struct retry_decision d;

	if (c->cancelled)
		return final(ORDER_CANCELLED, CAUSE_CANCELLED);
	if (c->stopped_between)
		return again_after(0);
	if (order_outcome_ok(c->outcome))
		return final(ORDER_DONE, cause);
	if (c->recipe && c->recipe->at_most_once)
		return final(ORDER_FAILED, cause);
	if (cause == CAUSE_DRAINED || cause == CAUSE_DAEMON_LOST)
		return again_after(0);
	if (cause == CAUSE_WORKER_LOST)
		return worker_lost(c);
	if (!c->recipe || no_retry(c->recipe, c->outcome) ||
	    c->head->charged >= retry_allowed(c->recipe, c->head)) {
		d = final(ORDER_FAILED, cause);
	} else {
		d = again_after(retry_pause_ms(c->recipe, c->outcome, c->head->charged));
	}
	d.charge = true;
	return d;
}
