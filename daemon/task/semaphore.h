/*
 * A semaphore: a number of permits, and a line of tasks that wait for one: higher priority first, then first
 * come, first served. A permit that is given back goes to the first in the line at once, so nobody overtakes
 * (Dijkstra; asyncio.Semaphore).
 */
#ifndef BAKERY_TASK_SEMAPHORE_H
#define BAKERY_TASK_SEMAPHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/task/future.h"

struct semaphore {
	int64_t permits; /* free ones; below 0 after semaphore_resize() to fewer than are taken */
	struct future_waits waits;
};

void semaphore_init(struct semaphore *s, int64_t permits);
/* 0: a permit is the caller's. ERR_CANCELLED, ERR_TIMEOUT: none is (and none is lost). Suspends while there
 * is none. */
int await_semaphore(struct semaphore *s, int priority, int64_t deadline_ns);
/* True: a permit is the caller's; never when somebody waits for one. */
bool semaphore_try(struct semaphore *s);
void semaphore_give(struct semaphore *s);
/* So many permits more (or fewer, when negative: those that are out come back as usual). */
void semaphore_resize(struct semaphore *s, int64_t more);

#endif
