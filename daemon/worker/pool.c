/*
 * A worker as the front sees it:
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
#include "daemon/worker/pool.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/loop/loop.h"
#include "daemon/task/task.h"
#include "daemon/worker/channel.h"

enum worker_state { WORKER_STARTING, WORKER_IDLE, WORKER_BUSY, WORKER_FULL, WORKER_LEAVING, WORKER_STATES };

enum place_state { PLACE_FREE, PLACE_RUNNING, PLACE_ENDED, PLACE_CLAIMED, PLACE_DISCARDED };

/* One runs, the others hold outcomes. */
enum { PLACES = 1 + WORKER_HELD_MAX };

enum { STOP_DISCARD = 2 }; /* on the wire, beside enum job_stop */

/* A job at a worker. */
struct place {
	enum place_state state;
	int64_t order;
	int attempt, step;
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
	struct ready flush;
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

static void worker_judge(struct worker *w);

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

static void check_settled(struct pools *p)
{
	if (p->announced && p->old == 0 && !p->settled) {
		p->settled = true;
		ready_add(&p->tell_settled, run_tell_settled);
	}
}

void pools_announced(struct pools *p)
{
	p->announced = true;
	check_settled(p);
}

/* ---- one worker ---- */

static void set_state(struct worker *w, enum worker_state state)
{
	struct pool *p = w->pool;
	if (w->state == WORKER_IDLE)
		LIST_REMOVE(w, idle_entry);
	p->counts[w->state]--;
	p->counts[state]++;
	w->state = state;
	if (state == WORKER_IDLE) {
		LIST_INSERT_HEAD(&p->idle, w, idle_entry);
		ready_add(&p->tell_idle, run_tell_idle);
	}
}

static struct place *find_place(struct worker *w, int64_t order, int attempt)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->state != PLACE_FREE && p->order == order && p->attempt == attempt)
			return p;
	}
	return NULL;
}

static struct place *place_of(const struct job_run *run)
{
	return find_place(run->worker, run->order, run->attempt);
}

/* A free place, taken for this job. There is one: the worker is not full. */
static struct place *take_place(struct worker *w, int64_t order, int attempt, int step)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->state == PLACE_FREE) {
			*p = (struct place){.order = order, .attempt = attempt, .step = step};
			return p;
		}
	}
	return NULL;
}

/* The worker's state by what it has. */
static void worker_settle(struct worker *w)
{
	int used = 0;
	bool at_work = false;
	for (int i = 0; i < PLACES; i++) {
		used += w->places[i].state != PLACE_FREE;
		at_work |= w->places[i].state != PLACE_FREE && w->places[i].at_work;
	}
	if (w->at_end || w->state == WORKER_STARTING)
		return;
	enum worker_state state = at_work ? WORKER_BUSY : used >= WORKER_HELD_MAX ? WORKER_FULL : WORKER_IDLE;
	if (state != w->state)
		set_state(w, state);
}

/* What it has is known, or never will be. */
static void worker_answered(struct worker *w)
{
	if (w->old) {
		w->old = false;
		w->pool->pools->old--;
		check_settled(w->pool->pools);
	}
}

/* No more is read from it. */
static void worker_close(struct worker *w)
{
	if (w->at_end)
		return;
	w->at_end = true;
	loop_fd_remove(&w->watch);
	ready_remove(&w->flush);
	channel_clear(&w->channel);
	set_state(w, WORKER_LEAVING);
}

static void worker_free(struct worker *w)
{
	worker_answered(w);
	worker_close(w);
	w->pool->counts[w->state]--;
	TAILQ_REMOVE(&w->pool->workers, w, entry);
	for (int i = 0; i < PLACES; i++)
		free(w->places[i].bytes);
	free(w);
}

/* It cannot be spoken with any more: it is lost when it has been killed. */
static void worker_broken(struct worker *w, int error)
{
	struct pools *p = w->pool->pools;
	log_error("worker broke off", log_str("pool", w->pool->name), log_int("worker", w->index),
	    log_int("pid", w->pid), log_str("error", err_text(error)));
	worker_close(w);
	if (p->on_broken)
		p->on_broken(p->broken_arg, w->pool->name, w->index, w->pid);
}

static bool is_gone(int r)
{
	return r == ERR_CLOSED || r == -EPIPE || r == -ECONNRESET;
}

