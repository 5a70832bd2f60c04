/*
 * Light steps: what an order does without a worker, in its own task, giving way wherever it waits: sleep, and HTTP requests (by libcurl's multi
 * interface on our loop). README.md in this folder says how.
 */
#ifndef BAKERY_STEP_STEP_H
#define BAKERY_STEP_STEP_H

#include <stdint.h>

#include "conf/conf.h"
#include "daemon/order/order.h"
#include "daemon/order/recipe.h"

struct steps;

/* What light steps share: connections, names that were looked up, lines before hosts. conf is borrowed until steps_free(). 0; -ENOMEM; or a negative
 * code of a library that could not be set up (logged). Call on the loop's thread, when tasks can be made. */
int steps_new(const struct conf *conf, struct steps **out);
/* No step may be under way. Waits for threads that look up names. NULL is fine. */
void steps_free(struct steps *s);

/* One try of a light step. */
struct step_try {
	const struct conf_recipe *recipe;
	const struct conf_step *step;
	struct recipe_values values; /* what it points to is borrowed, until release_values */
	int priority;                /* the order's: whose turn it is before a host */
	int64_t budget_ms;           /* what is left of the attempt's time; CONF_NONE */
	/* called, when not NULL, each time before it waits: "sleep", "host" (its turn before it), "name" (its look-up), "http" */
	void (*on_wait)(void *arg, const char *what);
	/*
	 * When not NULL. await_values, called when the texts are to be expanded, after the wait for its turn, fills in the payload and the results of values: 0, or a
	 * negative code with which await_step() ends. Suspends; its time is not the try's. release_values: nothing borrowed is needed any more. So what waits for hours,
	 * before a host or asleep, holds no payload.
	 */
	int (*await_values)(void *arg);
	void (*release_values)(void *arg);
	void *arg;
	/* out */
	struct order_outcome outcome; /* result and message belong to the try */
	int64_t used_ms;              /* of the budget: without the wait for its turn before a host */
	void *bytes;
};

/*
 * Carries it out. 0: outcome says how it ended (CAUSE_NONE: well; CAUSE_HTTP, TIMEOUT, PARAMS, SPAWN for want of memory or descriptors); ERR_CANCELLED: the task was cancelled at a wait, and
 * whatever was under way has been given up; or what await_values said. Suspends.
 */
int await_step(struct steps *s, struct step_try *t);
/* Gives back the result. Fine for one that is zeroed. */
void step_try_clear(struct step_try *t);

struct steps_stats {
	uint64_t requests, failed, reused,
	    lookups;              /* reused: of the requests, those on a connection that was open already */
	uint32_t active, waiting; /* requests under way; before a host */
};
void steps_stats_get(const struct steps *s, struct steps_stats *out);

#endif
