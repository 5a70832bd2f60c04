/*
 * An executor runs blocking calls in threads of its own, so that the loop never blocks: name look-up, hashing of passwords. Each kind of work has one of its
 * own (a lane), so that slow calls of one kind do not stand before those of another. Threads are started when there is work, up to a number; the
 * line before them is bounded. asyncio's run_in_executor.
 *
 * All functions belong to the loop's thread; only fn runs in another, with all signals blocked.
 */
#ifndef BAKERY_TASK_EXECUTOR_H
#define BAKERY_TASK_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/loop.h"
#include "daemon/task/future.h"

struct executor;

/* name: of the threads (at most 15 characters are shown). 0 or -ENOMEM. */
int executor_new(const char *name, int threads_most, size_t line_most, struct executor **out);
/* What has not begun is cancelled (its future is, at once; nothing of the executor's is touched later); waits for what has. NULL is fine. */
void executor_free(struct executor *e);

/* A call. Storage is the caller's until done is final. */
struct executor_call {
	STAILQ_ENTRY(executor_call) entry;
	struct loop_post post;
	struct executor *executor;
	int (*fn)(void *arg);
	void *arg;
	int result;
	enum { EXECUTOR_IDLE, EXECUTOR_IN_LINE, EXECUTOR_BEGUN } where;
	struct future done; /* a result (then result is what fn returned), or cancelled */
};

/* 0; -EAGAIN: the line is full; or a negative errno value: no thread could be started and none is there. Does not suspend. */
int executor_start(struct executor *e, struct executor_call *c, int (*fn)(void *arg), void *arg);
/* True: it had not begun, fn will not run, done is cancelled. False: it has begun, and done will be final when fn returns. */
bool executor_cancel(struct executor_call *c);

/*
 * Runs fn(arg) and returns what it returned; or -EAGAIN and the like as above. Suspends. When cancel or the deadline ends the wait first, ERR_CANCELLED or ERR_TIMEOUT: then arg is the executor's, until it
 * calls discard(arg) on the loop's thread, soon if fn has not begun, else after fn has returned; in any other case arg is the caller's again, and discard is not called.
 */
int await_executor(
    struct executor *e, int (*fn)(void *arg), void *arg, void (*discard)(void *arg), int64_t deadline_ns);

struct executor_stats {
	int threads, busy;
	size_t line;
	uint64_t calls;
};
void executor_stats_get(struct executor *e, struct executor_stats *out);

#endif
