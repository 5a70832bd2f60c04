/*
 * One attempt of one order, from its pick (or from its adoption, when an earlier front began it) until its end is durable: a task, written as straight
 * code. STATES.md has the phases. The worker keeps the result until the store has it: only then is it released.
 */
#ifndef BAKERY_SCHED_RUN_H
#define BAKERY_SCHED_RUN_H

#include <sys/queue.h>
#include <uthash.h>

#include "daemon/loop/loop.h"
#include "daemon/order/attempt.h"
#include "daemon/store/store.h"
#include "daemon/worker/pool.h"

struct sched;
struct sched_recipe;
struct sched_pool;

struct run {
	int64_t order;
	int attempt;
	enum attempt_phase phase;
	struct sched *sched;
	struct sched_recipe *recipe; /* NULL: not in the configuration (adopted) */
	struct store_head *head;     /* owned: the order as before this attempt */

	bool known;       /* in runs_by_id */
	bool reserved;    /* an idle worker is kept for it */
	bool at_worker;   /* job is in use */
	bool cancelled;   /* a cancel of this attempt has been committed */
	bool never_began; /* its start is stored, and no worker ever had it */
	bool uncertain;   /* a commit of its start was */
	bool lost_sight; /* the store has something else: the order is looked for on disk when this is over */
	bool abandoned;  /* the daemon ends before the store could take its end */

	struct job_run job;
	struct order_outcome outcome; /* its result and message: of the job, or static */

	bool starting; /* start is in use */
	struct store_start start;
	struct future_callback started;
	struct loop_timer start_again;

	UT_hash_handle hh;
	union {
		TAILQ_ENTRY(run) entry;
		SLIST_ENTRY(run) spare;
	};
};

/*
 * Picks an order: takes a worker's place, makes the task that will send it. 0 (head is taken), or -ENOMEM (head is still the caller's).
 */
int run_pick(struct sched_recipe *r, struct store_head *head);

/* An attempt that the store has as running (head->attempts is its number). Takes head on success. recipe may be NULL. 0 or -ENOMEM. */
int run_recover(struct sched *s, struct sched_recipe *recipe, struct store_head *head);
/* A worker has it: adopts it; unstarted: its start is committed now. 0, or a negative code, after which this front can only end. */
int run_claim(struct run *run, struct worker *worker, const struct worker_claim *claim, bool unstarted);
/* Nobody has it: ends it. 0 or -ENOMEM. */
int run_nobody(struct run *run);

struct run *run_find(struct sched *s, int64_t order);
/* A cancel of this attempt has been committed. */
void run_cancel(struct run *run);
/* The time for finishing is over. */
void run_drain(struct run *run);
/* The store has ended this attempt, or the order was cancelled before it began: whatever the task does now, it is not the order's attempt any more. */
void run_disown(struct run *run);
/* Frees what is left: unclaimed and abandoned ones, and memory kept for further ones. No task may be left. */
void run_free_all(struct sched *s);

#endif
