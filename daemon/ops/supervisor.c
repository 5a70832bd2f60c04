#include "daemon/ops/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/ops/backoff.h"
#include "daemon/ops/front.h"
#include "daemon/ops/front_process.h"
#include "daemon/ops/sources.h"
#include "daemon/ops/sweep.h"
#include "daemon/ops/workers.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/orphans.h"

enum {
	TEST_CLOCK_MS = 10,
	STORE_MS = 15000, /* what the front may take beyond grace and kill_after, to store what is left */
	END_MS = 10000,   /* what workers may take to end their trees, before they are killed */
};

enum phase { SERVING, DRAINING, ENDING };

struct supervisor {
	const struct supervisor_options *o;
	int signal_fd, sources_fd;
	struct workers workers;
	struct front_process front;
	struct pollfd *fds; /* signals, front, slots */
	enum phase phase;
	int64_t deadline_ns; /* draining: kill the front; ending: kill the workers */
	int exit_status;
	bool was_ready;
};

/* ---- the end ---- */

/* No more starts. Workers see their sockets close, end what they run, and end. */
static void begin_end(struct supervisor *s, int status)
{
	if (s->phase == ENDING)
		return;
	s->phase = ENDING;
	s->exit_status = status;
	s->deadline_ns = clock_deadline_ms(END_MS);
	front_process_kill(&s->front);
	for (size_t i = 0; i < s->workers.count; i++)
		channel_clear(&s->workers.slots[i].control);
}

/* What a job may take that has been told to end. */
static int64_t longest_kill_after_ms(const struct conf *c)
{
	int64_t ms = 0;
	for (size_t i = 0; i < c->recipe_count; i++) {
		if (c->recipes[i].kill_after_ms > ms)
			ms = c->recipes[i].kill_after_ms;
	}
	return ms;
}

/* SIGTERM: the first begins the drain, the second ends the grace. */
static void on_terminate(struct supervisor *s)
{
	const struct notify *n = s->o->notify;
	int64_t grace_ms = s->phase == SERVING ? s->o->conf->shutdown_grace_ms : 0;
	int64_t drain_ms = grace_ms + longest_kill_after_ms(s->o->conf) + STORE_MS;
	if (s->phase == ENDING)
		return;
	log_info(s->phase == SERVING ? "draining" : "the grace ends", log_int("grace_ms", grace_ms));
	notify_say(n, "STOPPING=1\nSTATUS=Running jobs may end.\nEXTEND_TIMEOUT_USEC=%lld",
	    (long long)(drain_ms + END_MS) * 1000);
	s->phase = DRAINING;
	/* A front that knows of nothing yet has nothing to drain. */
	if (!s->front.greeted) {
		begin_end(s, 0);
		return;
	}
	int64_t deadline_ns = clock_deadline_ms(drain_ms);
	/* However often it is said, it takes no longer than was said at first. */
	if (deadline_ns < s->deadline_ns)
		s->deadline_ns = deadline_ns;
	if (front_process_say_drain(&s->front, grace_ms) != 0)
		front_process_kill(&s->front);
}

/* ---- front and workers meet ---- */

/* When all that dead workers left has ended, what a front is not told of does not live: then it may know that it knows all. */
static int announce(struct supervisor *s)
{
	if (!s->front.greeted || s->front.announced)
		return 0;
	for (size_t i = 0; i < s->workers.count; i++) {
		const struct slot *w = &s->workers.slots[i];
		if (w->state == SLOT_DYING || (w->state == SLOT_UP && w->control.fd < 0))
			return 0;
	}
	return front_process_announce(&s->front);
}

static int greet_front(struct supervisor *s)
{
	const struct front_greeting g = {.generation = s->o->generation,
	    .log_level = s->o->conf->log.level,
	    .instance = s->o->state->instance,
	    .sources_fd = s->sources_fd,
	    .lock_fd = s->o->state->tree_lock_fd,
	    .listeners = s->o->listeners};
	int r = front_process_greet(&s->front, &g);
	for (size_t i = 0; i < s->workers.count && !r; i++) {
		struct slot *w = &s->workers.slots[i];
		if (w->state == SLOT_UP && w->control.fd >= 0)
			r = front_process_introduce(&s->front, w);
	}
	return r ? r : announce(s);
}

/* ---- what children say ---- */

