#include "daemon/ops/front.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf/conf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/base/rand.h"
#include "daemon/loop/loop.h"
#include "daemon/ops/privilege.h"
#include "daemon/ops/sources.h"
#include "daemon/sched/sched.h"
#include "daemon/session/session.h"
#include "daemon/step/step.h"
#include "daemon/store/store.h"
#include "daemon/task/task.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/pool.h"

/* What clients are given to take what has been written for them, at the end. */
enum { CLOSE_MS = 1000 };

struct front {
	struct channel control;
	struct loop_fd watch;
	/* from BOOT and LOCK */
	int number, lock_fd, log_level;
	uint64_t generation;
	char instance[64];
	/* the rooms, from the bottom up */
	struct conf *conf;
	struct loop *loop;
	struct steps *steps;
	struct store *store;
	struct sched *sched;
	struct pools *pools;
	struct sessions *sessions;
	/* the end */
	bool recovered, draining;
	int64_t drain_ns; /* when the grace ends */
	struct future drained;
	int exit_status;
};

static void end(struct front *f, int exit_status)
{
	f->exit_status = exit_status;
	loop_stop(f->loop);
}

/* ---- what the supervisor says ---- */

/* Writes what is queued for the supervisor. It reads at once, so what it does not take is lost with it. */
static void flush_control(struct front *f)
{
	int r = channel_flush(&f->control);
	if (r && r != -EAGAIN)
		log_error("cannot speak to the supervisor", log_str("error", err_text(r)));
}

static int on_worker(struct front *f, struct message *m)
{
	char pool[256];
	message_get_text(m, pool, sizeof pool);
	int64_t index = message_get_int(m, 0, INT_MAX), pid = message_get_int(m, 1, INT_MAX);
	int64_t fresh = message_get_int(m, 0, 1);
	if (message_end(m) != 0)
		return ERR_PROTOCOL;
	int fd = m->fd;
	m->fd = -1;
	return pools_add_worker(f->pools, pool, (int)index, pid, fd, fresh);
}

static int on_worker_ended(struct front *f, struct message *m)
{
	char pool[256];
	message_get_text(m, pool, sizeof pool);
	int64_t index = message_get_int(m, 0, INT_MAX), pid = message_get_int(m, 1, INT_MAX);
	int64_t status = message_get_int(m, INT_MIN, INT_MAX);
	if (message_end(m) != 0)
		return ERR_PROTOCOL;
	pools_worker_ended(f->pools, pool, (int)index, pid, (int)status);
	return 0;
}

/* The way down: orders first, then clients, then (in front_main) the store. */
static int await_shutdown(void *arg)
{
	struct front *f = arg;
	(void)await_future_shielded(&f->drained);
	await_sessions_close(f->sessions, clock_deadline_ms(CLOSE_MS));
	end(f, FRONT_EXIT_OK);
	return 0;
}

static int drain(struct front *f)
{
	sched_drain(f->sched, f->drain_ns, &f->drained);
	if (f->draining)
		return 0;
	f->draining = true;
	const struct task_spec spec = {.name = "shutdown", .fn = await_shutdown, .arg = f};
	return task_spawn(&spec, NULL);
}

/* The first begins it, another moves its end. A front that does not know yet what runs drains when it does. */
static int on_drain(struct front *f, struct message *m)
{
	int64_t grace_ms = message_get_int(m, 0, INT64_MAX);
	if (message_end(m) != 0)
		return ERR_PROTOCOL;
	f->drain_ns = clock_deadline_ms(grace_ms);
	sessions_drain(f->sessions);
	return f->recovered ? drain(f) : 0;
}

static int on_message(struct front *f, struct message *m)
{
	int fd = m->fd;
	switch (m->type) {
	case MESSAGE_LISTENER:
		m->fd = -1;
		return message_end(m) != 0 ? ERR_PROTOCOL : sessions_listen(f->sessions, fd);
	case MESSAGE_WORKER:
		return on_worker(f, m);
	case MESSAGE_WORKERS_ANNOUNCED:
		pools_announced(f->pools);
		return message_end(m);
	case MESSAGE_WORKER_ENDED:
		return on_worker_ended(f, m);
	case MESSAGE_DRAIN:
		return on_drain(f, m);
	default:
		return ERR_PROTOCOL;
	}
}

