/*
 * The worker's own loop: one poll(2) for its two sockets, its children and its job, so that it answers at any time. What the job does is
 * job.c's business; this file knows the messages.
 */
#include "daemon/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/base/rand.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/job.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A test that moves the clock is noticed this soon. */
enum { TEST_CLOCK_MS = 10 };

struct worker_process {
	const struct worker_options *o;
	struct channel control, front; /* front.fd −1: there is no front */
	int child_fd;                  /* signalfd of SIGCHLD */
	struct child_user user;
	char *home, *login;
	struct workdir dir;
	struct job_site site;
	struct worker_job job;
	struct worker_held held[WORKER_HELD_MAX]; /* the oldest first */
	int held_count;
};

/* ---- what is said to the front ---- */

static int say_claim(struct worker_process *w)
{
	const struct worker_job *j = &w->job;
	bool idle = j->state == WORKER_IDLE;
	struct message_writer m;
	channel_begin(&w->front, &m, MESSAGE_CLAIM);
	message_add_int(&m, IPC_VERSION);
	message_add_int(&m, !idle);
	if (!idle)
		message_add_job(&m, &j->name);
	message_add_int(&m, w->held_count);
	for (int i = 0; i < w->held_count; i++)
		w->held[i].told = false;
	return channel_finish(&w->front, &m, -1);
}

static int say_ended(struct worker_process *w, const struct worker_held *h)
{
	const struct order_outcome *o = &h->outcome;
	struct message_writer m;
	channel_begin(&w->front, &m, MESSAGE_JOB_ENDED);
	message_add_job(&m, &h->name);
	message_add_int(&m, o->cause);
	message_add_int(&m, o->exit);
	message_add_int(&m, o->signal);
	message_add_int(&m, o->error);
	message_add_int(&m, o->started_ms);
	message_add_int(&m, o->finished_ms);
	message_add_int(&m, o->cpu_ms);
	message_add_int(&m, o->max_rss_kib);
	message_add_int(&m, (int64_t)o->result_total);
	message_add_bytes(&m, o->result, o->result_len);
	message_add_bytes(&m, o->message, o->message_len);
	return channel_finish(&w->front, &m, -1);
}

/* The outcome of this job, if it is kept here. */
static struct worker_held *find_held(struct worker_process *w, const struct job_name *name)
{
	for (int i = 0; i < w->held_count; i++) {
		if (job_name_equal(&w->held[i].name, name))
			return &w->held[i];
	}
	return NULL;
}

/* ---- what the front says ---- */

/* True when this worker does this step: another pool's would run with other rights. */
static bool is_ours(const struct worker_process *w, const struct conf_recipe *r, int step)
{
	if ((size_t)step >= r->step_count || !conf_step_is_heavy(&r->steps[step]))
		return false;
	return strcmp(r->steps[step].pool, w->o->pool->name) == 0;
}

/* The results of earlier steps, ascending. False: they are not what may be sent. */
static bool get_results(struct message *m, int step, struct recipe_result *results)
{
	int64_t count = message_get_int(m, 0, step);
	int next = 0;
	for (; count > 0 && !m->bad; count--) {
		/* For the last that may be, next is step itself, and this fails. */
		int at = (int)message_get_int(m, next, step - 1);
		bool cut = message_get_int(m, 0, 1) != 0;
		results[at] = (struct recipe_result){
		    .present = true, .cut = cut, .bytes = message_get_bytes(m)};
		next = at + 1;
	}
	return message_end(m) == 0;
}

static int on_job(struct worker_process *w, struct message *m)
{
	const struct conf *conf = w->o->conf;
	struct worker_job_spec spec = {0};
	spec.name = message_get_job(m);
	int64_t generation = message_get_int(m, 0, INT64_MAX);
	spec.timeout_ms = message_get_int(m, CONF_NONE, INT64_MAX);
	struct slice recipe = message_get_bytes(m);
	spec.payload = message_get_bytes(m);
	if (!get_results(m, spec.name.step, spec.results) || w->job.state != WORKER_IDLE ||
	    w->held_count == WORKER_HELD_MAX || (uint64_t)generation != w->o->generation)
		return ERR_PROTOCOL;
	spec.recipe = conf_recipe_find(conf, recipe.data, recipe.len);
	if (!spec.recipe || !is_ours(w, spec.recipe, spec.name.step) || find_held(w, &spec.name))
		return ERR_PROTOCOL;
	int r = failpoint("worker.job");
	if (r)
		return r;
	worker_job_start(&w->job, &spec);
	return failpoint("worker.started");
}

