/*
 * The worker processes as the supervisor sees them: a slot for each worker of each pool, with the process that fills it.
 *
 *   down ──its time has come: fork──▶ up ──reaped──▶ dying ──all that it left has ended──▶ down, to be started again
 *
 * Only between dying and down is its death reported: then nothing of the attempt lives any more.
 */
#ifndef BAKERY_OPS_WORKERS_H
#define BAKERY_OPS_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "daemon/ops/backoff.h"
#include "daemon/worker/channel.h"

enum slot_state { SLOT_DOWN, SLOT_UP, SLOT_DYING };

struct slot {
	const struct conf_pool *pool;
	int index;
	enum slot_state state;
	pid_t pid;              /* up, dying */
	struct channel control; /* up; fd −1: it has closed its end, and will be reaped soon */
	bool met_front;         /* has been given a socket to a front */
	int status;             /* dying: how it ended */
	struct backoff backoff;
	int64_t start_ns; /* down: when to start it */
};

struct workers_options {
	struct conf *conf;            /* wiped of passwords in each worker */
	struct conf_sources *sources; /* likewise */
	uint64_t generation;
	const char *instance, *server, *work_dir;
	struct rlimit nofile;
	int lock_fd;
};

struct workers {
	struct workers_options o;
	struct slot *slots;
	size_t count;
};

/* A slot for each worker of the configuration, to be started at once. 0 or -ENOMEM. */
int workers_init(struct workers *w, const struct workers_options *o);
/* No process may be left. */
void workers_clear(struct workers *w);

/* Starts the process of a slot that is down. False, with the next time set: the kernel had no process for us, which has been logged. */
bool workers_start(struct workers *w, struct slot *s, int64_t now_ns);
/* The slot whose process this is, up; NULL. */
struct slot *workers_find(struct workers *w, pid_t pid);
/* It has been reaped: up → dying. */
void workers_reaped(struct slot *s, int status);
/* Nothing of it is left: dying → down, to be started again after a pause if it died young. */
void workers_gone(struct slot *s, int64_t now_ns);
size_t workers_count(const struct workers *w, enum slot_state state);

#endif