static void worker_flush(struct worker *w)
{
	int r = w->at_end ? 0 : channel_flush(&w->channel);
	/* When the other end is closed, there may still be something to be read. */
	if (r && r != -EAGAIN && !is_gone(r))
		worker_broken(w, r);
}

static void run_flush(struct ready *r)
{
	struct worker *w = (struct worker *)((char *)r - offsetof(struct worker, flush));
	int e = failpoint("pool.send");
	if (e)
		worker_broken(w, e);
	else
		worker_flush(w);
}

/* About the job that it has; what cannot be sent for want of memory breaks it, so that nobody waits for ever. */
static void worker_say(struct worker *w, enum message_type type, int64_t order, int attempt, int why)
{
	if (w->at_end)
		return;
	struct message_writer m;
	channel_begin(&w->channel, &m, type);
	message_add_int(&m, order);
	message_add_int(&m, attempt);
	if (type == MESSAGE_JOB_STOP)
		message_add_int(&m, why);
	int r = channel_finish(&w->channel, &m, -1);
	if (r)
		worker_broken(w, r);
	/* A worker is not woken for an acknowledgement while it works: that goes with the next job, or when this one has ended. */
	else if (type != MESSAGE_JOB_ACK || w->state != WORKER_BUSY)
		ready_add(&w->flush, run_flush);
}

/* ---- what a worker says ---- */

static void run_end(struct job_run *run, const struct order_outcome *outcome, void *bytes)
{
	run->outcome = *outcome;
	run->bytes = bytes;
	run->pool->jobs++;
	run->pool->jobs_cpu_ms += outcome->cpu_ms;
	future_set_result(&run->ended, NULL);
}

/* Hands the outcome of a place to its run. */
static void place_end(struct place *p)
{
	p->state = PLACE_ENDED;
	run_end(p->run, &p->outcome, p->bytes);
	p->bytes = NULL;
}

static void tell_claim(struct worker *w, struct place *p)
{
	const struct pools *pools = w->pool->pools;
	const struct worker_claim claim = {
	    .order = p->order, .attempt = p->attempt, .step = p->step, .ended = !p->at_work};
	p->state = PLACE_CLAIMED;
	pools->events.on_claim(pools->events.arg, w, &claim);
}

/* All that it has is known when the outcomes that it announced are here. */
static void check_answered(struct worker *w)
{
	if (w->awaited != 0 || w->state != WORKER_STARTING)
		return;
	set_state(w, WORKER_BUSY);
	worker_settle(w);
	worker_answered(w);
}

static int on_claim(struct worker *w, struct message *m)
{
	int64_t version = message_get_int(m, 0, INT64_MAX);
	int64_t order = message_get_int(m, 0, INT64_MAX);
	int attempt = (int)message_get_int(m, 0, INT_MAX);
	int at_step = (int)message_get_int(m, 0, INT_MAX);
	int64_t held = message_get_int(m, 0, WORKER_HELD_MAX);
	if (message_end(m) != 0 || version != IPC_VERSION || w->state != WORKER_STARTING || w->awaited >= 0)
		return ERR_PROTOCOL;
	w->awaited = (int)held;
	if (order) {
		struct place *p = take_place(w, order, attempt, at_step);
		p->at_work = true;
		tell_claim(w, p);
	}
	check_answered(w);
	return 0;
}

/* Copies result and message into one block. When there is no memory the outcome goes without them: it is then cut, not lost. */
static void keep_bytes(struct order_outcome *o, struct slice result, struct slice message, void **bytes)
{
	char *copy = malloc(result.len + message.len + 1);
	o->result_cut = o->result_total > result.len;
	o->result = o->message = "";
	*bytes = copy;
	if (!copy) {
		o->result_cut = o->result_total > 0;
		return;
	}
	o->result = memcpy(copy, result.data, result.len);
	o->result_len = result.len;
	o->message = memcpy(copy + result.len, message.data, message.len);
	o->message_len = message.len;
}