static int on_stop(struct worker_process *w, struct message *m)
{
	static const enum order_cause causes[] = {CAUSE_CANCELLED, CAUSE_DRAINED, CAUSE_CANCELLED};
	struct job_name name = message_get_job(m);
	int64_t why = message_get_int(m, 0, 2);
	const struct worker_job *j = &w->job;
	if (message_end(m) != 0)
		return ERR_PROTOCOL;
	/* On its way it has met the JOB_ENDED of its job. */
	if (find_held(w, &name))
		return 0;
	if (j->state == WORKER_IDLE || !job_name_equal(&name, &j->name))
		return ERR_PROTOCOL;
	worker_job_stop(&w->job, causes[why]);
	return 0;
}

static int on_ack(struct worker_process *w, struct message *m)
{
	struct job_name name = message_get_job(m);
	struct worker_held *h = message_end(m) == 0 ? find_held(w, &name) : NULL;
	if (!h)
		return ERR_PROTOCOL;
	worker_held_clear(h);
	w->held_count--;
	memmove(h, h + 1, (size_t)(w->held + w->held_count - h) * sizeof *h);
	return 0;
}

static int on_ping(struct worker_process *w, struct message *m)
{
	int64_t number = message_get_int(m, INT64_MIN, INT64_MAX);
	if (message_end(m) != 0)
		return ERR_PROTOCOL;
	struct message_writer out;
	channel_begin(&w->front, &out, MESSAGE_PONG);
	message_add_int(&out, number);
	return channel_finish(&w->front, &out, -1);
}

static int on_front_message(struct worker_process *w, struct message *m)
{
	switch (m->type) {
	case MESSAGE_JOB:
		return on_job(w, m);
	case MESSAGE_JOB_STOP:
		return on_stop(w, m);
	case MESSAGE_JOB_ACK:
		return on_ack(w, m);
	case MESSAGE_PING:
		return on_ping(w, m);
	default:
		return ERR_PROTOCOL;
	}
}

/* ---- the sockets ---- */

/* Reads what is there and handles every whole message. 0; ERR_CLOSED at the end; another code: it cannot go on. */
static int serve(
    struct worker_process *w, struct channel *c, int (*handle)(struct worker_process *, struct message *))
{
	int read = channel_read(c);
	struct message m;
	int r;
	while ((r = channel_next(c, &m)) > 0) {
		r = handle(w, &m);
		if (m.fd >= 0)
			close(m.fd);
		if (r)
			return r;
	}
	if (r)
		return r;
	return read == -EAGAIN ? 0 : read;
}

/* True when the other end is gone, which is its own business; not when memory is short, which is ours. */
static bool is_gone(int r)
{
	return r == ERR_CLOSED || r == -EPIPE || r == -ECONNRESET;
}

static int serve_front(struct worker_process *w)
{
	int r = serve(w, &w->front, on_front_message);
	if (is_gone(r)) {
		channel_clear(&w->front);
		return 0;
	}
	if (r)
		log_error(
		    "front broke off", log_str("error", err_text(r)), log_int("order", w->job.name.order));
	return r;
}

static int on_control_message(struct worker_process *w, struct message *m)
{
	if (m->type != MESSAGE_FRONT || message_end(m) != 0)
		return ERR_PROTOCOL;
	int r = 0;
	/* What the last front said before it died still counts. */
	while (!r && w->front.fd >= 0)
		r = serve_front(w);
	if (r)
		return r;
	int fd = m->fd;
	m->fd = -1;
	r = channel_init(&w->front, fd);
	return r ? r : say_claim(w);
}

