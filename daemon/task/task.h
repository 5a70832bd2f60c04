/*
 * Tasks: stackful coroutines on one event loop. A task is created ready, runs in a later turn on its own
 * stack, and gives way only inside a function whose name begins with await_. One task runs at a time; all of
 * this room belongs to the loop's thread.
 *
 * Vocabulary and semantics are asyncio's (docs.python.org/3/library/asyncio-task.html); scopes and "cancel is
 * an error from the next wait; clean-up cannot wait" are libdill's.
 *
 *   created ──▶ ready ──▶ running ──▶ waiting ──▶ ready …          running ──▶ ended (result: the int that fn returned)
 *
 * Cancel: arrives as ERR_CANCELLED from the wait where the task is, or from its next (first) wait; fn runs in
 * any case. A wait that was over when the cancel came (the future set, the signal sent) returns what it got,
 * and the next one tells. From then on every further await_ returns ERR_CANCELLED at once, but for the
 * shielded ones. Deferred clean-ups run last in, first out, when fn has returned; they must not wait.
 *
 * Stacks are small (16 KiB unless asked otherwise). Calls into libraries that need more (JSON, formatting of
 * floats, name look-up) go through task_call_big().
 */
#ifndef BAKERY_TASK_TASK_H
#define BAKERY_TASK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/loop.h"
#include "daemon/task/future.h"

struct task;
struct scope;

/* ---- the runtime ---- */

/* Sets the runtime up on this loop (one runtime a process) and becomes its turn hook. Called on the thread
 * that is to run the loop, which gets a signal stack for SIGSEGV. 0 or a negative errno value. */
int task_runtime_init(struct loop *loop);
/* Every task must have ended. Gives back stacks. */
void task_runtime_clear(void);
/* The loop it runs on. */
struct loop *task_loop(void);

struct task_stats {
	uint64_t spawned, ended, switches;
	uint32_t alive, ready, stacks_used, stacks_cached;
	int64_t longest_hold_ns; /* the longest that one task held the loop */
	const char *longest_hold_name;
	uint64_t slow; /* holds beyond the threshold */
};
void task_stats_get(struct task_stats *out);
/* A task that holds the loop longer than this is logged with its name and counted; 0: never. */
void task_set_slow_ns(int64_t ns);

/* ---- a task ---- */

enum task_stack { TASK_STACK_SMALL, TASK_STACK_MEDIUM, TASK_STACK_LARGE }; /* 16, 64, 256 KiB */

struct task_spec {
	const char *name; /* static text, or kept by the caller until the end */
	int64_t id;       /* order or connection that it is about; 0: none. Shown beside the name */
	enum task_stack stack;
	int (*fn)(void *arg);
	void *arg;
	struct scope *scope; /* who owns it; NULL: the root scope of the runtime */
};

/* Creates a task, ready to run in a later turn; in a scope that is closing it is born cancelled. *out (may be
 * NULL) borrows it until the end of the turn after the one in which it ended: keep it only where you are told
 * of the end (join it while it lives, or hold its scope); a wait for several (gather.h) that began while it
 * lived keeps it until one full turn after that wait. 0, or -ENOMEM and nothing happened. */
int task_spawn(const struct task_spec *spec, struct task **out);

/* The running task; NULL on the loop's own stack. */
struct task *task_current(void);
const char *task_name(const struct task *t);
int64_t task_id(const struct task *t);

/* 0: cancel requested (again is fine). ERR_STATE: it had ended. */
int task_cancel(struct task *t);
/* True when the running task has been cancelled, also before its next wait. */
bool task_cancelled(void);
/* For who answers a cancel by something that must wait (it records how the work ended): the running task has
 * taken note, and may wait again. Whether there was one (asyncio's uncancel). A scope that is closing cancels
 * once; who takes that back keeps it waiting. */
bool task_uncancel(void);

/* Runs fn(arg) when the running task ends, whatever ends it; last in, first out. The clean-up must not wait.
 * 0 or -ENOMEM (then fn has not been called). */
int task_defer(void (*fn)(void *arg), void *arg);

