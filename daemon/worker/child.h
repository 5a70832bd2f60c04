/*
 * Starts a command as a process of its own: own session and process group, default signal handlers, no new privileges, another user if asked, closed
 * descriptors. posix_spawn(3) has no words for half of that. The child borrows this process' memory until it runs the command (clone(2) with CLONE_VM |
 * CLONE_VFORK), so that a start costs as little as posix_spawn's, and what went wrong on the way comes back as an errno value:
 * "could not start" is not "started and failed". Knows nothing of jobs.
 */
#ifndef BAKERY_WORKER_CHILD_H
#define BAKERY_WORKER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Whom a command runs as. */
struct child_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int group_count;
};

struct child_spec {
	char *const *argv; /* argv[0] without a slash is looked for in path */
	char *const *envp;
	const char *path; /* folders with ':' between; an empty one is skipped */
	const char *dir;  /* where it runs */
	int in, out, err; /* become its descriptors 0, 1, 2: each above 2; no other descriptor is left open */
	const struct child_user *user; /* NULL: this process' own */
	struct rlimit nofile;          /* RLIMIT_NOFILE: the one that the daemon was started with */
};

/* 0 with *pid, which is its process group and session too; or a negative errno value with why filled in: one line that says what could not be done to
 * what. Nothing is left to be waited for then. */
int child_start(const struct child_spec *spec, pid_t *pid, char why[static 256]);

#endif