/* An outcome makes room for the next job, and is told when there is somebody to tell. */
static int flush_front(struct worker_process *w)
{
	if (w->job.state == WORKER_HOLDING)
		worker_job_take(&w->job, &w->held[w->held_count++]);
	if (w->front.fd < 0)
		return 0;
	for (int i = 0; i < w->held_count; i++) {
		struct worker_held *h = &w->held[i];
		int r = h->told ? 0 : failpoint("worker.ended");
		if (!r && !h->told)
			r = say_ended(w, h);
		if (r)
			return r;
		h->told = true;
	}
	int r = channel_flush(&w->front);
	if (is_gone(r))
		channel_clear(&w->front);
	return r == -EAGAIN || is_gone(r) ? 0 : r;
}

/* ---- the loop ---- */

static int poll_timeout_ms(const struct worker_job *j)
{
	int64_t due_ns = worker_job_due_ns(j);
	if (due_ns == CLOCK_NEVER)
		return -1;
	int64_t left_ns = due_ns - clock_mono_ns();
	if (left_ns <= 0)
		return 0;
	int64_t ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
	int64_t most = clock_is_test() ? TEST_CLOCK_MS : INT_MAX;
	return (int)(ms < most ? ms : most);
}

/* One turn. 0: go on; ERR_CLOSED: the supervisor is gone; another code: it cannot go on. */
static int turn(struct worker_process *w)
{
	enum { CONTROL, FRONT, CHILD, JOB, FDS = JOB + WORKER_JOB_FDS };
	struct pollfd fds[FDS] = {[CONTROL] = {.fd = w->control.fd, .events = POLLIN},
	    [FRONT] = {.fd = w->front.fd, .events = POLLIN},
	    [CHILD] = {.fd = w->child_fd, .events = POLLIN}};
	if (channel_wants_write(&w->control))
		fds[CONTROL].events |= POLLOUT;
	if (w->front.fd >= 0 && channel_wants_write(&w->front))
		fds[FRONT].events |= POLLOUT;
	worker_job_poll(&w->job, fds + JOB);
	if (poll(fds, FDS, poll_timeout_ms(&w->job)) < 0)
		return errno == EINTR ? 0 : -errno;

	int r = 0;
	/* The job first: what has ended by now has ended before it was told to. */
	worker_job_on_poll(&w->job, fds + JOB);
	if (fds[CHILD].revents) {
		struct signalfd_siginfo info;
		if (read(w->child_fd, &info, sizeof info) < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		worker_job_on_child(&w->job);
	}
	worker_job_on_time(&w->job, clock_mono_ns());
	if (fds[FRONT].revents & ~POLLOUT)
		r = serve_front(w);
	if (!r && fds[CONTROL].revents & ~POLLOUT)
		r = serve(w, &w->control, on_control_message);
	if (!r && channel_wants_write(&w->control)) {
		r = channel_flush(&w->control);
		r = r == -EAGAIN ? 0 : is_gone(r) ? ERR_CLOSED : r;
	}
	return r ? r : flush_front(w);
}

/* ---- setting up ---- */

static int open_above_two(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0 || fd > 2)
		return fd < 0 ? -errno : fd;
	int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r = above < 0 ? -errno : above;
	close(fd);
	return r;
}

/* Sockets of other workers and fronts would keep their other ends from seeing their end. */
static void close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;
	unsigned from = 3;
	for (int i = 0; i < 2; i++) {
		int keep = i ? high : low;
		if (keep < (int)from)
			continue;
		if ((unsigned)keep > from)
			syscall(SYS_close_range, from, (unsigned)keep - 1, 0u);
		from = (unsigned)keep + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0u);
}

static int block_signals(int *child_fd)
{
	/* What the daemon was started with (nohup, a careless parent) is not passed on; nothing interrupts a worker. SIGPIPE stays pending for ever. */
	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigset_t set;
	sigfillset(&set);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	*child_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *child_fd < 0 ? -errno : 0;
}

