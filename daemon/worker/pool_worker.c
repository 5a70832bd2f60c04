/*
 * One worker as the front sees it: its socket, what it says, the places of its jobs, and its loss.
 */
#include "daemon/worker/pool_worker.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/task/task.h"

/* A worker answers at once whatever its job does, unless it has been stopped; and all orders wait for its answer. */
enum { SILENCE_MS = 30000 };

/* So many reads (of 64 KiB) a turn: a result of many MiB keeps nobody waiting. */
enum { READS_A_TURN = 16 };

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
		pool_tell_idle(p);
	}
}

struct place *worker_find_place(struct worker *w, const struct job_name *name)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->state != PLACE_FREE && job_name_equal(&p->name, name))
			return p;
	}
	return NULL;
}

struct place *worker_take_place(struct worker *w, const struct job_name *name)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &w->places[i];
		if (p->state == PLACE_FREE) {
			*p = (struct place){.name = *name};
			return p;
		}
	}
	return NULL;
}

void worker_settle(struct worker *w)
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
	loop_timer_clear(task_loop(), &w->silence);
	if (w->old) {
		w->old = false;
		w->pool->pools->old--;
		pools_check_settled(w->pool->pools);
	}
}

/* No more is read from it. */
static void worker_close(struct worker *w)
{
	if (w->at_end)
		return;
	w->at_end = true;
	loop_timer_clear(task_loop(), &w->silence);
	loop_fd_remove(&w->watch);
	ready_remove(&w->flush);
	ready_remove(&w->more);
	channel_clear(&w->channel);
	set_state(w, WORKER_LEAVING);
}

void worker_free(struct worker *w)
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

static void on_silence(struct loop_timer *t)
{
	worker_broken((struct worker *)((char *)t - offsetof(struct worker, silence)), -ETIMEDOUT);
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

void worker_flush_later(struct worker *w)
{
	ready_add(&w->flush, run_flush);
}

void worker_say(struct worker *w, enum message_type type, const struct job_name *name, int why)
{
	if (w->at_end)
		return;
	struct message_writer m;
	channel_begin(&w->channel, &m, type);
	message_add_job(&m, name);
	if (type == MESSAGE_JOB_STOP)
		message_add_int(&m, why);
	int r = channel_finish(&w->channel, &m, -1);
	if (r)
		worker_broken(w, r);
	/* A worker is not woken for an acknowledgement while it works: that goes with the next job, or when this one has ended. */
	else if (type != MESSAGE_JOB_ACK || w->state != WORKER_BUSY)
		worker_flush_later(w);
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

void place_end(struct place *p)
{
	p->state = PLACE_ENDED;
	run_end(p->run, &p->outcome, p->bytes);
	p->bytes = NULL;
}

static void tell_claim(struct worker *w, struct place *p)
{
	const struct pools *pools = w->pool->pools;
	const struct worker_claim claim = {.order = p->name.order,
	    .attempt = p->name.attempt,
	    .step = p->name.step,
	    .try = p->name.try,
	    .ended = !p->at_work};
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
	bool at_work = message_get_int(m, 0, 1) != 0;
	struct job_name name = at_work ? message_get_job(m) : (struct job_name){0};
	int64_t held = message_get_int(m, 0, WORKER_HELD_MAX);
	if (message_end(m) != 0 || version != IPC_VERSION || w->state != WORKER_STARTING || w->awaited >= 0)
		return ERR_PROTOCOL;
	w->awaited = (int)held;
	if (at_work) {
		struct place *p = worker_take_place(w, &name);
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
	struct job_name name = message_get_job(m);
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
	struct place *p = worker_find_place(w, &name);
	if (p ? !p->at_work : w->awaited <= 0)
		return ERR_PROTOCOL;
	if (!p) {
		w->awaited--;
		p = worker_take_place(w, &name);
		keep_bytes(&o, result, message, &p->bytes);
		p->outcome = o;
		tell_claim(w, p);
		check_answered(w);
		return 0;
	}
	p->at_work = false;
	if (channel_wants_write(&w->channel))
		worker_flush_later(w);
	if (p->state == PLACE_DISCARDED) {
		p->state = PLACE_FREE;
		worker_say(w, MESSAGE_JOB_ACK, &name, 0);
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

static void read_more(struct ready *r)
{
	struct worker *w = (struct worker *)((char *)r - offsetof(struct worker, more));
	worker_read(w);
	worker_judge(w);
}

void worker_read(struct worker *w)
{
	w->reading = true;
	for (int reads = 0; !w->at_end; reads++) {
		if (reads == READS_A_TURN) {
			ready_add(&w->more, read_more);
			break;
		}
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

/* ---- it comes and goes ---- */

int worker_new(struct pool *pool, int index, int64_t pid, int fd, bool fresh)
{
	struct pools *p = pool->pools;
	struct worker *w = calloc(1, sizeof *w);
	if (!w) {
		close(fd);
		return -ENOMEM;
	}
	w->pool = pool;
	w->index = index;
	w->pid = pid;
	w->awaited = -1;
	int r = channel_init(&w->channel, fd);
	if (!r)
		r = loop_fd_add(task_loop(), &w->watch, fd, on_ready);
	bool old = !fresh && !p->settled;
	if (!r && old) {
		r = loop_timer_set(task_loop(), &w->silence, clock_deadline_ms(SILENCE_MS), on_silence);
		if (r)
			loop_fd_remove(&w->watch);
	}
	if (r) {
		channel_clear(&w->channel);
		free(w);
		return r;
	}
	TAILQ_INSERT_TAIL(&pool->workers, w, entry);
	pool->counts[WORKER_STARTING]++;
	if (old) {
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

void worker_judge(struct worker *w)
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