static int on_front_ready(struct supervisor *s)
{
	s->front.ready = true;
	log_info("ready", log_int("front", s->front.pid),
	    log_int("workers", (int64_t)workers_count(&s->workers, SLOT_UP)));
	/* The service is ready once; a replaced front does not make it less so. */
	notify_say(s->o->notify, s->was_ready ? "STATUS=Serving." : "READY=1\nSTATUS=Serving.");
	s->was_ready = true;
	return 0;
}

/* Returns 0, or ERR_PROTOCOL for what the front may not say. */
static int on_front_message(struct supervisor *s, struct message *m)
{
	if (m->type == MESSAGE_FRONT_HELLO) {
		int64_t version = message_get_int(m, 0, INT64_MAX), pid = message_get_int(m, 1, INT_MAX);
		if (message_end(m) != 0 || version != IPC_VERSION || pid != s->front.pid || s->front.greeted)
			return ERR_PROTOCOL;
		return greet_front(s);
	}
	if (!s->front.greeted)
		return ERR_PROTOCOL;
	if (m->type == MESSAGE_FRONT_READY)
		return message_end(m) != 0 || s->front.ready ? ERR_PROTOCOL : on_front_ready(s);
	if (m->type == MESSAGE_WORKER_BROKEN) {
		char pool[256];
		message_get_text(m, pool, sizeof pool);
		int64_t index = message_get_int(m, 0, INT_MAX), pid = message_get_int(m, 1, INT_MAX);
		if (message_end(m) != 0)
			return ERR_PROTOCOL;
		const struct slot *w = workers_find(&s->workers, (pid_t)pid);
		/* It may have ended meanwhile. */
		if (w && w->index == index && strcmp(w->pool->name, pool) == 0)
			kill(w->pid, SIGKILL);
		return 0;
	}
	return ERR_PROTOCOL;
}

static int on_worker_message(struct message *m, const struct slot *w)
{
	if (m->type != MESSAGE_WORKER_HELLO)
		return ERR_PROTOCOL;
	int64_t version = message_get_int(m, 0, INT64_MAX), pid = message_get_int(m, 1, INT_MAX);
	return message_end(m) != 0 || version != IPC_VERSION || pid != w->pid ? ERR_PROTOCOL : 0;
}

/* Reads from one child and handles what it says; worker NULL: the front. A child that breaks the rules is killed. */
static void serve(struct supervisor *s, struct channel *c, const struct slot *worker)
{
	int read = channel_read(c), r;
	struct message m;
	while ((r = channel_next(c, &m)) > 0) {
		r = worker ? on_worker_message(&m, worker) : on_front_message(s, &m);
		if (m.fd >= 0)
			close(m.fd);
		if (r)
			break;
	}
	if (!r)
		r = read == -EAGAIN ? 0 : read;
	if (!r)
		return;
	/* At its end: it has died or is about to, and is reaped. */
	if (r != ERR_CLOSED) {
		log_error("child broke off", log_str("child", worker ? "worker" : "front"),
		    log_int("pid", worker ? worker->pid : s->front.pid), log_str("error", err_text(r)));
		kill(worker ? worker->pid : s->front.pid, SIGKILL);
	}
	channel_clear(c);
}

/* ---- starts ---- */

static void start_front(struct supervisor *s, int64_t now_ns)
{
	struct front_process *f = &s->front;
	backoff_started(&f->backoff, now_ns);
	int r = front_process_start(f);
	if (r) {
		log_error("cannot start the front", log_str("error", strerror(-r)));
		f->start_ns = backoff_ended(&f->backoff, now_ns);
		return;
	}
	log_debug("front started", log_int("pid", f->pid), log_int("number", f->number));
}

static void start_due(struct supervisor *s, int64_t now_ns)
{
	for (size_t i = 0; i < s->workers.count && s->phase != ENDING; i++) {
		struct slot *w = &s->workers.slots[i];
		if (w->state != SLOT_DOWN || now_ns < w->start_ns || !workers_start(&s->workers, w, now_ns))
			continue;
		/* Neither can be left without the other's socket: what fails here is tried again with another process. */
		if (s->front.greeted && front_process_introduce(&s->front, w) != 0)
			kill(w->pid, SIGKILL);
	}
	if (s->phase == SERVING && !s->front.pid && now_ns >= s->front.start_ns)
		start_front(s, now_ns);
}