/* Who its jobs are: the pool's user with its groups, else who we are. */
static int find_user(struct worker_process *w)
{
	const char *name = w->o->pool->user;
	errno = 0;
	const struct passwd *pw = name ? getpwnam(name) : getpwuid(geteuid());
	if (!pw && name)
		return errno ? -errno : -ENOENT;
	w->home = strdup(pw && pw->pw_dir[0] ? pw->pw_dir : "/");
	w->login = strdup(pw ? pw->pw_name : "nobody");
	if (!w->home || !w->login)
		return -ENOMEM;
	w->user = (struct child_user){.uid = geteuid(), .gid = getegid()};
	if (!name)
		return 0;
	w->user.uid = pw->pw_uid;
	w->user.gid = pw->pw_gid;
	w->user.group_count = 64;
	for (;;) {
		gid_t *groups = realloc(w->user.groups, (size_t)w->user.group_count * sizeof *groups);
		if (!groups)
			return -ENOMEM;
		w->user.groups = groups;
		if (getgrouplist(w->login, w->user.gid, groups, &w->user.group_count) >= 0)
			return 0;
	}
}

static int set_up(struct worker_process *w)
{
	const struct worker_options *o = w->o;
	char text[NAME_MAX];
	snprintf(text, sizeof text, "worker %.40s/%d", o->pool->name, o->index);
	log_init(text, (enum log_level)o->conf->log.level, (enum log_format)o->conf->log.format);
	rand_init();
	close_others(o->control_fd, o->lock_fd);
	int r = block_signals(&w->child_fd);
	if (!r && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		r = -errno;
	/* Jobs of another user may not look into us; as our own user they can do worse anyway. */
	if (!r && geteuid() == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	if (r) {
		log_error("cannot set up the process", log_str("error", err_text(r)));
		return r;
	}
	r = find_user(w);
	if (r) {
		log_error("cannot find the pool's user", log_str("user", o->pool->user),
		    log_str("error", err_text(r)));
		return r;
	}
	snprintf(text, sizeof text, "%.200s-%d", o->pool->name, o->index);
	r = workdir_open(&w->dir, o->work_dir, text, w->user.uid, w->user.gid);
	if (r) {
		log_error("cannot make the jobs' private directory", log_str("path", o->work_dir),
		    log_str("error", err_text(r)));
		return r;
	}
	const char *path = getenv("PATH"), *lang = getenv("LANG");
	w->site = (struct job_site){.pool = o->pool,
	    .index = o->index,
	    .instance = o->instance,
	    .server = o->server,
	    .path = path && *path ? path : DEFAULT_PATH,
	    .home = w->home,
	    .user = w->login,
	    .lang = lang && *lang ? lang : "C.UTF-8",
	    .credentials = o->pool->user ? &w->user : NULL,
	    .nofile = o->nofile,
	    .dir = &w->dir,
	    .null_fd = open_above_two("/dev/null", O_RDWR)};
	if (w->site.null_fd < 0) {
		log_error("cannot open /dev/null", log_str("error", err_text(w->site.null_fd)));
		return w->site.null_fd;
	}
	worker_job_init(&w->job, &w->site);
	return 0;
}

static int say_hello(struct worker_process *w)
{
	struct message_writer m;
	channel_begin(&w->control, &m, MESSAGE_WORKER_HELLO);
	message_add_int(&m, IPC_VERSION);
	message_add_int(&m, getpid());
	return channel_finish(&w->control, &m, -1);
}

int worker_main(const struct worker_options *o)
{
	struct worker_process w = {.o = o, .front = {.fd = -1}, .control = {.fd = -1}};
	if (set_up(&w) != 0)
		return WORKER_EXIT_SETUP;
	int r = channel_init(&w.control, o->control_fd);
	if (!r)
		r = say_hello(&w);
	while (!r)
		r = turn(&w);
	if (r != ERR_CLOSED)
		log_error("worker ends", log_str("error", err_text(r)), log_int("order", w.job.name.order));
	worker_job_kill(&w.job);
	while (w.held_count > 0)
		worker_held_clear(&w.held[--w.held_count]);
	workdir_close(&w.dir);
	free(w.user.groups);
	free(w.home);
	free(w.login);
	channel_clear(&w.front);
	channel_clear(&w.control);
	return r == ERR_CLOSED ? WORKER_EXIT_OK : WORKER_EXIT_PROTOCOL;
}
