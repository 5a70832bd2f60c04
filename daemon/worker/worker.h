/*
 * A worker process: forked by the supervisor, one thread, one poll(2) loop that always answers. Takes a job from the front, expands and starts its
 * command, keeps its clock (TERM, kill_after, KILL to its process group), captures its output up to the limit, reports, and keeps each result until the
 * front acknowledges it. Ends when its control socket does, after it has killed what it runs. IPC.md is the protocol.
 */
#ifndef BAKERY_WORKER_WORKER_H
#define BAKERY_WORKER_WORKER_H

#include <stdint.h>
#include <sys/resource.h>

#include "conf/conf.h"

struct worker_options {
	const struct conf *conf; /* as inherited; users and secrets have been wiped */
	uint64_t generation;
	const struct conf_pool *pool;
	int index;      /* {worker}: 0 … workers − 1 */
	int control_fd; /* to the supervisor; above 2 */
	int lock_fd; /* of the state directory, held until it ends: nobody takes the directory over while its jobs live. −1: none */
	const char *instance; /* BAKERY_INSTANCE of its jobs */
	const char *server;   /* BAKERY_SERVER of its jobs: where the daemon listens */
	const char *work_dir; /* in which its jobs' private directory is made */
	struct rlimit nofile; /* RLIMIT_NOFILE of its jobs */
};

/* Exit statuses (sysexits.h): it was told to end; it could not be set up; somebody violated the protocol. */
enum { WORKER_EXIT_OK = 0, WORKER_EXIT_SETUP = 71, WORKER_EXIT_PROTOCOL = 76 };

/* Runs until the control socket closes. Every descriptor above 2 but control_fd and lock_fd is closed. Returns the exit status for _exit(). */
int worker_main(const struct worker_options *o);

#endif