/* ---- deaths ---- */

static void front_ended(struct supervisor *s, int status)
{
	struct front_process *f = &s->front;
	int64_t now_ns = clock_mono_ns();
	int exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	pid_t pid = f->pid;
	front_process_ended(f);
	f->start_ns = backoff_ended(&f->backoff, now_ns);
	if (s->phase == ENDING || (s->phase == DRAINING && exit == 0)) {
		begin_end(s, 0);
		return;
	}
	log_error("front ended", log_int("pid", pid), log_int("exit", exit), log_int("signal", signal));
	notify_say(s->o->notify, "STATUS=The front ended (exit %d, signal %d).", exit, signal);
	if (s->phase == DRAINING) {
		begin_end(s, SUPERVISOR_EXIT_FAILED);
	} else if (exit == FRONT_EXIT_FINAL) {
		log_error("the front cannot run: giving up");
		begin_end(s, SUPERVISOR_EXIT_CONFIG);
	} else if (backoff_is_loop(&f->backoff, now_ns)) {
		log_error("the front ends again and again: giving up", log_int("ends", BACKOFF_LOOP_ENDS),
		    log_int("within_ms", BACKOFF_LOOP_WINDOW_MS));
		begin_end(s, SUPERVISOR_EXIT_LOOP);
	}
}

static bool is_ours(void *arg, pid_t pid)
{
	struct supervisor *s = arg;
	if (pid == s->front.pid || workers_find(&s->workers, pid))
		return true;
	/* As PID 1 of a container we are also handed what others have started there. */
	return getpid() == 1 && !sweep_is_of_instance(pid, s->o->state->instance);
}

/* What dead workers left is killed; when there is nothing more of it, their deaths are true. Each death of a child brings us here again. */
static void end_leftovers(struct supervisor *s)
{
	if (workers_count(&s->workers, SLOT_DYING) == 0)
		return;
	int left = orphans_kill(is_ours, s);
	if (left < 0)
		log_error("cannot look for what a worker left", log_str("error", strerror(-left)));
	if (left > 0)
		return;
	int64_t now_ns = clock_mono_ns();
	for (size_t i = 0; i < s->workers.count; i++) {
		struct slot *w = &s->workers.slots[i];
		if (w->state != SLOT_DYING)
			continue;
		if (s->phase != ENDING)
			log_error("worker ended", log_str("pool", w->pool->name), log_int("worker", w->index),
			    log_int("pid", w->pid),
			    log_int("exit", WIFEXITED(w->status) ? WEXITSTATUS(w->status) : -1),
			    log_int("signal", WIFSIGNALED(w->status) ? WTERMSIG(w->status) : 0));
		/* A front that cannot be told would wait for ever: another is told. */
		if (s->phase != ENDING && s->front.greeted && front_process_say_ended(&s->front, w) != 0)
			front_process_kill(&s->front);
		workers_gone(w, now_ns);
	}
	if (announce(s) != 0)
		front_process_kill(&s->front);
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct slot *w = workers_find(&s->workers, pid);
		if (pid == s->front.pid)
			front_ended(s, status);
		else if (w)
			workers_reaped(w, status);
	}
	end_leftovers(s);
}

static void on_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			on_terminate(s);
			break;
		case SIGHUP:
			log_warn("the configuration cannot be reloaded: restart the daemon");
			break;
		case SIGCHLD:
			reap(s);
			break;
		}
	}
}

/* ---- the loop ---- */

static void on_deadline(struct supervisor *s)
{
	s->deadline_ns = CLOCK_NEVER;
	if (s->phase == DRAINING) {
		log_error("the front did not end in time: killed");
		begin_end(s, SUPERVISOR_EXIT_FAILED);
	} else if (s->phase == ENDING) {
		log_error("workers did not end in time: killed");
		s->exit_status = s->exit_status ? s->exit_status : SUPERVISOR_EXIT_FAILED;
		for (size_t i = 0; i < s->workers.count; i++) {
			if (s->workers.slots[i].state == SLOT_UP)
				kill(s->workers.slots[i].pid, SIGKILL);
		}
	}
}

