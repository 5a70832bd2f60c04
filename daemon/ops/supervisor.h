/*
 * The supervisor: the process that the service manager knows. One thread, poll(2), no event library, no tasks. Forks the workers, starts the front, replaces
 * what dies, connects each front with each worker, hands the listening sockets to the front, and ends everything in the right order. Speaks only to its
 * children, and checks what they say (daemon/worker/IPC.md).
 *
 * A subreaper (and in a container PID 1): what a dead worker leaves is handed to it, and is ended before the death is reported.
 */
#ifndef BAKERY_OPS_SUPERVISOR_H
#define BAKERY_OPS_SUPERVISOR_H

#include <stdint.h>
#include <sys/resource.h>

#include "conf/conf.h"
#include "daemon/ops/listen.h"
#include "daemon/ops/notify.h"
#include "daemon/ops/statedir.h"

struct supervisor_options {
	struct conf *conf;
	struct conf_sources *sources;
	const struct listeners *listeners;
	const struct statedir *state;
	const char *work_dir; /* in which workers make their jobs' directories */
	const struct notify *notify;
	uint64_t generation;
	struct rlimit nofile; /* as the daemon was started with */
};

/* Exit statuses beside 0 (sysexits.h). */
enum {
	SUPERVISOR_EXIT_FAILED = 1,  /* something was left undone, and the log says what */
	SUPERVISOR_EXIT_LOOP = 70,   /* the front ends again and again */
	SUPERVISOR_EXIT_CONFIG = 78, /* another start would fail in the same way */
};

/* Runs until the daemon has ended. The exit status. */
int supervisor_run(const struct supervisor_options *o);

#endif
