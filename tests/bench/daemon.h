/*
 * A private bakeryd for a benchmark: its state on the disk of the build directory, its socket in a short path.
 */
#ifndef BAKERY_TESTS_BENCH_DAEMON_H
#define BAKERY_TESTS_BENCH_DAEMON_H

#include <limits.h>
#include <sys/types.h>

struct bench_daemon {
	char dir[PATH_MAX]; /* state, log and configuration */
	char socket_dir[64], socket[96];
	pid_t pid; /* 0: not running */
};

/* Makes the directories and the configuration: where it listens and keeps its state, and what `yaml` says. 0 or −1. */
int bench_daemon_make(struct bench_daemon *d, const char *yaml);
/* Starts it and waits for its readiness: seconds that this took, or −1 (what is wrong has been said on standard error). */
double bench_daemon_start(struct bench_daemon *d);
/* SIGTERM, and its end. 0, or −1 when it did not end well. */
int bench_daemon_stop(struct bench_daemon *d);
/* Ends it if it runs, and removes its directories. */
void bench_daemon_remove(struct bench_daemon *d);

/* Memory of the daemon's process that serves clients: resident KiB (VmRSS), or −1. */
long bench_daemon_front_kib(const struct bench_daemon *d);

#endif