static int on_ended(struct worker *w, struct message *m)
{
	struct order_outcome o = {0};
	int64_t order = message_get_int(m, 1, INT64_MAX);
	int attempt = (int)message_get_int(m, 1, INT_MAX);
	int at_step = (int)message_get_int(m, 0, INT_MAX);
	o.cause = (enum order_cause)message_get_int(m, CAUSE_NONE + 1, ORDER_CAUSES - 1);
	o.exit = (int)message_get_int(m, -1, 255);
	o.signal = (int)message_get_int(m, 0, 127);
	o.error = (int)message_get_int(m, 0, 4095);
	o.started_ms = message_get_int(m, 0, INT64_MAX);
	o.finished_ms = message_get_int(m, 0, INT64_MAX);
	o.cpu_ms = message_get_int(m, 0, INT64_MAX);
	o.max_rss_kib = message_get_int(m, 0, INT64_MAX);
	o.result_total = (uint64_t)message_get_int(m, 0, INT64_MAX);
	struct slice result = message_get_bytes(m), message = message_get_bytes(m);
	if (message_end(m) != 0 || message.len > ORDER_MESSAGE_MAX || result.len > o.result_total)
		return ERR_PROTOCOL;
	struct place *p = find_place(w, order, attempt);
	if (p ? !p->at_work : w->awaited <= 0)
		return ERR_PROTOCOL;
	if (!p) {
		w->awaited--;
		p = take_place(w, order, attempt, at_step);
		keep_bytes(&o, result, message, &p->bytes);
		p->outcome = o;
		tell_claim(w, p);
		check_answered(w);
		return 0;
	}
	p->at_work = false;
	if (channel_wants_write(&w->channel))
		ready_add(&w->flush, run_flush);
	if (p->state == PLACE_DISCARDED) {
		p->state = PLACE_FREE;
		worker_say(w, MESSAGE_JOB_ACK, order, attempt, 0);
	} else {
		keep_bytes(&o, result, message, &p->bytes);
		p->outcome = o;
		if (p->state == PLACE_RUNNING)
			place_end(p);
	}
	worker_settle(w);
	return 0;
}

static int on_message(struct worker *w, struct message *m)
{
	switch (m->type) {
	case MESSAGE_CLAIM:
		return on_claim(w, m);
	case MESSAGE_JOB_ENDED:
		return on_ended(w, m);
	default:
		return ERR_PROTOCOL;
	}
}

/* Reads and handles all that is there. A worker has little to say between two answers, so this is short. */
static void worker_read(struct worker *w)
{
	w->reading = true;
	while (!w->at_end) {
		int read = channel_read(&w->channel), r;
		struct message m;
		while ((r = channel_next(&w->channel, &m)) > 0) {
			r = m.fd >= 0 ? ERR_PROTOCOL : on_message(w, &m);
			if (m.fd >= 0)
				close(m.fd);
			if (r || w->at_end)
				break;
		}
		if (w->at_end || (!r && read == -EAGAIN))
			break;
		if (!r && read == ERR_CLOSED)
			worker_close(w);
		else if (r || read)
			worker_broken(w, r ? r : read);
	}
	w->reading = false;
}

static void on_ready(struct loop_fd *watch, int what)
{
	struct worker *w = (struct worker *)((char *)watch - offsetof(struct worker, watch));
	if (what & LOOP_WRITE)
		worker_flush(w);
	if (what & LOOP_READ)
		worker_read(w);
	worker_judge(w);
}

/* ---- workers come and go ---- */

int pools_add_worker(struct pools *p, const char *pool_name_text, int index, int64_t pid, int fd, bool fresh)
{
	struct pool *pool = pools_find(p, pool_name_text);
	struct worker *w = pool ? calloc(1, sizeof *w) : NULL;
	if (!w) {
		close(fd);
		return pool ? -ENOMEM : ERR_NOTFOUND;
	}
	w->pool = pool;
	w->index = index;
	w->pid = pid;
	w->awaited = -1;
	int r = channel_init(&w->channel, fd);
	if (!r)
		r = loop_fd_add(task_loop(), &w->watch, fd, on_ready);
	if (r) {
		channel_clear(&w->channel);
		free(w);
		return r;
	}
	TAILQ_INSERT_TAIL(&pool->workers, w, entry);
	pool->counts[WORKER_STARTING]++;
	if (!fresh && !p->settled) {
		w->old = true;
		p->old++;
	}
	return 0;
}

