/*
 * What the files of this room share: the task itself, the one runtime of the process, and the two halves of
 * every wait: the task suspends, and somebody wakes it. Private to the room.
 */
#ifndef BAKERY_TASK_RUNTIME_H
#define BAKERY_TASK_RUNTIME_H

#include <stddef.h>
#include <sys/queue.h>

#include "daemon/task/stack.h"
#include "daemon/task/switch.h"
#include "daemon/task/task.h"

#define task_container(pointer, type, field) ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

/* The states in which task.h draws a task's life. A task that was created is ready. */
enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };

struct task_defer {
	SLIST_ENTRY(task_defer) next;
	void (*fn)(void *arg);
	void *arg;
};

/* Lies at the top of its own stack: one piece of memory for each task. */
struct task {
	struct ready ready;
	struct context context;
	enum task_state state;
	bool is_cancelled;            /* asked to end: every wait but a shielded one says so */
	bool is_shielded;             /* in a wait that neither cancel nor time ends */
	bool is_ending;               /* in its clean-ups, which must not wait */
	bool is_kept;                 /* it has ended and would have been given back, had it no holders */
	bool stays;                   /* its last holder has let go: another turn */
	int wake;                     /* what the wait returns */
	uint32_t holders;             /* who may look at it after its end, for longer than a turn */
	struct future_wait *wait;     /* its place in a line of waiters, when it has one */
	struct loop_timer timer;      /* the deadline of its wait; reserved */
	const char *on;               /* what it waits for; NULL unless waiting */
	int64_t created_ns, since_ns; /* its birth; in this state */

	struct stack *stack;
	const char *name;
	int64_t id;
	int (*fn)(void *arg);
	void *arg;
	int result;
	SLIST_HEAD(, task_defer) defers;
	struct future ended;
	struct scope *scope;
	TAILQ_ENTRY(task) in_scope;
	TAILQ_ENTRY(task) in_all; /* or among the ended */
};
TAILQ_HEAD(task_line, task);

struct runtime {
	struct loop *loop;      /* NULL: not set up */
	struct context context; /* the loop's own stack */
	struct task *current;
	struct scope *root;
	struct task_line all; /* oldest first */
	/* Ended, and not given back yet: whoever was told of the end may look at the task in the turn after. */
	struct task_line ended, ended_before;
	/* A call that the running task has made on the loop's stack. */
	int (*big_fn)(void *arg);
	void *big_arg;
	int big_result;
	int64_t slow_ns;
	/* For tests: the waits so far, and the one that finds its task cancelled. */
	uint64_t waits, cancel_at;
	struct task_stats stats;
	char longest_hold_name[64]; /* a copy: the task may be gone */
};
extern struct runtime runtime;

/* ---- the two halves of a wait (wait.c) ---- */

/* What every wait that a cancel can end begins with, also when it does not suspend: 0, or ERR_CANCELLED when
 * the running task has been cancelled. The functions that suspend do so themselves. */
int wait_begin(void);

/*
 * Suspends the running task until task_wake(). on: what for. 0 or whatever it was woken with; at once
 * ERR_CANCELLED when it had been cancelled, ERR_TIMEOUT when the deadline has passed.
 */
int await_wake(const char *on, int64_t deadline_ns);
/* The same at the end of a line of waiters. */
int await_in_line(struct future_waits *line, const char *on, int64_t deadline_ns);
/* The same with a place of the caller's, which may carry more than a place, before another's (NULL: at the
 * end). */
int await_in_place(struct future_waits *line, struct future_wait *w, struct future_wait *before,
    const char *on, int64_t deadline_ns);
/* The same, ended by nothing else. */
void await_in_line_shielded(struct future_waits *line, const char *on);

/* Ends the wait of a task: the first one to do so decides how; a no-op when it does not wait. Takes it out of
 * its line at once, so that a signal is never spent on a task that something else has woken. */
void task_wake(struct task *t, int how);
/* Takes the first out of the line and wakes or tells it; false when there is none. */
bool task_wake_first(struct future_waits *line, int how);
void task_wake_all(struct future_waits *line, int how);

/* ---- task.c ---- */
void task_run(struct ready *r);
void task_free_ended(void);
/* Between the two, t may be looked at however long ago it ended; and afterwards as long as if it had ended
 * now. NULL is fine. */
void task_hold(struct task *t);
void task_unhold(struct task *t);
/* Puts the running task to sleep as it is and returns when it runs again. */
void task_switch_away(void);

/* ---- ready.c ---- */
/* Runs a round, or a part of it, and tells how long each held the loop. True when the round is over. */
bool ready_run_turn(void (*held)(const struct ready *r, bool is_task, int64_t ns));
uint32_t ready_length(void);
/* What is in the line belongs to the next round. */
void ready_end_round(void);

/* ---- scope.c ---- */
void scope_add_task(struct scope *s, struct task *t);
void scope_remove_task(struct scope *s, struct task *t);
void scope_free_root(struct scope *s);

/* ---- measure.c ---- */
/* Keeps how much of its stack a task has used, under its name. For one whose stack is measured. */
void measure_task(const struct task *t);
void measure_init(void);

/* ---- overflow.c ---- */
int overflow_watch(void);
void overflow_unwatch(void);

#endif
