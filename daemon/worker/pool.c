/*
 * Named pools of workers: what the scheduler asks of them. What is known of one worker is in pool_worker.c.
 */
#include "daemon/worker/pool_worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/err.h"

/* ---- pools ---- */

int pools_new(const struct conf *conf, const struct pools_events *events, struct pools **out)
{
	struct pools *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->events = *events;
	TAILQ_INIT(&p->list);
	for (size_t i = 0; i < conf->pool_count; i++) {
		struct pool *pool = calloc(1, sizeof *pool);
		if (!pool) {
			pools_free(p);
			return -ENOMEM;
		}
		pool->pools = p;
		pool->name = conf->pools[i].name;
		TAILQ_INIT(&pool->workers);
		LIST_INIT(&pool->idle);
		TAILQ_INSERT_TAIL(&p->list, pool, entry);
	}
	*out = p;
	return 0;
}

void pools_set_on_broken(struct pools *p, pools_on_broken *fn, void *arg)
{
	p->on_broken = fn;
	p->broken_arg = arg;
}

struct pool *pools_find(struct pools *p, const char *name)
{
	struct pool *pool;
	TAILQ_FOREACH (pool, &p->list, entry) {
		if (strcmp(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

const char *pool_name(const struct pool *p)
{
	return p->name;
}

int pool_idle_count(const struct pool *p)
{
	return p->counts[WORKER_IDLE];
}

int pool_worker_count(const struct pool *p)
{
	int n = 0;
	for (int i = 0; i < WORKER_STATES; i++)
		n += p->counts[i];
	return n;
}

int pool_busy_count(const struct pool *p)
{
	return p->counts[WORKER_BUSY] + p->counts[WORKER_FULL];
}

void pool_stats_get(const struct pool *p, struct pool_stats *out)
{
	*out = (struct pool_stats){.workers = pool_worker_count(p),
	    .busy = pool_busy_count(p),
	    .idle = pool_idle_count(p),
	    .starting = p->counts[WORKER_STARTING],
	    .jobs = p->jobs,
	    .lost = p->lost,
	    .jobs_cpu_ms = p->jobs_cpu_ms};
}

void pools_each(struct pools *p, void (*fn)(void *arg, struct pool *pool), void *arg)
{
	struct pool *pool;
	TAILQ_FOREACH (pool, &p->list, entry)
		fn(arg, pool);
}

/* ---- news, told in a later turn ---- */

static void run_tell_idle(struct ready *r)
{
	struct pool *p = (struct pool *)((char *)r - offsetof(struct pool, tell_idle));
	p->pools->events.on_idle(p->pools->events.arg, p);
}

static void run_tell_settled(struct ready *r)
{
	struct pools *p = (struct pools *)((char *)r - offsetof(struct pools, tell_settled));
	p->events.on_settled(p->events.arg);
}

void pools_check_settled(struct pools *p)
{
	if (p->announced && p->old == 0 && !p->settled) {
		p->settled = true;
		ready_add(&p->tell_settled, run_tell_settled);
	}
}

void pools_announced(struct pools *p)
{
	p->announced = true;
	pools_check_settled(p);
}

void pool_tell_idle(struct pool *p)
{
	ready_add(&p->tell_idle, run_tell_idle);
}

/* ---- workers come and go ---- */

int pools_add_worker(struct pools *p, const char *pool, int index, int64_t pid, int fd, bool fresh)
{
	struct pool *found = pools_find(p, pool);
	if (found)
		return worker_new(found, index, pid, fd, fresh);
	close(fd);
	return ERR_NOTFOUND;
}

void pools_worker_ended(struct pools *p, const char *pool, int index, int64_t pid, int status)
{
	struct pool *found = pools_find(p, pool);
	struct worker *w = NULL;
	if (found) {
		TAILQ_FOREACH (w, &found->workers, entry) {
			if (w->pid == pid && w->index == index && !w->reaped)
				break;
		}
	}
	if (!w)
		return; /* it ended before this front was given a socket to it */
	w->reaped = true;
	w->status = status;
	worker_read(w);
	worker_judge(w);
}

void pools_free(struct pools *p)
{
	if (!p)
		return;
	ready_remove(&p->tell_settled);
	struct pool *pool;
	while ((pool = TAILQ_FIRST(&p->list))) {
		struct worker *w;
		while ((w = TAILQ_FIRST(&pool->workers))) {
			for (int i = 0; i < PLACES; i++) {
				if (w->places[i].run)
					w->places[i].run->worker = NULL;
			}
			w->old = false; /* nobody is to be told any more */
			worker_free(w);
		}
		ready_remove(&pool->tell_idle);
		TAILQ_REMOVE(&p->list, pool, entry);
		free(pool);
	}
	free(p);
}

/* ---- jobs ---- */

static void run_init(struct job_run *run, struct worker *w, struct place *p)
{
	*run = (struct job_run){.pool = w->pool,
	    .worker = w,
	    .order = p->name.order,
	    .attempt = p->name.attempt,
	    .step = p->name.step,
	    .try = p->name.try};
	future_init(&run->ended, "worker");
	p->run = run;
	p->state = PLACE_RUNNING;
}

/* A job to a worker, as a frame in its channel. */
static int send_job(struct worker *w, const struct job_name *name, const struct job *job)
{
	struct message_writer m;
	channel_begin(&w->channel, &m, MESSAGE_JOB);
	message_add_job(&m, name);
	message_add_int(&m, (int64_t)job->generation);
	message_add_int(&m, job->timeout_ms);
	message_add_text(&m, job->recipe);
	message_add_bytes(&m, job->payload.data, job->payload.len);
	message_add_int(&m, (int64_t)job->result_count);
	for (size_t i = 0; i < job->result_count; i++) {
		message_add_int(&m, job->results[i].step);
		message_add_int(&m, job->results[i].cut);
		message_add_bytes(&m, job->results[i].bytes.data, job->results[i].bytes.len);
	}
	return channel_finish(&w->channel, &m, -1);
}

int job_run_start(struct pool *p, const struct job *job, struct job_run *run, int *worker_index)
{
	struct worker *w = LIST_FIRST(&p->idle);
	if (!w)
		return -EAGAIN;
	const struct job_name name = {job->order, job->attempt, job->step, job->try};
	int r = send_job(w, &name, job);
	if (r)
		return r;
	worker_flush_later(w);
	struct place *place = worker_take_place(w, &name);
	place->at_work = true;
	run_init(run, w, place);
	worker_settle(w);
	*worker_index = w->index;
	return 0;
}

/* The place of what was claimed. */
static struct place *place_claimed(struct worker *w, const struct worker_claim *claim)
{
	const struct job_name name = {claim->order, claim->attempt, claim->step, claim->try};
	struct place *p = worker_find_place(w, &name);
	assert(p && p->state == PLACE_CLAIMED);
	return p;
}

int job_run_adopt(struct worker *w, const struct worker_claim *claim, struct job_run *run)
{
	struct place *p = place_claimed(w, claim);
	run_init(run, w, p);
	if (!p->at_work)
		place_end(p);
	worker_judge(w);
	return 0;
}

void job_discard(struct worker *w, const struct worker_claim *claim)
{
	struct place *p = place_claimed(w, claim);
	if (p->at_work) {
		p->state = PLACE_DISCARDED;
		worker_say(w, MESSAGE_JOB_STOP, &p->name, STOP_DISCARD);
	} else {
		p->state = PLACE_FREE;
		free(p->bytes);
		p->bytes = NULL;
		worker_say(w, MESSAGE_JOB_ACK, &p->name, 0);
	}
	worker_settle(w);
	worker_judge(w);
}

static struct place *place_of(const struct job_run *run)
{
	const struct job_name name = {run->order, run->attempt, run->step, run->try};
	return worker_find_place(run->worker, &name);
}

void job_run_stop(struct job_run *run, enum job_stop why)
{
	struct place *p = run->worker ? place_of(run) : NULL;
	if (p && p->state == PLACE_RUNNING)
		worker_say(run->worker, MESSAGE_JOB_STOP, &p->name, (int)why);
}

void job_run_release(struct job_run *run)
{
	struct worker *w = run->worker;
	if (w) {
		struct place *p = place_of(run);
		assert(p->state == PLACE_ENDED);
		p->state = PLACE_FREE;
		p->run = NULL;
		run->worker = NULL;
		worker_say(w, MESSAGE_JOB_ACK, &p->name, 0);
		worker_settle(w);
	}
	free(run->bytes);
	run->bytes = NULL;
	run->outcome.result = run->outcome.message = NULL;
	run->outcome.result_len = run->outcome.message_len = 0;
}
