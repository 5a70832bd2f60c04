#include "daemon/ops/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/worker/worker.h"

int workers_init(struct workers *w, const struct workers_options *o)
{
	size_t count = 0;
	for (size_t i = 0; i < o->conf->pool_count; i++)
		count += (size_t)o->conf->pools[i].workers;
	struct slot *slots = calloc(count ? count : 1, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	*w = (struct workers){.o = *o, .slots = slots};
	for (size_t i = 0; i < o->conf->pool_count; i++) {
		const struct conf_pool *pool = &o->conf->pools[i];
		for (int index = 0; index < pool->workers; index++)
			slots[w->count++] = (struct slot){
			    .pool = pool, .index = index, .control = {.fd = -1}};
	}
	return 0;
}

void workers_clear(struct workers *w)
{
	for (size_t i = 0; i < w->count; i++)
		channel_clear(&w->slots[i].control);
	free(w->slots);
	*w = (struct workers){0};
}

struct slot *workers_find(struct workers *w, pid_t pid)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->slots[i].state == SLOT_UP && w->slots[i].pid == pid)
			return &w->slots[i];
	}
	return NULL;
}

size_t workers_count(const struct workers *w, enum slot_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < w->count; i++)
		n += w->slots[i].state == state;
	return n;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
}

/* In the worker: a job that could read its memory would find nobody's password there. */
static void wipe_users(const struct workers_options *o)
{
	for (size_t i = 0; i < o->conf->user_count; i++)
		wipe(o->conf->users[i].password);
	o->conf->user_count = 0;
	for (size_t i = 0; i < o->sources->count; i++)
		explicit_bzero(o->sources->items[i].bytes, o->sources->items[i].len);
}

_Noreturn static void become_worker(const struct workers *w, const struct slot *s, int control_fd)
{
	const struct workers_options *o = &w->o;
	prctl(PR_SET_NAME, "bakery-worker");
	wipe_users(o);
	const struct worker_options worker = {.conf = o->conf,
	    .generation = o->generation,
	    .pool = s->pool,
	    .index = s->index,
	    .control_fd = control_fd,
	    .lock_fd = o->lock_fd,
	    .instance = o->instance,
	    .server = o->server,
	    .work_dir = o->work_dir,
	    .nofile = o->nofile};
	_exit(worker_main(&worker));
}

static int start(struct workers *w, struct slot *s)
{
	int fds[2];
	int r = failpoint("supervisor.fork_worker");
	if (!r)
		r = channel_pair(fds);
	if (r)
		return r;
	pid_t pid = fork();
	if (pid == 0)
		become_worker(w, s, fds[1]);
	if (pid < 0)
		r = -errno;
	close(fds[1]);
	if (r) {
		close(fds[0]);
		return r;
	}
	s->pid = pid;
	s->state = SLOT_UP;
	s->met_front = false;
	return channel_init(&s->control, fds[0]);
}

bool workers_start(struct workers *w, struct slot *s, int64_t now_ns)
{
	backoff_started(&s->backoff, now_ns);
	int r = start(w, s);
	if (r) {
		log_error("cannot start a worker", log_str("pool", s->pool->name),
		    log_int("worker", s->index), log_str("error", strerror(-r)));
		/* With a process but no channel to it, it sees its end and ends. */
		if (s->state == SLOT_DOWN)
			s->start_ns = backoff_ended(&s->backoff, now_ns);
		return false;
	}
	log_debug("worker started", log_str("pool", s->pool->name), log_int("worker", s->index),
	    log_int("pid", s->pid));
	return true;
}

void workers_reaped(struct slot *s, int status)
{
	channel_clear(&s->control);
	s->status = status;
	s->state = SLOT_DYING;
}

void workers_gone(struct slot *s, int64_t now_ns)
{
	s->start_ns = backoff_ended(&s->backoff, now_ns);
	s->state = SLOT_DOWN;
}
