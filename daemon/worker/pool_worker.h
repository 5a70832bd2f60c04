/*
 * Inside the pools: a worker as the front sees it, and the jobs at it. pool.h is what others use. A worker:
 *
 *   starting ──CLAIM, and an outcome for each that it holds──▶ idle ──start──▶ busy ──JOB_ENDED──▶ idle …
 *                                                              └── holds as many outcomes as it may ──▶ full ──release──▶ idle
 *
 * and a job at it, each in a place of its own:
 *
 *   start ──▶ running ──JOB_ENDED──▶ ended ──release: JOB_ACK──▶ (free)
 *   CLAIM ──▶ claimed ──adopt──▶ running, or ended;   ──discard──▶ discarded ──JOB_ENDED: JOB_ACK──▶ (free)
 *
 * So a worker goes on with the next job while the outcome of the last one is on its way to the disk. It is lost when its socket has been read to the end
 * and the supervisor has reaped it, in either order; between the two it is leaving. One with claims stays until they have been answered.
 *
 * Writes and news go out in a later turn (ready.h), so that an acknowledgement and the next job share one write.
 */
#ifndef BAKERY_WORKER_POOL_WORKER_H
#define BAKERY_WORKER_POOL_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/loop/loop.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/pool.h"

enum worker_state { WORKER_STARTING, WORKER_IDLE, WORKER_BUSY, WORKER_FULL, WORKER_LEAVING, WORKER_STATES };

enum place_state { PLACE_FREE, PLACE_RUNNING, PLACE_ENDED, PLACE_CLAIMED, PLACE_DISCARDED };

/* One runs, the others hold outcomes. */
enum { PLACES = 1 + WORKER_HELD_MAX };

enum { STOP_DISCARD = 2 }; /* on the wire, beside enum job_stop */

/* A job at a worker. */
struct place {
	enum place_state state;
	struct job_name name;
	bool at_work;        /* it has not ended */
	struct job_run *run; /* running, ended */
	/* claimed and not at work: the outcome */
	struct order_outcome outcome;
	void *bytes;
};

struct worker {
	TAILQ_ENTRY(worker) entry;     /* in its pool */
	LIST_ENTRY(worker) idle_entry; /* in its pool's idle list, when WORKER_IDLE */
	struct pool *pool;
	int index;
	int64_t pid;
	enum worker_state state;
	bool old;    /* lived before this front, and has not said yet what it has */
	int awaited; /* starting: outcomes that it has announced and not sent yet; −1: CLAIM has not come */
	bool at_end, reaped; /* both: it is gone */
	bool reading;        /* worker_read() is at work: it is not freed under it */
	int status;          /* when reaped */
	struct channel channel;
	struct loop_fd watch;
	struct loop_timer silence; /* old: how long it may still say nothing */
	struct ready flush, more;  /* more: it has said more than is read in one turn */
	struct place places[PLACES];
};

struct pool {
	TAILQ_ENTRY(pool) entry;
	struct pools *pools;
	const char *name; /* conf's */
	TAILQ_HEAD(, worker) workers;
	LIST_HEAD(, worker) idle; /* the last that became idle first: its memory is warm */
	int counts[WORKER_STATES];
	struct ready tell_idle;
	uint64_t jobs, lost;
	int64_t jobs_cpu_ms;
};

struct pools {
	TAILQ_HEAD(, pool) list;
	struct pools_events events;
	pools_on_broken *on_broken;
	void *broken_arg;
	int old; /* workers that have lived before and not answered yet */
	bool announced, settled;
	struct ready tell_settled;
};

/* ---- a worker ---- */

/* A new one at the other end of fd (taken). 0 or a negative errno value. */
int worker_new(struct pool *pool, int index, int64_t pid, int fd, bool fresh);
void worker_free(struct worker *w);
/* Reads and handles what it has said: a bounded amount; the rest in later turns. */
void worker_read(struct worker *w);
/* If it is gone, what it was doing is lost, and it is freed unless a claim of it has not been answered. */
void worker_judge(struct worker *w);
/* Sends JOB_STOP (for this reason) or JOB_ACK in a later turn. What cannot be sent for want of memory breaks the worker, so that nobody waits for ever. */
void worker_say(struct worker *w, enum message_type type, const struct job_name *name, int why);
/* What is in its channel goes out in a later turn. */
void worker_flush_later(struct worker *w);
/* Its state follows what is in its places. */
void worker_settle(struct worker *w);

/* The place of this job; NULL. */
struct place *worker_find_place(struct worker *w, const struct job_name *name);
/* A free place, taken for this job. There is one: the worker is not full. */
struct place *worker_take_place(struct worker *w, const struct job_name *name);
/* Hands the outcome of a place to its run. */
void place_end(struct place *p);

/* ---- news to the pools' owner, told in a later turn ---- */

void pool_tell_idle(struct pool *p);
void pools_check_settled(struct pools *p);

#endif