/* All that the supervisor has said. Without it there is nothing to be done: whoever comes next finds everything in the store. */
static void on_control(struct loop_fd *watch, int what)
{
	struct front *f = (struct front *)((char *)watch - offsetof(struct front, watch));
	if (what & LOOP_WRITE)
		flush_control(f);
	int read = 0, r = 0;
	while (!read && !r) {
		struct message m;
		read = channel_read(&f->control);
		while (!r && (r = channel_next(&f->control, &m)) > 0) {
			r = on_message(f, &m);
			if (m.fd >= 0)
				close(m.fd);
			if (r)
				log_error("supervisor's message", log_str("type", message_name(m.type)),
				    log_str("error", err_text(r)));
		}
	}
	if (r || read != -EAGAIN) {
		log_error("the supervisor is gone: the front ends", log_str("error", err_text(r ? r : read)));
		_exit(FRONT_EXIT_FAILED);
	}
}

static void on_broken(void *arg, const char *pool, int index, int64_t pid)
{
	struct front *f = arg;
	struct message_writer m;
	channel_begin(&f->control, &m, MESSAGE_WORKER_BROKEN);
	message_add_text(&m, pool);
	message_add_int(&m, index);
	message_add_int(&m, pid);
	if (channel_finish(&f->control, &m, -1) != 0)
		_exit(FRONT_EXIT_FAILED); /* else the worker would live on, and its order wait for ever */
	flush_control(f);
}

/* ---- boot ---- */

/* The next message, waited for: only before there is a loop. */
static int next_message(struct front *f, struct message *m)
{
	for (;;) {
		int r = channel_next(&f->control, m);
		if (r)
			return r < 0 ? r : 0;
		struct pollfd p = {.fd = f->control.fd, .events = POLLIN};
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
		r = channel_read(&f->control);
		if (r && r != -EAGAIN)
			return r;
	}
}

/* Says hello; takes BOOT and LOCK. *sources are the caller's. */
static int meet_supervisor(struct front *f, struct conf_sources *sources)
{
	int r = channel_init(&f->control, FRONT_CONTROL_FD);
	struct message_writer w;
	channel_begin(&f->control, &w, MESSAGE_FRONT_HELLO);
	message_add_int(&w, IPC_VERSION);
	message_add_int(&w, getpid());
	if (!r)
		r = channel_finish(&f->control, &w, -1);
	if (!r)
		r = channel_flush(&f->control);
	struct message m = {.fd = -1};
	if (!r)
		r = next_message(f, &m);
	if (r)
		return r;
	if (m.type != MESSAGE_BOOT)
		return ERR_PROTOCOL;
	int64_t version = message_get_int(&m, 0, INT64_MAX);
	f->number = (int)message_get_int(&m, 1, INT_MAX);
	f->generation = (uint64_t)message_get_int(&m, 0, INT64_MAX);
	f->log_level = (int)message_get_int(&m, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG);
	message_get_text(&m, f->instance, sizeof f->instance);
	r = message_end(&m) != 0 || version != IPC_VERSION ? ERR_PROTOCOL : sources_from_memfd(m.fd, sources);
	close(m.fd);
	if (!r)
		r = next_message(f, &m);
	if (r)
		return r;
	if (m.type != MESSAGE_LOCK || message_end(&m) != 0)
		return ERR_PROTOCOL;
	f->lock_fd = m.fd;
	return 0;
}

/* As many descriptors as we may have: each client is one. */
static void raise_limits(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			log_warn("cannot raise the limit of open files", log_str("error", strerror(errno)));
	}
}