/* Runs fn(arg) on the loop's big stack (megabytes) and returns its result; on the loop's stack already: just
 * calls it. fn must not wait. Does not suspend. */
int task_call_big(int (*fn)(void *arg), void *arg);

/* ---- waiting ----
 * All these suspend, and end early with ERR_CANCELLED or, past the absolute deadline (clock_mono_ns;
 * CLOCK_NEVER), ERR_TIMEOUT. They need no memory: the timer of a task has its room from the task's beginning.
 */

/* To the back of the ready line. */
int await_yield(void);
int await_sleep_until(int64_t deadline_ns);
int await_sleep_ms(int64_t ms);

/* 0 when f has a result (read it with future_get), its error, or ERR_CANCELLED when f or this task was
 * cancelled. A cancel leaves f alone. */
int await_future(struct future *f, int64_t deadline_ns);
/* The same, but neither cancel nor time ends it: for answers that must be known and come soon (a commit). */
int await_future_shielded(struct future *f);

/* Final, with a result (NULL), when t has ended: to wait for several tasks (gather.h). It is t's own, as long
 * as t. What t returned: await_task(). */
struct future *task_ended(struct task *t);

/* The end of another task: its result; ERR_CANCELLED may be either's (task_cancelled() tells). A cancel of
 * the one that waits leaves t alone. */
int await_task(struct task *t, int64_t deadline_ns);

/* ---- a descriptor that tasks wait on: edge-triggered, registered once ---- */
struct task_fd {
	struct loop_fd watch;
	int ready;                    /* LOOP_READ | LOOP_WRITE: became ready since a call said EAGAIN */
	struct task *reader, *writer; /* at most one of each */
};
int task_fd_init(struct task_fd *w, int fd);
/* Nobody may wait on it. Call before close(2). */
void task_fd_clear(struct task_fd *w);
/* Waits until fd is readable (LOOP_READ) or writable (LOOP_WRITE), one of them. Call after read or write said
 * EAGAIN, and try again when it returns 0: what it tells of may have been read already. */
int await_fd(struct task_fd *w, int what, int64_t deadline_ns);

/* ---- a condition: somebody says that something changed; no memory of it is kept ---- */
struct condition {
	struct future_waits waits;
};
void condition_init(struct condition *c);
void condition_signal(struct condition *c); /* the first waiter */
void condition_broadcast(struct condition *c);
int await_condition(struct condition *c, int64_t deadline_ns);

/* ---- a scope owns tasks: closing it cancels them and waits; no task outlives its scope ---- */
int scope_new(struct scope **out, const char *name);
size_t scope_count(const struct scope *s);
/* Cancels every task of it; does not suspend. */
void scope_cancel(struct scope *s);
/* Cancels, waits until every task of it has ended (shielded), frees it. */
void await_scope_close(struct scope *s);

/* For `bakery tasks`: calls fn for every task alive, oldest first. */
struct task_view {
	const char *name;
	int64_t id;
	const char *state;            /* "ready", "running", "waiting" */
	const char *on;               /* what it waits for; NULL unless waiting */
	int64_t created_ns, since_ns; /* clock_mono_ns: its birth, its state's beginning */
	uint32_t stack_bytes;         /* the size of its stack */
	uint32_t
	    used_bytes; /* the most of it that was ever used; 0: not measured (see task_measure_stacks) */
};
void task_each(void (*fn)(void *arg, const struct task_view *v), void *arg);

/* ---- for tests and debug builds ---- */

/* From now on stacks are filled with a pattern when they are taken, so that the most that was used can be
 * told. On by BAKERY_STACKS=1 in the environment, and in debug builds (--enable-debug). */
void task_measure_stacks(bool on);
/* The highest marks so far, of tasks that are alive or have ended, by name: calls fn once for each name. */
void task_each_mark(
    void (*fn)(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes), void *arg);

/* The n-th wait from now on (from 1; of any task; shielded ones do not count) finds its task cancelled. 0:
 * none. For a test that goes through all of them. */
void task_cancel_at_wait(uint64_t n);
/* How many such waits there have been since. */
uint64_t task_count_waits(void);

#endif
