/*
 * Failpoints: named places where a test makes something go wrong, in the binary that ships. Without BAKERY_FAIL in the environment one
 * costs a load and a branch.
 *
 *     BAKERY_FAIL=store.before_commit:3:kill,worker.spawn:1:EAGAIN
 *
 * NAME:N:ACTION: at the N-th passing of NAME in a process (0: at every one), do ACTION: kill (SIGKILL to this process), abort,
 * stop (SIGSTOP), exit, or the name of an errno value that the place then fails with. An unknown action is refused at start.
 */
#ifndef BAKERY_BASE_FAILPOINT_H
#define BAKERY_BASE_FAILPOINT_H

/* Reads BAKERY_FAIL. 0, or -EINVAL with *why (a static text) set. */
int failpoint_init(const char **why);

extern int failpoint_armed;
int failpoint_pass(const char *name);

/* 0, or the negative errno value that this place is to fail with. Thread-safe. */
static inline int failpoint(const char *name)
{
	return __builtin_expect(failpoint_armed, 0) ? failpoint_pass(name) : 0;
}

#endif
