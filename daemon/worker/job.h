/*
 * One job in its worker: from the values that the front sent to an outcome. Expands the command, starts it, feeds its standard input, keeps what is to be
 * kept of its outputs, ends it when its time is over, and ends what it left behind. Never blocks: worker.c polls for it. The states are those
 * of "A worker's life" in IPC.md. Knows nothing of sockets, and of messages only the names of jobs.
 */
#ifndef BAKERY_WORKER_JOB_H
#define BAKERY_WORKER_JOB_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "daemon/order/order.h"
#include "daemon/order/recipe.h"
#include "daemon/worker/capture.h"
#include "daemon/worker/child.h"
#include "daemon/worker/message.h"
#include "daemon/worker/workdir.h"

enum worker_job_state { WORKER_IDLE, WORKER_RUNNING, WORKER_STOPPING, WORKER_EMPTYING, WORKER_HOLDING };

/* What is the same for all jobs of a worker. Borrowed for its life. */
struct job_site {
	const struct conf_pool *pool;
	int index;
	const char *instance, *server;
	const char *path, *home, *user, *lang;
	const struct child_user *credentials; /* NULL: the daemon's own */
	struct rlimit nofile;
	struct workdir *dir;
	int null_fd; /* /dev/null, above 2 */
};

struct worker_job {
	const struct job_site *site;
	enum worker_job_state state;
	/* not idle: which */
	struct job_name name;
	const struct conf_recipe *recipe;
	/* running, stopping */
	pid_t pid;
	int in_fd, out_fd, err_fd; /* our ends of its pipes; −1: closed */
	struct recipe_command command;
	size_t written; /* of its standard input */
	int64_t deadline_ns, kill_ns;
	enum order_cause stopped; /* why it was told to end; CAUSE_NONE: it was not */
	/* holding: the outcome, to be taken; its result and message are in these */
	struct order_outcome outcome;
	struct head_capture result;
	struct tail_capture message;
};

struct worker_job_spec {
	struct job_name name;
	const struct conf_recipe *recipe;
	int64_t timeout_ms; /* CONF_NONE */
	struct slice payload;
	struct recipe_result results[CONF_STEPS_MAX]; /* of earlier steps */
};

void worker_job_init(struct worker_job *j, const struct job_site *site);

/* idle → running; or → holding, when it could not be started: the outcome says why. */
void worker_job_start(struct worker_job *j, const struct worker_job_spec *spec);
/* Tells a running job to end, for this cause. Nothing, when it is not running. */
void worker_job_stop(struct worker_job *j, enum order_cause why);
/* An outcome that waits to be acknowledged. */
struct worker_held {
	struct job_name name;
	struct order_outcome outcome; /* its result and message are in these */
	struct buf result;
	char *message;
	bool told; /* this front has it */
};
/* holding → idle: the outcome is moved to *out. */
void worker_job_take(struct worker_job *j, struct worker_held *out);
void worker_held_clear(struct worker_held *h);
/* SIGKILL to all of it. Blocks until nothing is left. For a worker that ends. */
void worker_job_kill(struct worker_job *j);

/* What to poll for: fills in WORKER_JOB_FDS entries (fd −1: nothing). */
enum { WORKER_JOB_FDS = 3 };
void worker_job_poll(const struct worker_job *j, struct pollfd *fds);
/* What poll(2) said of them. */
void worker_job_on_poll(struct worker_job *j, const struct pollfd *fds);
/* SIGCHLD arrived. */
void worker_job_on_child(struct worker_job *j);
/* When worker_job_on_time() is due next (clock_mono_ns), or CLOCK_NEVER. */
int64_t worker_job_due_ns(const struct worker_job *j);
void worker_job_on_time(struct worker_job *j, int64_t now_ns);

#endif