static int poll_timeout_ms(const struct supervisor *s)
{
	int64_t due_ns = s->deadline_ns;
	if (s->phase == SERVING && !s->front.pid && s->front.start_ns < due_ns)
		due_ns = s->front.start_ns;
	for (size_t i = 0; i < s->workers.count && s->phase != ENDING; i++) {
		const struct slot *w = &s->workers.slots[i];
		if (w->state == SLOT_DOWN && w->start_ns < due_ns)
			due_ns = w->start_ns;
	}
	if (due_ns == CLOCK_NEVER)
		return -1;
	int64_t left_ns = due_ns - clock_mono_ns();
	if (left_ns <= 0)
		return 0;
	int64_t ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS, most = clock_is_test() ? TEST_CLOCK_MS : INT_MAX;
	return (int)(ms < most ? ms : most);
}

/* Writes what is to be written. A dead reader is reaped in its own time. */
static void flush(struct channel *c)
{
	int r = c->fd >= 0 && channel_wants_write(c) ? channel_flush(c) : 0;
	if (r && r != -EAGAIN)
		channel_clear(c);
}

static void watch(struct pollfd *p, const struct channel *c)
{
	*p = (struct pollfd){.fd = c->fd, .events = POLLIN};
	if (c->fd >= 0 && channel_wants_write(c))
		p->events |= POLLOUT;
}

static int turn(struct supervisor *s)
{
	size_t n = 0;
	s->fds[n++] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	watch(&s->fds[n++], &s->front.control);
	for (size_t i = 0; i < s->workers.count; i++)
		watch(&s->fds[n++], &s->workers.slots[i].control);
	if (poll(s->fds, n, poll_timeout_ms(s)) < 0 && errno != EINTR)
		return -errno;

	/* What a child said before it died comes before its death. */
	if (s->fds[1].revents & ~POLLOUT)
		serve(s, &s->front.control, NULL);
	for (size_t i = 0; i < s->workers.count; i++) {
		struct slot *w = &s->workers.slots[i];
		if (s->fds[2 + i].revents & ~POLLOUT && w->control.fd >= 0)
			serve(s, &w->control, w);
	}
	on_signals(s);
	int64_t now_ns = clock_mono_ns();
	if (now_ns >= s->deadline_ns)
		on_deadline(s);
	start_due(s, now_ns);
	flush(&s->front.control);
	for (size_t i = 0; i < s->workers.count; i++)
		flush(&s->workers.slots[i].control);
	return 0;
}

static bool has_ended(const struct supervisor *s)
{
	return s->phase == ENDING && !s->front.pid &&
	       workers_count(&s->workers, SLOT_DOWN) == s->workers.count;
}

static int set_up(struct supervisor *s)
{
	const struct supervisor_options *o = s->o;
	sigset_t set;
	sigfillset(&set);
	/* Where our parent ignored it, the kernel would reap our children, and nobody would tell us of their end. */
	signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	int r = sources_to_memfd(o->sources, &s->sources_fd);
	if (r)
		return r;
	const struct workers_options w = {.conf = o->conf,
	    .sources = o->sources,
	    .generation = o->generation,
	    .instance = o->state->instance,
	    .work_dir = o->work_dir,
	    .server = o->listeners->count ? o->listeners->items[0].name : "",
	    .nofile = o->nofile,
	    .lock_fd = o->state->tree_lock_fd};
	r = workers_init(&s->workers, &w);
	if (r)
		return r;
	s->fds = calloc(s->workers.count + 2, sizeof *s->fds);
	return s->fds ? 0 : -ENOMEM;
}

int supervisor_run(const struct supervisor_options *o)
{
	struct supervisor s = {.o = o, .signal_fd = -1, .sources_fd = -1, .deadline_ns = CLOCK_NEVER};
	s.front.control.fd = -1;
	int r = set_up(&s), ended = 0;
	/* Nothing of an earlier daemon may still work on what we are about to hand out again. */
	if (!r)
		r = sweep_instance(o->state->instance, &ended);
	if (!r) {
		start_due(&s, clock_mono_ns());
		while (!r && !has_ended(&s))
			r = turn(&s);
	}
	if (r)
		log_error("supervisor ends", log_str("error", err_text(r)));
	channel_clear(&s.front.control);
	workers_clear(&s.workers);
	free(s.fds);
	if (s.sources_fd >= 0)
		close(s.sources_fd);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	return r ? SUPERVISOR_EXIT_FAILED : s.exit_status;
}
