#include "daemon/ops/front_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/ops/front.h"

_Noreturn static void become_front(int control_fd)
{
	/* Everything else is close-on-exec. */
	if (control_fd == FRONT_CONTROL_FD)
		fcntl(control_fd, F_SETFD, 0);
	else if (dup2(control_fd, FRONT_CONTROL_FD) < 0)
		_exit(FRONT_EXIT_FAILED);
	syscall(SYS_close_range, FRONT_CONTROL_FD + 1u, ~0u, 0u);
	const char *const argv[] = {"bakeryd", FRONT_ARGUMENT, NULL};
	execv("/proc/self/exe", (char *const *)argv);
	log_error("cannot run the front", log_str("error", strerror(errno)));
	_exit(FRONT_EXIT_FAILED);
}

int front_process_start(struct front_process *f)
{
	int fds[2];
	int r = failpoint("supervisor.fork_front");
	if (!r)
		r = channel_pair(fds);
	if (r)
		return r;
	pid_t pid = fork();
	if (pid == 0)
		become_front(fds[1]);
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r) {
		close(fds[0]);
		return r;
	}
	f->pid = pid;
	f->number++;
	f->greeted = f->announced = f->ready = false;
	/* Without a channel it sees its end, ends, and is replaced. */
	if (channel_init(&f->control, fds[0]) != 0)
		front_process_kill(f);
	return 0;
}

void front_process_kill(struct front_process *f)
{
	if (f->pid)
		kill(f->pid, SIGKILL);
}

void front_process_ended(struct front_process *f)
{
	channel_clear(&f->control);
	f->pid = 0;
	f->greeted = f->announced = f->ready = false;
}

static int send_fd_copy(struct channel *c, enum message_type type, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : channel_send(c, type, copy);
}

int front_process_greet(struct front_process *f, const struct front_greeting *g)
{
	struct message_writer m;
	int copy = fcntl(g->sources_fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	channel_begin(&f->control, &m, MESSAGE_BOOT);
	message_add_int(&m, IPC_VERSION);
	message_add_int(&m, f->number);
	message_add_int(&m, (int64_t)g->generation);
	message_add_int(&m, g->log_level);
	message_add_text(&m, g->instance);
	int r = channel_finish(&f->control, &m, copy);
	if (!r)
		r = send_fd_copy(&f->control, MESSAGE_LOCK, g->lock_fd);
	for (size_t i = 0; i < g->listeners->count && !r; i++)
		r = send_fd_copy(&f->control, MESSAGE_LISTENER, g->listeners->items[i].fd);
	f->greeted = true;
	return r;
}

int front_process_introduce(struct front_process *f, struct slot *worker)
{
	int fds[2];
	int r = channel_pair(fds);
	if (r)
		return r;
	r = channel_send(&worker->control, MESSAGE_FRONT, fds[0]);
	if (r) {
		close(fds[1]);
		return r;
	}
	struct message_writer m;
	channel_begin(&f->control, &m, MESSAGE_WORKER);
	message_add_text(&m, worker->pool->name);
	message_add_int(&m, worker->index);
	message_add_int(&m, worker->pid);
	message_add_int(&m, !worker->met_front);
	worker->met_front = true;
	return channel_finish(&f->control, &m, fds[1]);
}

int front_process_announce(struct front_process *f)
{
	f->announced = true;
	return channel_send(&f->control, MESSAGE_WORKERS_ANNOUNCED, -1);
}

int front_process_say_ended(struct front_process *f, const struct slot *worker)
{
	struct message_writer m;
	channel_begin(&f->control, &m, MESSAGE_WORKER_ENDED);
	message_add_text(&m, worker->pool->name);
	message_add_int(&m, worker->index);
	message_add_int(&m, worker->pid);
	message_add_int(&m, worker->status);
	return channel_finish(&f->control, &m, -1);
}

int front_process_say_drain(struct front_process *f, int64_t grace_ms)
{
	struct message_writer m;
	channel_begin(&f->control, &m, MESSAGE_DRAIN);
	message_add_int(&m, grace_ms);
	return channel_finish(&f->control, &m, -1);
}