/*
 * Makes the kernel's table of our descriptors as large as it will have to be. It would grow by itself, by doubling; but once there are threads, each time
 * waits for an RCU grace period, 5 to 20 ms in which nobody is served (expand_fdtable in fs/file.c). Costs 8 bytes each, in the kernel.
 */
static void make_room_for_descriptors(const struct conf *c)
{
	enum { OURS = 1024 };
	struct rlimit l;
	int64_t most = c->limits.connections + c->limits.running + OURS;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur != RLIM_INFINITY && (int64_t)l.rlim_cur < most)
		most = (int64_t)l.rlim_cur;
	int fd = fcntl(FRONT_CONTROL_FD, F_DUPFD_CLOEXEC, (int)(most < INT_MAX ? most - 1 : INT_MAX));
	if (fd < 0)
		log_debug("cannot make room for descriptors", log_str("error", strerror(errno)));
	else
		close(fd);
}

static int read_configuration(struct front *f, struct conf_sources *sources)
{
	struct conf_report report = {0};
	int r = conf_parse(sources, &f->conf, &report);
	for (size_t i = 0; r && i < report.error_count; i++)
		log_error("configuration", log_str("error", report.errors[i]));
	conf_report_clear(&report);
	conf_sources_clear(sources);
	return r;
}

/* What a process needs before there are threads: signals, limits, identity. 0, or an exit status. */
static int set_up_process(struct front *f)
{
	prctl(PR_SET_NAME, "bakery-front");
	/* The supervisor decides when we end; a terminal's or an operator's signal to all of us is its business. */
	sigset_t set;
	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGILL);
	sigdelset(&set, SIGABRT);
	sigdelset(&set, SIGTRAP);
	sigprocmask(SIG_SETMASK, &set, NULL);

	const char *why = "";
	log_init("front", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	int r = clock_init();
	if (!r)
		r = failpoint_init(&why);
	struct conf_sources sources = {0};
	if (!r)
		r = meet_supervisor(f, &sources);
	if (r) {
		log_error("the front cannot start", log_str("error", err_text(r)), log_str("why", why));
		return FRONT_EXIT_FAILED;
	}
	r = read_configuration(f, &sources);
	if (r) {
		log_error("the front cannot read the configuration", log_str("error", err_text(r)));
		return r == -EINVAL ? FRONT_EXIT_FINAL : FRONT_EXIT_FAILED;
	}
	log_init("front", (enum log_level)f->log_level, (enum log_format)f->conf->log.format);
	uint64_t seed = rand_init();
	log_debug("front begins", log_int("number", f->number), log_int("seed", (int64_t)seed));
	raise_limits();
	make_room_for_descriptors(f->conf);
	r = privilege_drop(f->conf->daemon_user, &why);
	if (r) {
		log_error("cannot drop privileges", log_str("at", why), log_str("error", err_text(r)));
		return FRONT_EXIT_FINAL;
	}
	return 0;
}

/* The scheduler sees each event before a client is told of it. */
static void on_store_events(void *arg, struct store_event *events, size_t count)
{
	struct front *f = arg;
	sched_on_events(f->sched, events, count);
	if (f->sessions)
		sessions_on_events(f->sessions, events, count);
}

static int open_store(struct front *f)
{
	char owner[128], why[256] = "";
	snprintf(owner, sizeof owner, "%s/%d/%d", f->instance, (int)getpid(), f->number);
	const struct store_options o = {.dir = f->conf->state_dir,
	    .sync = (int)f->conf->store.sync,
	    .owner = owner,
	    .max_queued = (uint64_t)f->conf->limits.queued,
	    .loop = f->loop,
	    .on_events = on_store_events,
	    .arg = f};
	int r = store_open(&o, &f->store, why);
	if (r)
		log_error("cannot open the store", log_str("error", err_text(r)), log_str("why", why));
	/* Another front would find the same. */
	return r == ERR_NEWER || r == ERR_CORRUPT ? FRONT_EXIT_FINAL : r ? FRONT_EXIT_FAILED : 0;
}

