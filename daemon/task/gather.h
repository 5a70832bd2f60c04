/*
 * Waiting for several futures: for any, for all, as they complete. asyncio's wait, gather and as_completed.
 * The futures stay the caller's; nothing here cancels them. A task's end is a future too: task_ended(); a
 * wait that began while the task was there keeps it, so that await_task() may be asked for its result for one
 * full turn after the wait, however long ago it ended.
 *
 * No function here needs memory, so none can be refused any: the marks, one for each future, are the
 * caller's. They mean nothing after the call.
 */
#ifndef BAKERY_TASK_GATHER_H
#define BAKERY_TASK_GATHER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/task/future.h"

struct completions;

/* One future's place among several. 64 bytes: many of them belong where there is room, not on a task's stack. */
struct completion_mark {
	struct future_wait wait;
	struct completions *of;
	struct task *held; /* whose end it waits for, if it is one's */
	STAILQ_ENTRY(completion_mark) entry;
};

/*
 * Suspends until one of them is final. 0 with *which: the first that became final; the first in the order
 * given, if several were already. What it came to: future_get(). ERR_CANCELLED, ERR_TIMEOUT. count is 1 or
 * more.
 */
int await_any(struct future *const *futures, struct completion_mark *marks, size_t count, size_t *which,
    int64_t deadline_ns);

enum gather_until {
	GATHER_ALL,         /* until every one is final, however it ended */
	GATHER_FIRST_ERROR, /* the same, but the first error or cancel ends it */
};
/*
 * Suspends until they are final. 0: every one has a result (future_get, in the order given). Else the error
 * of the first that failed: in time with GATHER_FIRST_ERROR, in the order given with GATHER_ALL; or
 * ERR_CANCELLED, ERR_TIMEOUT of the wait itself. count may be 0.
 */
int await_all(struct future *const *futures, struct completion_mark *marks, size_t count,
    enum gather_until until, int64_t deadline_ns);

/*
 * One after the other, in the order in which they became final:
 *
 *     completions_init(&c, futures, marks, count);
 *     while (await_next(&c, &which, CLOCK_NEVER) == 0)
 *             … futures[which] …
 *     completions_clear(&c);
 *
 * A future that is given twice is told twice. Several tasks may take from the same.
 */
struct completions {
	struct completion_mark *marks; /* the caller's: as many as futures */
	size_t count, told;
	STAILQ_HEAD(, completion_mark) final;
	struct future_waits waits;
};
void completions_init(
    struct completions *c, struct future *const *futures, struct completion_mark *marks, size_t count);
/* 0 with *which; ERR_NOTFOUND: all have been told; ERR_CANCELLED, ERR_TIMEOUT (and may be called again:
 * nothing is lost). */
int await_next(struct completions *c, size_t *which, int64_t deadline_ns);
/* Before storage is given up; at any time, when nobody waits for the next. Again: a no-op. */
void completions_clear(struct completions *c);

#endif
