/*
 * A future: a result that is not there yet. Pending, then exactly once a result, an error, or cancelled
 * (asyncio's Future). Tasks wait on it with await_future(); code without a stack of its own registers a done
 * callback.
 *
 * Storage is the caller's (a field of the request that it answers), from future_init() until it is final, all
 * waiters have returned and all callbacks have run. Belongs to the loop's thread: other threads hand results
 * over with loop_post().
 */
#ifndef BAKERY_TASK_FUTURE_H
#define BAKERY_TASK_FUTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/task/ready.h"

enum future_state { FUTURE_PENDING, FUTURE_RESULT, FUTURE_ERROR, FUTURE_CANCELLED };

/*
 * A place in a line of those who wait for something; whoever waits owns it (mostly it lies on the waiting
 * task's stack). Only this room looks inside.
 */
struct future_wait {
	TAILQ_ENTRY(future_wait) entry;
	struct future_waits *line; /* whose it is; NULL once w has been told */
	struct task *task;         /* it is woken; or, when NULL: */
	void (*told)(
	    struct future_wait *w); /* called at once, when w has been taken out; must not set futures */
};
TAILQ_HEAD(future_waits, future_wait);

/* A done callback: storage is the registrant's until it has run or was removed. */
struct future_callback {
	struct ready ready;
	STAILQ_ENTRY(future_callback) entry;
	struct future *future;
	void (*fn)(struct future_callback *cb);
	enum { CALLBACK_IDLE, CALLBACK_WAITING, CALLBACK_READY } where;
};

struct future {
	enum future_state state;
	int error; /* negative, when state is FUTURE_ERROR */
	void *
	    value; /* when state is FUTURE_RESULT; ownership is whatever the setter and the reader agree on */
	const char *name; /* what it stands for, shown for tasks that wait on it; static text */
	struct task *of;  /* whose end it is (task_ended); else NULL */
	struct future_waits waits;
	STAILQ_HEAD(, future_callback) callbacks;
};

void future_init(struct future *f, const char *name);

/* Setters. 0; or ERR_STATE, and nothing changes, when it is final already. Waiters become ready and callbacks
 * are queued for a later turn, in the order of registration; nothing of them runs inside the setter. */
int future_set_result(struct future *f, void *value);
int future_set_error(struct future *f, int error);
int future_cancel(struct future *f);

static inline bool future_is_final(const struct future *f)
{
	return f->state != FUTURE_PENDING;
}

/* 0 with *value (may be NULL) set; the error; ERR_CANCELLED; or ERR_PENDING. Does not suspend. */
int future_get(const struct future *f, void **value);

/* Runs fn in a later turn of the loop, on the loop's big stack, after f is final (also when it is final
 * already). */
void future_add_callback(
    struct future *f, struct future_callback *cb, void (*fn)(struct future_callback *cb));
/* fn will not run any more. Fine when it ran or was never added (cb zeroed). */
void future_remove_callback(struct future_callback *cb);

#endif
