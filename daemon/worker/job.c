#include "daemon/worker/job.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/worker/orphans.h"

enum { READ_BYTES = 64 << 10 };

void worker_job_init(struct worker_job *j, const struct job_site *site)
{
	*j = (struct worker_job){.site = site, .in_fd = -1, .out_fd = -1, .err_fd = -1};
	j->deadline_ns = j->kill_ns = CLOCK_NEVER;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting ---- */

/* The recipe's own value of a variable; NULL: it has none. The last one counts. */
static const char *recipe_value(const struct worker_job *j, const char *name)
{
	for (size_t i = j->command.env_count; i > 0; i--) {
		if (strcmp(j->command.env[i - 1].name, name) == 0)
			return j->command.env[i - 1].value;
	}
	return NULL;
}

/* The job's environment: nothing but this. One text after the other in b; the pointers come when b does not grow any more. */
static int make_environment(const struct worker_job *j, struct buf *b, char ***out)
{
	const struct job_site *s = j->site;
	const struct conf_recipe *r = j->recipe;
	const struct {
		const char *name, *value;
	} usual[] = {{"PATH", s->path}, {"HOME", s->home}, {"USER", s->user}, {"LANG", s->lang},
	    {"TMPDIR", s->dir->path}};
	int e = 0;
	size_t count = 0;
	/* Never twice: which of two counts is for each program to say. */
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		if (recipe_value(j, usual[i].name))
			continue;
		e |= buf_printf(b, "%s=%s%c", usual[i].name, usual[i].value, 0);
		count++;
	}
	e |= buf_printf(b, "BAKERY_ORDER=%" PRId64 "%c", j->name.order, 0) |
	     buf_printf(b, "BAKERY_ATTEMPT=%d%c", j->name.attempt, 0) |
	     buf_printf(b, "BAKERY_RECIPE=%s%c", r->name, 0) |
	     buf_printf(b, "BAKERY_STEP=%s%c", r->steps[j->name.step].name, 0) |
	     buf_printf(b, "BAKERY_SERVER=%s%c", s->server, 0) |
	     buf_printf(b, "BAKERY_WORKER=%d%c", s->index, 0) |
	     buf_printf(b, "BAKERY_INSTANCE=%s%c", s->instance, 0);
	count += 7;
	for (size_t i = 0; i < j->command.env_count && !e; i++, count++)
		e = buf_printf(b, "%s=%s%c", j->command.env[i].name, j->command.env[i].value, 0);
	char **list = e ? NULL : malloc((count + 1) * sizeof *list);
	if (!list)
		return -ENOMEM;
	char *at = b->data + b->off;
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		list[i] = at;
	list[count] = NULL;
	*out = list;
	return 0;
}

/* Writes what the pipe takes. Closes it at the end, or when the job does not want more. */
static void feed(struct worker_job *j)
{
	while (j->written < j->command.stdin_len) {
		ssize_t n = write(
		    j->in_fd, j->command.stdin_bytes + j->written, j->command.stdin_len - j->written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* EPIPE: it has closed its standard input */
		j->written += (size_t)n;
	}
	close_fd(&j->in_fd);
}

/* A pipe. ours: 0 or 1, which end stays here. */
static int open_pipe(int ours, int *our_fd, int *its_fd)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*our_fd = fds[ours];
	*its_fd = fds[!ours];
	return 0;
}

/* True when somebody will ask for its standard output: a later step, or who waits for the result of the order. */
static bool has_result(const struct conf_recipe *r, int step)
{
	if ((size_t)step + 1 == r->step_count)
		return r->result == CONF_RESULT_STDOUT;
	for (size_t i = (size_t)step + 1; i < r->step_count; i++) {
		if (r->steps[i].uses >> step & 1)
			return true;
	}
	return false;
}

static int start_command(struct worker_job *j, char why[static 256])
{
	const struct job_site *s = j->site;
	const struct conf_recipe *r = j->recipe;
	int in = -1, out = -1, err = -1;
	struct buf texts = {0};
	char **envp = NULL;
	const char *path = recipe_value(j, "PATH");
	int e = workdir_ready(s->dir);
	if (!e)
		e = make_environment(j, &texts, &envp);
	if (!e && j->command.stdin_len > 0) {
		e = open_pipe(1, &j->in_fd, &in);
		if (!e && fcntl(j->in_fd, F_SETFL, O_WRONLY | O_NONBLOCK) < 0)
			e = -errno;
		if (!e)
			feed(j);
	}
	if (!e && has_result(r, j->name.step))
		e = open_pipe(0, &j->out_fd, &out);
	if (!e)
		e = open_pipe(0, &j->err_fd, &err);
	if (e) {
		snprintf(why, 256, "cannot prepare %.100s: %s", j->command.argv[0], strerror(-e));
	} else {
		const struct child_spec spec = {.argv = j->command.argv,
		    .envp = envp,
		    .path = path ? path : s->path,
		    .dir = j->command.chdir ? j->command.chdir : s->dir->path,
		    .in = in >= 0 ? in : s->null_fd,
		    .out = out >= 0 ? out : s->null_fd,
		    .err = err,
		    .user = s->credentials,
		    .nofile = s->nofile};
		e = child_start(&spec, &j->pid, why);
	}
	close_fd(&in);
	close_fd(&out);
	close_fd(&err);
	free(envp);
	buf_clear(&texts);
	return e;
}

