/*
 * The parts of the way of a run (run.h), for the files that make it up. What they do is told to the run: its phase, and how a try ended (outcome).
 */
#ifndef BAKERY_SCHED_WAY_H
#define BAKERY_SCHED_WAY_H

#include "daemon/sched/inner.h"

/* ---- run.c: what the parts share ---- */

void run_step(struct run *run, enum attempt_news news);
/* The step that it is in. The recipe must be known. */
const struct conf_step *run_conf_step(const struct run *run);
bool run_is_last(const struct run *run);
/* No further step may begin: cancelled, another's, or the daemon drains. */
bool run_is_stopped(const struct run *run);
/* What is left of the attempt's time; CONF_NONE. */
int64_t run_left_ms(const struct run *run);
/* Ends the attempt where no step is under way, with an outcome of our own. message: static, or NULL. */
void run_end(struct run *run, enum order_cause cause, const char *message);
/* Ends it so if something asks for that: a cancel, a drain, time. Whether it has. The task may wait again. */
bool run_ends_between(struct run *run);
/* The last try's outcome is not needed any more: its worker is free for another job. */
void run_release(struct run *run);
/* The store refused: the attempt is not what it has. */
void run_lose_sight(struct run *run);
/* A pause after trouble with the store or memory. False: the daemon is ending, and it makes no sense to try again. */
bool await_run_trouble(struct run *run, const char *what, int err, int tries);

/* The lines of the debug log. */
void run_log_begins(const struct run *run);
void run_log_ends(const struct run *run);
/* Notes what it waits for from now on; "": for nothing. */
void run_waits(struct run *run, const char *what);
/* The same, with a line in the debug log. */
void run_gives_way(struct run *run, const char *what);

void run_reserve(struct run *run, struct sched_pool *p);
/* No worker is kept for it any more. Fine when none was. */
void run_unreserve(struct run *run);
/* The same, and who is next may have it. */
void run_give_back(struct run *run);

/* ---- start.c ---- */

/* A picked one begins: its start is durable (between), or on its way together with its first job (running); or it is over. */
void await_run_begin(struct run *run);
/* Commits the start of a job that runs, and tries again for as long as it does. */
void run_start_on_the_way(struct run *run, int worker);
/* That start is durable when this returns 0. ERR_STATE, ERR_CORRUPT: it will not be; else the daemon is ending. */
int await_run_started(struct run *run);
/* That start's future and timer are not in use any more. */
void await_run_start_final(struct run *run);
/* What is known of it now: 0 when it is durable, or will be before anything that is asked of the store from now on; or its error. */
int run_start_state(const struct run *run);
/* The store did not take the start. */
void run_refused(struct run *run);

/* ---- needs.c ---- */

struct needs {
	struct slice payload;
	char *payload_bytes;      /* when it was read for this */
	struct store_steps steps; /* the results that the step names */
	union {
		struct job_result *of_job;     /* heavy: steps.result_count of them */
		struct recipe_result *of_step; /* light: by number of step */
	} results;
};
/* Reads what the run's step needs. 0; ERR_STATE: the order is gone; ERR_CORRUPT: it cannot be read; ERR_CANCELLED: the run is stopped, or the daemon ends. */
int await_run_needs(struct run *run, struct needs *n);
void needs_clear(struct needs *n);
/* Sets the step where the attempt begins: the first without a result. Errors as above. Reads nothing in an order's first attempt. */
int await_run_first_step(struct run *run);
/* What a run that fails for such an error says. */
const char *needs_message(int err);

/* ---- heavy.c, light.c: one try of a step, from between to between (or to the attempt's end) ---- */

/* Sends the job to the worker that is kept for it. 0, or why nobody has it. */
int run_send(struct run *run, const struct needs *n, int *worker);
/* A job that is at a worker already is waited for. */
void await_run_heavy(struct run *run);
void await_run_light(struct run *run);

/* ---- advance.c: between a try and what follows it ---- */
void await_run_advance(struct run *run);

/* ---- finish.c ---- */
/* Makes the end durable. */
void await_run_keep(struct run *run);

#endif
