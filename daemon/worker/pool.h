/*
 * The front's side of the workers: named pools of worker processes, each at the other end of a stream socket. Hands jobs to idle workers, tells how
 * they ended, and adopts what workers were doing when this front is not the first. IPC.md is the protocol between them.
 *
 * The supervisor makes the sockets: pools_add_worker() and pools_worker_ended() bring its news. Loop's thread; nothing here suspends.
 */
#ifndef BAKERY_WORKER_POOL_H
#define BAKERY_WORKER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "daemon/order/order.h"
#include "daemon/task/future.h"
#include "proto/buf.h"

struct pools;
struct pool;
struct worker; /* one worker process, as the front sees it */

/* What to run. Borrowed by job_run_start() only while it is called. */
struct job {
	int64_t order;
	int attempt;
	int step, try; /* try: from 0, of this step within the attempt. The four of them name a job */
	const char *recipe;
	uint64_t generation;  /* of the configuration */
	int64_t timeout_ms;   /* what is left of the attempt's time, or of the step's; CONF_NONE */
	struct slice payload; /* canonical; the worker expands it */
	/* The results of earlier steps that this one names (step->uses), in order. */
	const struct job_result {
		int step;
		bool cut;
		struct slice bytes;
	} * results;
	size_t result_count;
};

/* One job at a worker. Storage is the caller's, from start or adopt until job_run_release(). */
struct job_run {
	struct pool *pool;
	struct worker *worker; /* NULL: it is gone, or the run has been released */
	int64_t order;
	int attempt, step, try;
	struct future
	    ended; /* result: outcome is filled in. Never an error: a lost worker is CAUSE_WORKER_LOST */
	struct order_outcome outcome; /* its result and message belong to the run until release */
	void *bytes;
};

enum job_stop { JOB_STOP_CANCEL, JOB_STOP_DRAIN };

/* What a worker says of itself when this front meets it. */
struct worker_claim {
	int64_t order;
	int attempt, step, try;
	bool ended; /* it has a result that was not acknowledged; else it runs */
};

struct pools_events {
	/* A worker became idle (or a pool got a new one): work may be started. */
	void (*on_idle)(void *arg, struct pool *pool);
	/* A worker has a job, or a result, that this front did not give it: told once for each. Answer by job_run_adopt() or job_discard(), at once or later. */
	void (*on_claim)(void *arg, struct worker *worker, const struct worker_claim *claim);
	/* Every worker that was announced as having lived before this front has answered or ended. */
	void (*on_settled)(void *arg);
	void *arg;
};

/* A worker said what it may not say: its socket is closed, and somebody who may has to kill it. */
typedef void pools_on_broken(void *arg, const char *pool, int index, int64_t pid);

/* 0 or -ENOMEM. conf is kept (borrowed) until pools_free. */
int pools_new(const struct conf *conf, const struct pools_events *events, struct pools **out);
void pools_free(struct pools *p);
void pools_set_on_broken(struct pools *p, pools_on_broken *fn, void *arg);
struct pool *pools_find(struct pools *p, const char *name);
const char *pool_name(const struct pool *p);

/* From the supervisor: a socket (taken) to worker `index` of `pool`; fresh: it has never had a front. */
int pools_add_worker(struct pools *p, const char *pool, int index, int64_t pid, int fd, bool fresh);
/* From the supervisor: no more old workers are coming (before on_settled can be called). */
void pools_announced(struct pools *p);
/* From the supervisor: this worker has been reaped, and all that it left behind. status is waitpid's. Judged when its socket has been read to the end too. */
void pools_worker_ended(struct pools *p, const char *pool, int index, int64_t pid, int status);

int pool_idle_count(const struct pool *p);
int pool_worker_count(const struct pool *p);
int pool_busy_count(const struct pool *p);

/* Sends the job to an idle worker. 0; -EAGAIN when none is idle; ERR_TOOBIG: payload and results are more than a message holds; -ENOMEM. *worker_index: which one. */
int job_run_start(struct pool *p, const struct job *job, struct job_run *run, int *worker_index);
/* Takes a claimed job over: run->ended becomes final when the job ends (at once when it had). */
int job_run_adopt(struct worker *worker, const struct worker_claim *claim, struct job_run *run);
/* The claimed job is nobody's: it is killed, its result thrown away. */
void job_discard(struct worker *worker, const struct worker_claim *claim);
/* Ends the job: TERM, kill_after, KILL. ended tells when it is gone. Fine when it has ended. */
void job_run_stop(struct job_run *run, enum job_stop why);
/* After the outcome is durable: the worker may forget it. (It is idle when the job has ended, unless it holds too many outcomes.) Also for a run whose
 * worker is gone. */
void job_run_release(struct job_run *run);

struct pool_stats {
	int workers, busy, idle, starting;
	uint64_t jobs, lost;
	int64_t jobs_cpu_ms;
};
void pool_stats_get(const struct pool *p, struct pool_stats *out);
void pools_each(struct pools *p, void (*fn)(void *arg, struct pool *pool), void *arg);

#endif
