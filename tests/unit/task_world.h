/*
 * A loop with its runtime for tests of tasks: they spawn what they need and let it run until nothing is left.
 */
#ifndef BAKERY_TESTS_UNIT_TASK_WORLD_H
#define BAKERY_TESTS_UNIT_TASK_WORLD_H

#include "daemon/task/task.h"

extern struct loop *world_loop;

/* Fixtures of a test case. clear asserts that nothing is left alive. */
void world_setup(void);
void world_clear(void);

/* Spawns fn(arg) into the root scope. */
struct task *world_spawn(const char *name, int (*fn)(void *arg), void *arg);
/* Runs turns until no task is alive. */
void world_run(void);
/* Runs n turns of the loop. */
void world_turns(unsigned n);

/* A record of what happened, in order: each mark adds its character. */
void world_mark(char c);
const char *world_marks(void);

#endif
