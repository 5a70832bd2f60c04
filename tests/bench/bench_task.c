/*
 * What tasks cost: a switch beside the machine's own swapcontext(3), a life, giving way, and the memory of one that waits. Prints the best of
 * several rounds, because whatever else runs on the machine can only add.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/task/switch.h"
#include "daemon/task/task.h"

enum { ROUNDS = 7, SWITCHES = 2000000, LIVES = 1000, CROWD = 1000, YIELDS = 500, WAITERS = 100000 };

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void best(double *least, double ns)
{
	if (*least == 0 || ns < *least)
		*least = ns;
}

static void say(const char *what, double figure, const char *unit, const char *budget)
{
	printf("%-58s %9.1f %s%s\n", what, figure, unit, budget);
}

/* ---- a switch alone ---- */

static _Alignas(16) char stack[64 << 10];
static struct context here, there;

static void bounce(void *arg)
{
	(void)arg;
	switch_begin(&here);
	for (;;)
		switch_to(&there, &here);
}

static double measure_switch(void)
{
	double least = 0;
	switch_init_self(&here);
	switch_init(&there, stack, sizeof stack, bounce, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < SWITCHES / 2; i++)
			switch_to(&here, &there);
		best(&least, (now_ns() - start) / SWITCHES);
	}
	return least;
}

static ucontext_t u_here, u_there;

static void u_bounce(void)
{
	for (;;)
		swapcontext(&u_there, &u_here);
}

static double measure_swapcontext(void)
{
	double least = 0;
	getcontext(&u_there);
	u_there.uc_stack.ss_sp = stack;
	u_there.uc_stack.ss_size = sizeof stack;
	makecontext(&u_there, u_bounce, 0);
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		for (int i = 0; i < SWITCHES / 20; i++)
			swapcontext(&u_here, &u_there);
		best(&least, (now_ns() - start) / (SWITCHES / 10));
	}
	return least;
}

static double measure_clock(void)
{
	double start = now_ns();
	for (int i = 0; i < SWITCHES / 10; i++)
		clock_mono_ns();
	return (now_ns() - start) / (SWITCHES / 10);
}

/* ---- tasks on the loop ---- */

static struct loop *loop;

static void must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "bench-task: %s: %d\n", what, r);
		exit(1);
	}
}

static void spawn(int (*fn)(void *arg), void *arg)
{
	must(task_spawn(&(struct task_spec){.name = "bench", .fn = fn, .arg = arg}, NULL), "spawn");
}

static int stop_when_alone(void *arg)
{
	(void)arg;
	struct task_stats stats;
	for (;;) {
		task_stats_get(&stats);
		if (stats.alive == 1)
			break;
		await_yield();
	}
	loop_stop(loop);
	return 0;
}

static void run_all(void)
{
	spawn(stop_when_alone, NULL);
	must(loop_run(loop), "loop_run");
}

static int do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int spawn_many(void *arg)
{
	int turns = *(int *)arg;
	while (turns--) {
		for (int i = 0; i < LIVES; i++)
			spawn(do_nothing, NULL);
		await_yield();
	}
	return 0;
}

static double measure_life(void)
{
	double least = 0;
	int turns = 200;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();
		spawn(spawn_many, &turns);
		run_all();
		best(&least, (now_ns() - start) / ((double)turns * LIVES));
	}
	return least;
}

static int yield_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < YIELDS; i++)
		await_yield();
	return 0;
}

static double measure_yield(void)
{
	double least = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD; i++)
			spawn(yield_often, NULL);
		double start = now_ns();
		run_all();
		best(&least, (now_ns() - start) / ((double)CROWD * YIELDS));
	}
	return least;
}

struct exchange {
	struct future future;
	int count;
};

static int ask(void *arg)
{
	struct exchange *e = arg;
	while (e->count--) {
		future_init(&e->future, "answer");
		await_future(&e->future, CLOCK_NEVER);
	}
	return 0;
}

static int answer(void *arg)
{
	struct exchange *crowd = arg;
	for (bool more = true; more; await_yield()) {
		more = false;
		for (int i = 0; i < CROWD; i++) {
			if (crowd[i].count >= 0 && !future_is_final(&crowd[i].future))
				future_set_result(&crowd[i].future, NULL);
			more |= crowd[i].count >= 0;
		}
	}
	return 0;
}

static double measure_future(void)
{
	static struct exchange crowd[CROWD];
	double least = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD; i++) {
			crowd[i].count = YIELDS;
			spawn(ask, &crowd[i]);
		}
		spawn(answer, crowd);
		double start = now_ns();
		run_all();
		best(&least, (now_ns() - start) / ((double)CROWD * YIELDS));
	}
	return least;
}

/* Resident and page-table bytes of this process. */
static double memory_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib, sum = 0;
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1 || sscanf(line, "VmPTE: %ld", &kib) == 1)
			sum += kib;
	if (f)
		fclose(f);
	return sum * 1024.0;
}

static int wait_in_scope(void *arg)
{
	(void)arg;
	return await_sleep_ms(3600 * 1000);
}

static int measure_memory(void *arg)
{
	double *bytes = arg;
	struct scope *scope;
	must(scope_new(&scope, "crowd"), "scope");
	double before = memory_bytes();
	for (int i = 0; i < WAITERS; i++) {
		struct task_spec spec = {.name = "waiter", .fn = wait_in_scope, .scope = scope};
		must(task_spawn(&spec, NULL), "spawn");
	}
	await_yield();
	*bytes = (memory_bytes() - before) / WAITERS;
	await_scope_close(scope);
	loop_stop(loop);
	return 0;
}

int main(void)
{
	must(loop_new(&loop), "loop");
	must(task_runtime_init(loop), "runtime");
	say("switch", measure_switch(), "ns", "   (budget 5)");
	say("  swapcontext(3)", measure_swapcontext(), "ns", "");
	say("  one reading of the clock", measure_clock(), "ns", "");
	say("create, run and end on a reused stack", measure_life(), "ns", "   (budget 100)");
	say("give way, among 1,000 ready tasks", measure_yield(), "ns", "   (budget 50)");
	say("wait for a future and be told, among 1,000 tasks", measure_future(), "ns", "");
	double bytes;
	spawn(measure_memory, &bytes);
	must(loop_run(loop), "loop_run");
	say("memory of a sleeping task, 100,000 of them", bytes, "bytes", " (budget 5120)");
	run_all();
	task_runtime_clear();
	loop_free(loop);
	return 0;
}
