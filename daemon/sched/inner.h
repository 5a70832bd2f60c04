/*
 * What the files of this room share: the scheduler, its pools, its recipes. For this room only.
 */
#ifndef BAKERY_SCHED_INNER_H
#define BAKERY_SCHED_INNER_H

#include <uthash.h>

#include "daemon/loop/loop.h"
#include "daemon/sched/answer.h"
#include "daemon/sched/due.h"
#include "daemon/sched/pick.h"
#include "daemon/sched/run.h"
#include "daemon/sched/sched.h"
#include "daemon/sched/window.h"
#include "daemon/task/task.h"

/* A pool as the scheduler sees it: who may start there. The counter is one without workers, for recipes that begin with a light step. */
struct sched_pool {
	const char *name;  /* the configuration's */
	struct pool *pool; /* from sched_connect() on; the counter: NULL */
	struct pick pick;
	struct pick line;  /* running orders that wait for a worker */
	int reserved;      /* idle workers that are kept for picked orders, and for the first of the line */
	bool dirty;        /* something changed that may let an order start */
	UT_hash_handle hh; /* in sched.pools_by_pool */
};

/* A recipe as the scheduler sees it. Those that the configuration has live as long as the scheduler; others are not in here. */
struct sched_recipe {
	struct sched *sched;
	const struct conf_recipe *conf;
	const char *interned;    /* the store's pointer for its name; NULL before recovery */
	uint64_t digest;         /* of its steps */
	struct sched_pool *pool; /* where its orders start */
	struct window window;
	struct pick_item item; /* in pool->pick while it may start */
	int running;           /* picked, unclaimed and running orders: what `concurrency` limits */
	bool paused;
	struct store_refill refill;
	struct future_callback refilled;
	struct loop_timer refill_again; /* after the store could not answer */
	UT_hash_handle by_name, by_pointer;
};

/* What a worker of an earlier front claims, until the recovery has looked at it. */
struct sched_claim {
	STAILQ_ENTRY(sched_claim) entry;
	struct worker *worker;
	struct worker_claim claim;
};

struct sched {
	const struct conf *conf;
	uint64_t generation;
	struct store *store;
	struct pools *pools;
	struct steps *steps;

	struct sched_pool *pool_list;
	struct sched_pool counter;
	int at_counter;          /* started there since start_more ran */
	struct ready start_more; /* in the next turn */
	size_t line_capacity;    /* of every pool's line: no fewer than there are runs */
	struct sched_pool *pools_by_pool;
	struct sched_recipe *recipe_list;
	struct sched_recipe *by_name, *by_pointer;
	struct due due;
	struct loop_timer again; /* when an order could not be started for want of memory */
	struct loop_timer watch; /* looks for trouble of the store */
	uint64_t storage_errors; /* as the store counted them when all windows were last trusted */

	struct run *runs_by_id; /* every attempt whose end the store does not have yet */
	TAILQ_HEAD(, run) runs; /* every attempt that is not over */
	SLIST_HEAD(, run) spare_runs;
	size_t spare_count;
	int running;  /* the sum of all recipes' */
	size_t tasks; /* of the runs, those that have a task */

	bool recovered; /* orders may start */
	bool settled;   /* every worker of an earlier front has spoken */
	struct condition recovery;
	STAILQ_HEAD(, sched_claim) claims;

	bool draining, stopping; /* stopping: the deadline of the drain has passed */
	struct loop_timer deadline;
	struct future *drained;

	uint64_t started, refills, retried;
};

/* ---- sched.c ---- */

/* NULL: the configuration has no such recipe. name: interned by the store. */
struct sched_recipe *sched_recipe_of(struct sched *s, const char *interned);
/* The same by any name. */
struct sched_recipe *sched_recipe_named(const struct sched *s, const char *name);
struct sched_pool *sched_pool_named(struct sched *s, const char *name);
/* The recipe's line, pause or concurrency has changed: is it among those that may start; does it need a refill. */
void sched_recipe_changed(struct sched_recipe *r);
/* A commit was uncertain: perhaps there are orders that nobody was told of. */
void sched_distrust(struct sched *s);
/* Begins to look for trouble of the store that others had. */
void sched_watch(struct sched *s);
/* A task of a run has ended. */
void sched_task_ended(struct sched *s);

/* ---- starting.c ---- */

/* Starts what may start now in this pool, in all, or in those that are dirty. Spawns tasks, does not suspend. */
void sched_start_ready(struct sched *s, struct sched_pool *p);
void sched_start_all(struct sched *s);
void sched_start_dirty(struct sched *s);
/* Room for so many runs in every pool's line, so that none that waits for a worker needs memory. 0 or -ENOMEM. */
int sched_make_lines(struct sched *s, size_t runs);

#endif
