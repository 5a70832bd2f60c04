/*
 * A real worker process with a test at the other ends of its sockets, which is its supervisor and its front. It is of the pool "ovens".
 */
#ifndef BAKERY_TESTS_UNIT_WORKER_WORLD_H
#define BAKERY_TESTS_UNIT_WORKER_WORLD_H

#include <sys/types.h>

#include "daemon/base/clock.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/pool.h"
#include "daemon/worker/worker.h"

enum { RESULT_MAX = 100000, KILL_AFTER_MS = 5000, GENERATION = 7, WHY_CANCEL = 0, WHY_DRAIN = 1 };

#define TEXT(s) ((char *)(s))

/*
 * The recipes: "sh", a shell whose script is the payload, with "from stdin" as its input; "cat"; "missing", a program that is not there; "elsewhere", of
 * another pool; "quiet", two shells of whose results nobody makes use; and "cake" with the steps
 *     0 gather  a shell, as "sh"
 *     1 wait    is light
 *     2 mix     prints {step.gather} as an argument, BAKERY_STEP, and its standard input, which is {step.wait}{step.gather}
 *     3 knead   prints its standard input, which is {step.gather}
 *     4 sell    is done in another pool
 *     5 bake    a shell, as "sh", which may name mix and knead
 */
extern char **run_of_cat; /* the command of "cat" */
extern struct channel control, front;
extern pid_t worker;

/* Starts it and hears its hello, and its claim that it has nothing. */
void start_worker(void);
/* Takes its supervisor away; it must end well. */
void stop_worker(void);
/* Waits until it has ended because of a violation. */
void expect_protocol_exit(void);
/* Gives the worker a new socket to a front: us. */
void give_front(void);

/* ---- messages ---- */

struct message receive(struct channel *c);
void flush(struct channel *c);

/* The first job of an order. */
static inline struct job_name job_of(int64_t order)
{
	return (struct job_name){order, 1, 0, 0};
}

/* As the front sends it. */
void send_job_as_it_is(const struct job *job);
/* The first job of an order of this recipe. */
void send_job(const char *recipe, int64_t order, int64_t timeout_ms, const char *payload, size_t len);
void send_script(int64_t order, const char *script);
void send_stop(struct job_name name, int why);
void send_ack(struct job_name name);

/* running NULL: nothing runs; held: how many outcomes follow. */
void expect_claim(const struct job_name *running, int held);

/* The outcome of the last JOB_ENDED, with a NUL behind its result and message. */
extern struct order_outcome outcome;
extern char result[RESULT_MAX + 1], message[ORDER_MESSAGE_MAX + 1];
void expect_ended(struct job_name name);
void expect_exit(int exit);

/* A job, from JOB to JOB_ACK, of an order of its own. */
void run_job(const char *recipe, const char *payload, size_t len);
void run_script(const char *script);

/* ---- time, files and processes ---- */

void advance_ms(int64_t ms);
/* Waits until a job has made this file in the test's directory: what it wrote there. */
const char *wait_mark(const char *name);
/* before, then its process number in the file "mark", then after. Until the next call. */
char *script_with_mark(const char *before, const char *after);
/* Dead and reaped, or never there. */
bool is_gone(pid_t pid);

#endif
