/*
 * What becomes of an order when an attempt has ended. Pure: outcome, recipe and the order's history in, decision out. STATES.md has the table.
 */
#ifndef BAKERY_SCHED_RETRY_H
#define BAKERY_SCHED_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "daemon/order/order.h"
#include "daemon/store/store.h"

/* An order that took its worker down so often is not tried again: when its recipe is gone and cannot say how often. */
enum { RETRY_POISON_AFTER = 3 };

struct retry_case {
	const struct conf_recipe *recipe; /* NULL: not in the configuration any more */
	const struct store_head *head;    /* as before this attempt */
	const struct order_outcome *outcome;
	bool cancelled;       /* a cancel has been committed */
	bool stopped_between; /* it was stopped where no step was under way: nothing that was begun is lost */
};

struct retry_decision {
	enum order_state next;  /* done, failed, cancelled, queued, scheduled */
	enum order_cause cause; /* of the order, when next is final */
	int64_t delay_ms;       /* when next is scheduled */
	bool charge;            /* uses up one of the retries */
	bool lost;              /* counts towards poison_after */
};

/* The delay has jitter, from daemon/base/rand.h. */
struct retry_decision retry_decide(const struct retry_case *c);

/* How often the order may be attempted again after a failure of its own: the lower of its own and the recipe's number. */
int retry_allowed(const struct conf_recipe *recipe, const struct store_head *head);

/* May a step that has had so many tries be tried again within the attempt? Not when the attempt was ended from outside, or its worker is gone. */
bool retry_step_again(const struct conf_recipe *recipe, const struct conf_step *step,
    const struct order_outcome *outcome, int before);

/* The pause after such a failure: retry_backoff_ms(), or what the other side asked for if that is more, up to the longest backoff. */
int64_t retry_pause_ms(const struct conf_recipe *recipe, const struct order_outcome *outcome, int before);

/* The pause before a further attempt, `before` of the same kind having had theirs: exponential, capped, with jitter. */
int64_t retry_backoff_ms(const struct conf_recipe *recipe, int before);

#endif
