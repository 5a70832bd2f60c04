/*
 * The scheduler: which order starts next, and the task that carries it. Keeps a bounded window of each recipe's queue in memory, fed by the store's
 * events and refilled from the store before it runs dry; starts heads when their pool has an idle worker; promotes orders whose time has come;
 * carries each running order as a task (run.c is straight code); decides about retries.
 */
#ifndef BAKERY_SCHED_SCHED_H
#define BAKERY_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "daemon/step/step.h"
#include "daemon/store/store.h"
#include "daemon/worker/pool.h"

struct sched;

struct sched_options {
	const struct conf *conf; /* borrowed until sched_free */
	uint64_t generation;
	struct store *store;
	struct pools *pools; /* its events go to sched_pools_events() */
	struct steps *steps; /* carries out light steps; borrowed until no task of an order is left */
};

/* 0 or -ENOMEM. */
int sched_new(const struct sched_options *o, struct sched **out);
/* After the store has been closed and the pools have been freed: they may hold what is freed here. No task of it may be left. NULL is fine. */
void sched_free(struct sched *s);

/* News from below. */
void sched_on_events(struct sched *s, struct store_event *events, size_t count);
struct pools_events sched_pools_events(struct sched *s);
/* store and pools refer to the scheduler before it exists: they are given here, once. */
void sched_connect(struct sched *s, struct store *store, struct pools *pools);

/* Reads what the store knows of running and queued orders, adopts or ends what workers claim, and lets work start. 0, or the store's error. Suspends. */
int await_sched_recover(struct sched *s);

/* Cancels an order, whatever its state: store_cancel(), then the worker is told if it is running. 0 with r filled in, or the store's error. Suspends. */
int await_sched_cancel(struct sched *s, struct store_cancel *r);

/* PAUSE and RESUME of a recipe: durable, then in force. Suspends. 0, ERR_NOTFOUND, or the store's error. */
int await_sched_pause(struct sched *s, const char *recipe, bool paused, const char *by, struct slice reason);
bool sched_is_paused(const struct sched *s, const char *recipe);

/* No order starts any more. Then: when nothing runs, or at the deadline after the rest has been stopped and queued again, *done becomes final. Again:
 * the deadline is moved; done is then the same. */
void sched_drain(struct sched *s, int64_t deadline_ns, struct future *done);
bool sched_draining(const struct sched *s);

/* Why a queued order has not started: a fixed word and a text in plain English into why. For EXPLAIN. */
enum sched_hold {
	SCHED_HOLD_NONE,
	SCHED_HOLD_PAUSED,
	SCHED_HOLD_NO_RECIPE,
	SCHED_HOLD_CONCURRENCY,
	SCHED_HOLD_RUNNING,
	SCHED_HOLD_WORKERS,
	SCHED_HOLD_DRAINING,
	SCHED_HOLD_RECOVERING
};
enum sched_hold sched_why_held(const struct sched *s, const char *recipe, char why[static 256]);
const char *sched_hold_word(enum sched_hold h);

/* What a running order does now. For STATUS and EXPLAIN. */
struct sched_doing {
	const char *step;  /* the name of the step that it is in; the configuration's */
	int number, count; /* which of how many, from 1 */
	int try;           /* of this step, from 1 */
	const char *
	    waits_for; /* "worker", "job", "sleep", "host", "name", "http", "backoff", "disk"; "" when for nothing */
	int64_t since_ns; /* clock_mono_ns() when that began; 0: not known */
	const char *pool; /* of a heavy step; NULL */
};
/* False: this order has no task here, or nothing is known of it. */
bool sched_doing(const struct sched *s, int64_t order, struct sched_doing *out);

struct sched_stats {
	uint64_t running, started, window, refills, promoted, retried;
};
void sched_stats_get(const struct sched *s, struct sched_stats *out);
/* How many orders of a recipe run now. */
int sched_recipe_running(const struct sched *s, const char *recipe);

#endif