/* Wires the rooms, from the bottom up. 0, or an exit status. */
static int set_up_rooms(struct front *f)
{
	int r = loop_new(&f->loop);
	if (!r)
		r = task_runtime_init(f->loop);
	if (!r) {
		task_set_slow_ns(f->conf->log.slow_task_ms * NS_PER_MS);
		r = steps_new(f->conf, &f->steps);
	}
	if (!r) {
		r = sched_new(
		    &(struct sched_options){.conf = f->conf, .generation = f->generation, .steps = f->steps},
		    &f->sched);
	}
	if (!r) {
		int status = open_store(f);
		if (status)
			return status;
		const struct pools_events events = sched_pools_events(f->sched);
		r = pools_new(f->conf, &events, &f->pools);
	}
	if (!r) {
		pools_set_on_broken(f->pools, on_broken, f);
		sched_connect(f->sched, f->store, f->pools);
		r = sessions_new(&(struct sessions_options){.conf = f->conf,
				     .store = f->store,
				     .sched = f->sched,
				     .pools = f->pools,
				     .steps = f->steps,
				     .started_ms = clock_wall_ms()},
		    &f->sessions);
	}
	if (!r)
		r = loop_fd_add(f->loop, &f->watch, FRONT_CONTROL_FD, on_control);
	if (r)
		log_error("the front cannot start", log_str("error", err_text(r)));
	return r ? FRONT_EXIT_FAILED : 0;
}

/* Clients are answered LOADING until the daemon knows again what it knew. */
static int await_recover(void *arg)
{
	struct front *f = arg;
	int r = await_sched_recover(f->sched);
	if (!r)
		r = failpoint("front.recovered");
	if (r) {
		log_error("cannot recover", log_str("error", err_text(r)));
		end(f, r == ERR_CORRUPT ? FRONT_EXIT_FINAL : FRONT_EXIT_FAILED);
		return r;
	}
	f->recovered = true;
	sessions_serve(f->sessions);
	if (f->drain_ns)
		return drain(f);
	r = channel_send(&f->control, MESSAGE_FRONT_READY, -1);
	flush_control(f);
	return r;
}

static void log_mark(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes)
{
	(void)arg;
	log_info("stack high-water", log_str("task", name), log_int("of", stack_bytes),
	    log_int("used", used_bytes));
}

/* The reverse, from the top down. */
static void take_down(struct front *f)
{
	sessions_free(f->sessions);
	f->sessions = NULL; /* what the store commits at its close is told to the scheduler only */
	/* Store and pools use storage of the scheduler's for what is on its way. */
	store_close(f->store);
	pools_free(f->pools);
	sched_free(f->sched);
	steps_free(f->steps);
	if (f->watch.fd)
		loop_fd_remove(&f->watch);
	task_each_mark(log_mark, NULL); /* none, unless stacks are measured */
	task_runtime_clear();
	loop_free(f->loop);
	conf_free(f->conf);
	channel_clear(&f->control);
	close(f->lock_fd);
}

int front_main(void)
{
	struct front f = {.control = {.fd = -1}};
	int status = set_up_process(&f);
	if (!status)
		status = set_up_rooms(&f);
	future_init(&f.drained, "drain");
	const struct task_spec spec = {.name = "recover", .fn = await_recover, .arg = &f};
	if (!status && task_spawn(&spec, NULL) != 0)
		status = FRONT_EXIT_FAILED;
	/* What is half built is left to the kernel. _exit(2): so that no leak checker takes it for one. */
	if (status)
		_exit(status);
	int r = loop_run(f.loop);
	if (r) {
		log_error("the event loop ended", log_str("error", err_text(r)));
		_exit(FRONT_EXIT_FAILED);
	}
	/* A front that could not recover has tasks that wait; one that has drained has none. */
	if (f.exit_status != FRONT_EXIT_OK)
		_exit(f.exit_status);
	take_down(&f);
	return FRONT_EXIT_OK;
}
