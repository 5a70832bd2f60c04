/*
 * Waiting for several futures: for any, for all, as they complete. asyncio's wait, gather and as_completed. The futures stay the caller's; nothing here
 * cancels them. A task's end is a future too: task_ended().
 */
#ifndef BAKERY_TASK_GATHER_H
#define BAKERY_TASK_GATHER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/task/future.h"

/*
 * Suspends until one of them is final. 0 with *which: the first that became final; the first in the order given, if several were already. What it came to: future_get().
 * ERR_CANCELLED, ERR_TIMEOUT. count is 1 or more.
 */
int await_any(struct future *const *futures, size_t count, size_t *which, int64_t deadline_ns);

enum gather_until {
	GATHER_ALL,         /* until every one is final, however it ended */
	GATHER_FIRST_ERROR, /* the same, but the first error or cancel ends it */
};
/*
 * Suspends until they are final. 0: every one has a result (future_get, in the order given). Else the error of the first that failed: in time with
 * GATHER_FIRST_ERROR, in the order given with GATHER_ALL; or ERR_CANCELLED, ERR_TIMEOUT of the wait itself. count may be 0.
 */
int await_all(struct future *const *futures, size_t count, enum gather_until until, int64_t deadline_ns);

/*
 * One after the other, in the order in which they became final:
 *
 *     completions_init(&c, futures, marks, count);
 *     while (await_next(&c, &which, CLOCK_NEVER) == 0)
 *             … futures[which] …
 *     completions_clear(&c);
 */
struct completion_mark {
	struct future_callback callback;
	struct completions *of;
	STAILQ_ENTRY(completion_mark) entry;
};
struct completions {
	struct future *const *futures;
	struct completion_mark *marks; /* the caller's: as many as futures */
	size_t count, told;
	STAILQ_HEAD(, completion_mark) final;
	struct future_waits waits;
};
void completions_init(
    struct completions *c, struct future *const *futures, struct completion_mark *marks, size_t count);
/* 0 with *which; ERR_NOTFOUND: all have been told; ERR_CANCELLED, ERR_TIMEOUT (and may be called again). */
int await_next(struct completions *c, size_t *which, int64_t deadline_ns);
/* Before storage is given up; at any time. */
void completions_clear(struct completions *c);

#endif
