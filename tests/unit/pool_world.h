/*
 * The front of a test of pools: one pool "ovens" with places for two workers, and what it has been told; and a worker that the test plays.
 */
#ifndef BAKERY_TESTS_UNIT_POOL_WORLD_H
#define BAKERY_TESTS_UNIT_POOL_WORLD_H

#include "daemon/loop/loop.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/pool.h"

/* The recipes: "sh", a shell whose script is the payload; and "cake" with the steps 0 gather, the same, and 1 mix, the same with {step.gather} as its input. */
extern struct conf pool_conf;
extern struct loop *loop;
extern struct pools *pools;
extern struct pool *ovens;

void set_up(void);
void take_down(void);
/* Another front: with pools of its own. The last one's have been freed. */
void start_front(void);
/* Turns the loop until the condition holds. It is asked after each event and each end of a job. */
void run_until(bool (*condition)(void));

/* What it has been told. */
extern int settled, claims, broken;
extern int64_t broken_pid;
extern struct worker *claimed[8];
extern struct worker_claim claim[8];
bool is_settled(void);
bool is_claimed(void);
bool two_claims(void);
bool is_broken(void);
bool one_idle(void);
bool two_idle(void);

enum { RUNS = WORKER_HELD_MAX + 2 };
extern struct job_run runs[RUNS];
/* The first job of order 100 + i, which runs this script, in runs[i]. What job_run_start() says. */
int start_job(int i, const char *script);
int start_job_as_it_is(int i, const struct job *job);
/* The end of runs[i] ends run_until(). For adopted ones; start_job() does it. */
void watch(int i);
bool first_ended(void);
bool second_ended(void);
bool two_ended(void);
void expect_result(int i, const char *text);

/* ---- the worker that the test plays: number 1, process 4711 ---- */

extern struct channel played;
void play(bool fresh);
/* It claims. running NULL (order 0): nothing runs; held: so many outcomes will follow. */
void play_claim_of(const struct job_name *running, int held);
void play_claim(int64_t order, int held);
/* It says that the job (the first one of this order) has ended well. */
void play_ended_of(struct job_name name, const char *result);
void play_ended(int64_t order, const char *result);
/* What it is told next. Turns the loop until it comes. */
struct message hear(void);

/* A turn of the loop and what it brings. */
void turn(void);
/* runs[i] has ended because this worker is lost, and it is gone. Releases it. */
void expect_lost(int i);

#endif
