/*
 * Children of this process that it did not start: what a job left behind, handed to the nearest ancestor that is a subreaper (prctl(2),
 * PR_SET_CHILD_SUBREAPER). They can be killed safely by their number: it stays theirs until we reap them.
 */
#ifndef BAKERY_WORKER_ORPHANS_H
#define BAKERY_WORKER_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Sends SIGKILL to every child of this process for which spare() says false. Returns how many were found (zombies too), or a
 * negative errno value when /proc cannot be read. */
int orphans_kill(bool (*spare)(void *arg, pid_t pid), void *arg);

#endif
