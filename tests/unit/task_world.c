#include "tests/unit/task_world.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "tests/unit/unit.h"

struct loop *world_loop;
static char marks[256];

void world_setup(void)
{
	marks[0] = '\0';
	ck_assert_int_eq(loop_new(&world_loop), 0);
	ck_assert_int_eq(task_runtime_init(world_loop), 0);
}

void world_clear(void)
{
	struct task_stats stats;
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.alive, 0);
	ck_assert_uint_eq(stats.spawned, stats.ended);
	task_runtime_clear();
	loop_free(world_loop);
	if (clock_is_test())
		clock_test_hold(false);
}

struct task *world_spawn(const char *name, int (*fn)(void *arg), void *arg)
{
	struct task *t;
	ck_assert_int_eq(task_spawn(&(struct task_spec){.name = name, .fn = fn, .arg = arg}, &t), 0);
	return t;
}

/* Stops the loop: a future's callback belongs to the ready line, so it sees whole turns. */
static struct ready stopper;
static unsigned turns_left;
static bool until_empty;

static void count_turn(struct ready *r)
{
	struct task_stats stats;
	task_stats_get(&stats);
	if (until_empty ? stats.alive == 0 : --turns_left == 0)
		loop_stop(world_loop);
	else
		ready_add(r, count_turn);
}

static void run(void)
{
	ready_add(&stopper, count_turn);
	/* No assertion: those allocate, and memory may be refused now. */
	if (loop_run(world_loop) < 0)
		abort();
}

void world_run(void)
{
	until_empty = true;
	run();
}

void world_turns(unsigned n)
{
	until_empty = false;
	turns_left = n;
	run();
}

void world_mark(char c)
{
	size_t n = strlen(marks);
	ck_assert_uint_lt(n, sizeof marks - 1);
	marks[n] = c;
	marks[n + 1] = '\0';
}

const char *world_marks(void)
{
	return marks;
}
