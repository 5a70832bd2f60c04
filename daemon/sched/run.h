/*
 * One attempt of one order, from its pick (or from its adoption, when an earlier front began it) until its end is durable: a task that carries the order
 * through the steps of its recipe, written as straight code. STATES.md has the phases. A worker keeps a result until the store has it: only then is it
 * released.
 *
 * The way is in run.c; its parts: start.c (the start is made durable), needs.c (what a step needs), heavy.c and light.c (one try of a step), advance.c (what
 * follows a try), finish.c (the end is made durable).
 */
#ifndef BAKERY_SCHED_RUN_H
#define BAKERY_SCHED_RUN_H

#include <sys/queue.h>
#include <uthash.h>

#include "daemon/loop/loop.h"
#include "daemon/order/attempt.h"
#include "daemon/sched/pick.h"
#include "daemon/step/step.h"
#include "daemon/store/store.h"
#include "daemon/worker/pool.h"

struct sched;
struct sched_recipe;
struct sched_pool;
struct task;

struct run {
	int64_t order;
	int attempt;
	enum attempt_phase phase;
	struct sched *sched;
	struct sched_recipe *recipe; /* NULL: not in the configuration (adopted) */
	struct store_head *head;     /* owned: the order as before this attempt */
	struct task *task;           /* NULL: none yet */

	int step, try;         /* both from 0 */
	const char *waits_for; /* as in struct sched_doing */
	int64_t waits_since_ns;

	bool known;           /* in runs_by_id */
	bool at_worker;       /* job is in use */
	bool is_light;        /* a light step is under way */
	struct needs *needs;  /* of a light step under way: what it names; on the task's stack */
	int needs_error;      /* why it could not be read; 0 */
	bool cancelled;       /* a cancel of this attempt has been committed */
	bool stopped_between; /* it ends where no step was under way: nothing that was begun is lost */
	bool uncertain;       /* a commit of its start was */
	bool lost_sight; /* the store has something else: the order is looked for on disk when this is over */
	bool abandoned;  /* the daemon ends before the store could take what it has */

	struct sched_pool *reserved; /* an idle worker of this pool is kept for it; NULL */
	struct pick_item in_line;    /* while it waits for a worker: in its pool's line */
	struct future turn;          /* final: a worker is kept */

	int64_t sent_ns;    /* when the job went to its worker; 0: to an earlier front's */
	int64_t used_ms;    /* of the attempt's time */
	int64_t started_ms; /* of its first step, by the wall clock; 0: none has ended */
	int64_t cpu_ms, max_rss_kib;

	struct job_run job;    /* a try of a heavy step */
	struct step_try light; /* a try of a light one */
	struct order_outcome
	    outcome; /* of the last try; its result and message are the job's, the try's, or static */

	bool starting; /* start is in use */
	struct store_start start;
	struct future_callback started;
	struct loop_timer start_again;

	struct sched_claim *claim; /* during the recovery: the latest job of it that a worker has */
	bool unstarted;            /* the same: the store does not have its start yet */

	UT_hash_handle hh;
	union {
		TAILQ_ENTRY(run) entry;
		SLIST_ENTRY(run) spare;
	};
};

/*
 * Picks an order: takes a worker's place when its first step is a heavy one, makes the task that carries it. 0 (head is taken), or -ENOMEM (head is still
 * the caller's).
 */
int run_pick(struct sched_recipe *r, struct store_head *head);
/* It has come to the head of the pool's line: a worker is kept for it. */
void run_grant(struct run *run, struct sched_pool *p);

/* An attempt that the store has as running (head->attempts is its number). Takes head on success. recipe may be NULL. 0 or -ENOMEM. */
int run_recover(struct sched *s, struct sched_recipe *recipe, struct store_head *head);
/* A worker has it: adopts it. 0, or a negative code, after which this front can only end. */
int run_claim(struct run *run, struct worker *worker, const struct worker_claim *claim);
/* Nobody has it: ends it. 0 or -ENOMEM. */
int run_nobody(struct run *run);

struct run *run_find(struct sched *s, int64_t order);
/* A cancel of this attempt has been committed. */
void run_cancel(struct run *run);
/* No further step is to begin. */
void run_hold(struct run *run);
/* The time for finishing is over. */
void run_drain(struct run *run);
/* The store has ended this attempt, or the order was cancelled before it began: whatever the task does now, it is not the order's attempt any more. */
void run_disown(struct run *run);
/* Frees what is left: unclaimed and abandoned ones, and memory kept for further ones. No task may be left. */
void run_free_all(struct sched *s);

#endif