static void outcome_lost(const struct worker *w, struct order_outcome *o, void **bytes)
{
	char text[160];
	int n = WIFSIGNALED(w->status)
		    ? snprintf(text, sizeof text, "worker %s/%d (process %lld) was ended by signal %d: %s",
			  w->pool->name, w->index, (long long)w->pid, WTERMSIG(w->status),
			  strsignal(WTERMSIG(w->status)))
		    : snprintf(text, sizeof text, "worker %s/%d (process %lld) ended with status %d",
			  w->pool->name, w->index, (long long)w->pid, WEXITSTATUS(w->status));
	*o = (struct order_outcome){.cause = CAUSE_WORKER_LOST, .exit = -1, .finished_ms = clock_wall_ms()};
	o->started_ms = o->finished_ms;
	keep_bytes(o, (struct slice){"", 0},
	    (struct slice){text, n < (int)sizeof text ? (size_t)n : sizeof text - 1}, bytes);
}

/* If it is gone, what it was doing is lost; the outcomes that it has told are not. */
static void worker_judge(struct worker *w)
{
	if (!w->at_end || !w->reaped || w->reading)
		return;
	worker_answered(w);
	bool claimed = false;
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->state == PLACE_RUNNING) {
			outcome_lost(w, &p->outcome, &p->bytes);
			w->pool->lost++;
			place_end(p);
		}
		/* The claim has not been answered: whoever answers it has a pointer to us. */
		claimed |= p->state == PLACE_CLAIMED;
		if (p->run) {
			p->run->worker = NULL;
			p->run = NULL;
			p->state = PLACE_FREE;
		}
	}
	if (!claimed)
		worker_free(w);
}

void pools_worker_ended(struct pools *p, const char *pool_name_text, int index, int64_t pid, int status)
{
	struct pool *pool = pools_find(p, pool_name_text);
	struct worker *w = NULL;
	if (pool) {
		TAILQ_FOREACH (w, &pool->workers, entry) {
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
	*run = (struct job_run){
	    .pool = w->pool, .worker = w, .order = p->order, .attempt = p->attempt, .step = p->step};
	future_init(&run->ended, "worker");
	p->run = run;
	p->state = PLACE_RUNNING;
}

int job_run_start(struct pool *p, const struct job *job, struct job_run *run, int *worker_index)
{
	struct worker *w = LIST_FIRST(&p->idle);
	if (!w)
		return -EAGAIN;
	struct message_writer m;
	channel_begin(&w->channel, &m, MESSAGE_JOB);
	message_add_int(&m, job->order);
	message_add_int(&m, job->attempt);
	message_add_int(&m, job->step);
	message_add_int(&m, (int64_t)job->generation);
	message_add_int(&m, job->timeout_ms);
	message_add_text(&m, job->recipe);
	message_add_bytes(&m, job->payload.data, job->payload.len);
	int r = channel_finish(&w->channel, &m, -1);
	if (r)
		return r;
	ready_add(&w->flush, run_flush);
	struct place *place = take_place(w, job->order, job->attempt, job->step);
	place->at_work = true;
	run_init(run, w, place);
	worker_settle(w);
	*worker_index = w->index;
	return 0;
}

int job_run_adopt(struct worker *w, const struct worker_claim *claim, struct job_run *run)
{
	struct place *p = find_place(w, claim->order, claim->attempt);
	assert(p && p->state == PLACE_CLAIMED);
	run_init(run, w, p);
	if (!p->at_work)
		place_end(p);
	worker_judge(w);
	return 0;
}

void job_discard(struct worker *w, const struct worker_claim *claim)
{
	struct place *p = find_place(w, claim->order, claim->attempt);
	assert(p && p->state == PLACE_CLAIMED);
	if (p->at_work) {
		p->state = PLACE_DISCARDED;
		worker_say(w, MESSAGE_JOB_STOP, claim->order, claim->attempt, STOP_DISCARD);
	} else {
		p->state = PLACE_FREE;
		free(p->bytes);
		p->bytes = NULL;
		worker_say(w, MESSAGE_JOB_ACK, claim->order, claim->attempt, 0);
	}
	worker_settle(w);
	worker_judge(w);
}

void job_run_stop(struct job_run *run, enum job_stop why)
{
	if (run->worker && place_of(run)->state == PLACE_RUNNING)
		worker_say(run->worker, MESSAGE_JOB_STOP, run->order, run->attempt, (int)why);
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
		worker_say(w, MESSAGE_JOB_ACK, run->order, run->attempt, 0);
		worker_settle(w);
	}
	free(run->bytes);
	run->bytes = NULL;
	run->outcome.result = run->outcome.message = NULL;
	run->outcome.result_len = run->outcome.message_len = 0;
}