/* Everything is over, one way or the other. */
static void hold(struct worker_job *j)
{
	close_fd(&j->in_fd);
	close_fd(&j->out_fd);
	close_fd(&j->err_fd);
	recipe_command_clear(&j->command);
	j->command = (struct recipe_command){0};
	j->deadline_ns = j->kill_ns = CLOCK_NEVER;
	j->outcome.finished_ms = clock_wall_ms();
	j->outcome.result_total = j->result.total;
	j->outcome.result_cut = j->result.total > j->result.kept.len;
	j->state = WORKER_HOLDING;
}

static void could_not_start(struct worker_job *j, enum order_cause cause, int error, const char *why)
{
	j->outcome.cause = cause;
	j->outcome.error = error;
	tail_capture_add(&j->message, why, strlen(why));
	hold(j);
}

void worker_job_start(struct worker_job *j, const struct worker_job_spec *spec)
{
	assert(j->state == WORKER_IDLE);
	j->name = spec->name;
	j->recipe = spec->recipe;
	j->written = 0;
	j->stopped = CAUSE_NONE;
	j->message.len = 0;
	j->result = (struct head_capture){.max = spec->recipe->result_max};
	j->outcome = (struct order_outcome){.exit = -1, .started_ms = clock_wall_ms()};
	j->deadline_ns = spec->timeout_ms == CONF_NONE ? CLOCK_NEVER : clock_deadline_ms(spec->timeout_ms);

	const struct recipe_values values = {.order = spec->name.order,
	    .attempt = spec->name.attempt,
	    .worker = j->site->index,
	    .payload = spec->payload,
	    .results = spec->results};
	char why[256] = "";
	int r = recipe_expand(spec->recipe, &spec->recipe->steps[spec->name.step], &values, &j->command, why);
	if (r) {
		j->command = (struct recipe_command){0};
		if (r == -EINVAL)
			could_not_start(j, CAUSE_PARAMS, 0, why);
		else
			could_not_start(j, CAUSE_SPAWN, -r, "cannot expand the command: out of memory");
		return;
	}
	r = start_command(j, why);
	if (r)
		could_not_start(j, CAUSE_SPAWN, -r, why);
	else
		j->state = WORKER_RUNNING;
}

void worker_job_take(struct worker_job *j, struct worker_held *out)
{
	assert(j->state == WORKER_HOLDING);
	struct slice message = tail_capture_get(&j->message);
	*out = (struct worker_held){.name = j->name,
	    .outcome = j->outcome,
	    .result = j->result.kept,
	    .message = malloc(message.len + 1)};
	j->result.kept = (struct buf){0};
	out->outcome.result = buf_bytes(&out->result);
	out->outcome.result_len = out->result.len;
	/* Without memory the attempt goes without its last words. */
	out->outcome.message = out->message ? memcpy(out->message, message.data, message.len) : "";
	out->outcome.message_len = out->message ? message.len : 0;
	j->state = WORKER_IDLE;
}

void worker_held_clear(struct worker_held *h)
{
	buf_clear(&h->result);
	free(h->message);
	*h = (struct worker_held){0};
}

/* ---- outputs ---- */

/* Reads once, at most max bytes; the descriptor must be readable. False: it is at its end. */
static bool read_output(struct worker_job *j, int fd, size_t max)
{
	char bytes[READ_BYTES];
	ssize_t n = read(fd, bytes, max < sizeof bytes ? max : sizeof bytes);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	if (fd == j->err_fd) {
		tail_capture_add(&j->message, bytes, (size_t)n);
	} else if (head_capture_add(&j->result, bytes, (size_t)n) != 0) {
		log_warn("result cut: out of memory", log_int("order", j->name.order));
	}
	return true;
}

/* What is in a pipe now, and no more: somebody outside the job's tree may hold it and write for ever. */
static void drain_output(struct worker_job *j, int fd)
{
	int left = 0;
	if (fd < 0 || ioctl(fd, FIONREAD, &left) < 0)
		return;
	while (left > 0) {
		size_t n = left < READ_BYTES ? (size_t)left : READ_BYTES;
		if (!read_output(j, fd, n))
			return;
		left -= (int)n;
	}
}

