/*
 * The front as the supervisor sees it: the process, its control socket, and what the supervisor says on it (daemon/worker/IPC.md). What the front
 * says, and what follows from its end, is supervisor.c's business.
 */
#ifndef BAKERY_OPS_FRONT_PROCESS_H
#define BAKERY_OPS_FRONT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/ops/backoff.h"
#include "daemon/ops/listen.h"
#include "daemon/ops/workers.h"
#include "daemon/worker/channel.h"

struct front_process {
	pid_t pid; /* 0: there is none */
	struct channel control;
	bool greeted;   /* it has said hello, and been told what it is to serve */
	bool announced; /* it has been told of every worker that lived before it */
	bool ready;     /* it serves */
	int number;     /* of this one, from 1 */
	struct backoff backoff;
	int64_t start_ns; /* there is none: when to start one */
};

/* What each front is greeted with. Borrowed. */
struct front_greeting {
	uint64_t generation;
	int log_level;
	const char *instance;
	int sources_fd, lock_fd;
	const struct listeners *listeners;
};

/* Starts one by fork and exec of this program. 0; or a negative errno value: there is still none. */
int front_process_start(struct front_process *f);
/* SIGKILL, if there is one. It is reaped later. */
void front_process_kill(struct front_process *f);
/* It has been reaped. */
void front_process_ended(struct front_process *f);

/* Each 0 or a negative errno value; what is said goes out when the control socket takes it. */
int front_process_greet(struct front_process *f, const struct front_greeting *g);
/* A new pair of sockets between this front and this worker, one end for each, none for us. */
int front_process_introduce(struct front_process *f, struct slot *worker);
int front_process_announce(struct front_process *f);
int front_process_say_ended(struct front_process *f, const struct slot *worker);
int front_process_say_drain(struct front_process *f, int64_t grace_ms);

#endif
