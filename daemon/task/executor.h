/*
 * An executor runs blocking calls in threads of its own, so that the loop never blocks: name look-up, hashing of passwords. Each kind of
 * work has one of its own (a lane), so that slow calls of one kind do not stand before those of another. Threads are started when there is
 * work, up to a number, and stay; the line before them is bounded. asyncio's run_in_executor.
 *
 * All functions belong to the loop's thread; only fn runs in another, with all signals blocked and a stack of 256 KiB.
 */
#ifndef BAKERY_TASK_EXECUTOR_H
#define BAKERY_TASK_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/task/future.h"

struct executor;

/* On the loop of the runtime. name: of the threads (15 characters at most are shown). At most threads_most calls run at once, and line_most
 * more wait. 0 or a negative errno value. */
int executor_new(const char *name, int threads_most, size_t line_most, struct executor **out);
/* What has not begun is cancelled at once; waits for what has. Then all futures are final, and nothing of the executor's is touched later, also
 * when the loop runs no more. NULL is fine. */
void executor_free(struct executor *e);

/* A call. Storage is the caller's until done is final; the fields are the executor's, only result and done are for the caller. */
struct executor_call {
	STAILQ_ENTRY(executor_call) entry;
	struct executor *executor;
	int (*fn)(void *arg);
	void *arg;
	enum { EXECUTOR_IN_LINE, EXECUTOR_BEGUN } where;
	void (*given_up)(struct executor_call *c); /* await_executor's: nobody waits for it any more */
	int result;                                /* what fn returned */
	struct future done;                        /* a result when fn has returned, or cancelled */
};

/* 0; -EAGAIN: the line is full; or a negative errno value: no thread could be started and none is there. Does not suspend. */
int executor_start(struct executor *e, struct executor_call *c, int (*fn)(void *arg), void *arg);
/* True: it had not begun, fn will not run, done is cancelled. False: it has begun, and done will be final when fn has returned, or is. */
bool executor_cancel(struct executor_call *c);

/*
 * Runs fn(arg) and returns what it returned, which is neither ERR_CANCELLED nor ERR_TIMEOUT; or -EAGAIN and the like as above, or -ENOMEM.
 * Suspends. When cancel, the deadline or executor_free() ends the wait first, ERR_CANCELLED or ERR_TIMEOUT: then arg is the executor's, which
 * calls discard(arg) on the loop's thread: at once if fn has not begun, else when it has returned. In any other case arg is the caller's
 * again, and discard is not called. For a task that has been cancelled, or after the deadline, fn does not begin. discard must not wait.
 */
int await_executor(
    struct executor *e, int (*fn)(void *arg), void *arg, void (*discard)(void *arg), int64_t deadline_ns);

struct executor_stats {
	int threads, busy;
	size_t line;    /* calls that have not begun */
	uint64_t calls; /* that have begun, ever */
};
void executor_stats_get(struct executor *e, struct executor_stats *out);

#endif