void worker_job_poll(const struct worker_job *j, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = j->in_fd, .events = POLLOUT};
	fds[1] = (struct pollfd){.fd = j->out_fd, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = j->err_fd, .events = POLLIN};
}

void worker_job_on_poll(struct worker_job *j, const struct pollfd *fds)
{
	if (fds[0].revents && j->in_fd >= 0)
		feed(j);
	if (fds[1].revents && j->out_fd >= 0 && !read_output(j, j->out_fd, READ_BYTES))
		close_fd(&j->out_fd);
	if (fds[2].revents && j->err_fd >= 0 && !read_output(j, j->err_fd, READ_BYTES))
		close_fd(&j->err_fd);
}

/* ---- ending ---- */

void worker_job_stop(struct worker_job *j, enum order_cause why)
{
	/* It may have ended, and we have not looked yet: then it ended by itself. */
	if (j->state == WORKER_RUNNING)
		worker_job_on_child(j);
	if (j->state != WORKER_RUNNING)
		return;
	j->stopped = why;
	j->state = WORKER_STOPPING;
	j->deadline_ns = CLOCK_NEVER;
	j->kill_ns = clock_deadline_ms(j->recipe->kill_after_ms);
	kill(-j->pid, j->recipe->stop_signal);
	kill(-j->pid, SIGCONT);
}

int64_t worker_job_due_ns(const struct worker_job *j)
{
	return j->deadline_ns < j->kill_ns ? j->deadline_ns : j->kill_ns;
}

void worker_job_on_time(struct worker_job *j, int64_t now_ns)
{
	if (j->state == WORKER_RUNNING && now_ns >= j->deadline_ns) {
		worker_job_stop(j, CAUSE_TIMEOUT);
	} else if (j->state == WORKER_STOPPING && now_ns >= j->kill_ns) {
		j->kill_ns = CLOCK_NEVER;
		kill(-j->pid, SIGKILL);
	}
}

static void add_usage(struct worker_job *j, const struct rusage *u)
{
	j->outcome.cpu_ms += (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
			     (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
	if (u->ru_maxrss > j->outcome.max_rss_kib)
		j->outcome.max_rss_kib = u->ru_maxrss;
}

/* The command's own process has ended and not been reaped: so its number, and with it the group, is still its own. */
static void command_ended(struct worker_job *j)
{
	kill(-j->pid, SIGKILL);
	int status;
	struct rusage usage;
	if (wait4(j->pid, &status, 0, &usage) < 0)
		return;
	add_usage(j, &usage);
	if (WIFEXITED(status))
		j->outcome.exit = WEXITSTATUS(status);
	else
		j->outcome.signal = WTERMSIG(status);
	j->outcome.cause = j->stopped ? j->stopped : WIFEXITED(status) ? CAUSE_EXIT : CAUSE_SIGNAL;
	j->deadline_ns = j->kill_ns = CLOCK_NEVER;
	j->state = WORKER_EMPTYING;
}

/* Reaps what has ended. True: a child is left. */
static bool reap(struct worker_job *j)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			return false; /* ECHILD */
		if (!info.si_pid)
			return true;
		if (info.si_pid == j->pid && j->state != WORKER_EMPTYING) {
			command_ended(j);
			continue;
		}
		struct rusage usage;
		if (wait4(info.si_pid, NULL, 0, &usage) > 0)
			add_usage(j, &usage);
	}
}

/* Nothing of the job lives any more. */
static void tree_ended(struct worker_job *j)
{
	drain_output(j, j->out_fd);
	drain_output(j, j->err_fd);
	int r = workdir_reset(j->site->dir);
	if (r)
		log_warn("cannot empty the private directory", log_str("path", j->site->dir->path),
		    log_str("error", strerror(-r)));
	hold(j);
}

void worker_job_on_child(struct worker_job *j)
{
	if (j->state == WORKER_IDLE || j->state == WORKER_HOLDING)
		return;
	bool left = reap(j);
	if (j->state != WORKER_EMPTYING)
		return;
	/* What left the group is killed as our child: a subreaper is handed what lost its parent. Each death tells us again. */
	if (left)
		orphans_kill(NULL, NULL);
	else
		tree_ended(j);
}

void worker_job_kill(struct worker_job *j)
{
	if (j->state == WORKER_RUNNING || j->state == WORKER_STOPPING)
		kill(-j->pid, SIGKILL);
	do {
		orphans_kill(NULL, NULL);
	} while (wait(NULL) > 0 || errno == EINTR);
}
