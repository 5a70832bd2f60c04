/*
 * What tasks cost: a switch beside the machine's own swapcontext(3), a life, giving way, and the memory of
 * one that waits. Prints the best of several rounds, because whatever else runs on the machine can only add.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/task/chan.h"
#include "daemon/task/gather.h"
#include "daemon/task/semaphore.h"
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

static double measure_future(int (*asker)(void *arg))
{
	static struct exchange crowd[CROWD];
	double least = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD; i++) {
			crowd[i].count = YIELDS;
			spawn(asker, &crowd[i]);
		}
		spawn(answer, crowd);
		double start = now_ns();
		run_all();
		best(&least, (now_ns() - start) / ((double)CROWD * YIELDS));
	}
	return least;
}

/* ---- permits: each is held for a turn, and goes to the first of those who wait ---- */

static struct semaphore permits;

static int take_and_give(void *arg)
{
	(void)arg;
	for (int i = 0; i < YIELDS; i++) {
		await_semaphore(&permits, 0, CLOCK_NEVER);
		await_yield();
		semaphore_give(&permits);
	}
	return 0;
}

static double measure_semaphore(void)
{
	double least = 0;
	for (int round = 0; round < ROUNDS; round++) {
		semaphore_init(&permits, CROWD / 2);
		for (int i = 0; i < CROWD; i++)
			spawn(take_and_give, NULL);
		double start = now_ns();
		run_all();
		best(&least, (now_ns() - start) / ((double)CROWD * YIELDS));
	}
	return least;
}

/* ---- channels, each with one who sends and one who receives ---- */

enum { SLOTS = 8 };
static struct line {
	struct chan chan;
	void *slots[SLOTS];
} lines[CROWD / 2];

static int send_many(void *arg)
{
	struct line *l = arg;
	for (int i = 0; i < YIELDS; i++)
		await_chan_send(&l->chan, l, CLOCK_NEVER);
	chan_close(&l->chan);
	return 0;
}

static int receive_many(void *arg)
{
	struct line *l = arg;
	void *value;
	while (await_chan_receive(&l->chan, &value, CLOCK_NEVER) == 0)
		;
	return 0;
}

static double measure_chan(size_t slots)
{
	double least = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CROWD / 2; i++) {
			chan_init(&lines[i].chan, lines[i].slots, slots);
			spawn(send_many, &lines[i]);
			spawn(receive_many, &lines[i]);
		}
		double start = now_ns();
		run_all();
		best(&least, (now_ns() - start) / ((double)CROWD / 2 * YIELDS));
	}
	return least;
}

/* ---- any of three ---- */

static int ask_three(void *arg)
{
	struct exchange *e = arg;
	struct future never[2];
	struct future *const three[] = {&never[0], &e->future, &never[1]};
	struct completion_mark marks[3];
	size_t which;
	future_init(&never[0], "never");
	future_init(&never[1], "never");
	while (e->count--) {
		future_init(&e->future, "answer");
		await_any(three, marks, 3, &which, CLOCK_NEVER);
	}
	return 0;
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

static bool no_guard_marks;
int __real_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice);

int __wrap_madvise(void *at, size_t bytes, int advice)
{
	enum { GUARD_INSTALL = 102 };
	if (no_guard_marks && advice == GUARD_INSTALL) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(at, bytes, advice);
}

static void say_memory(const char *what)
{
	double bytes;
	spawn(measure_memory, &bytes);
	must(loop_run(loop), "loop_run");
	say(what, bytes, "bytes", " (budget 5120)");
	run_all();
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
	say("wait for a future and be told, among 1,000 tasks", measure_future(ask), "ns", "");
	say("wait for any of three futures and be told, the same", measure_future(ask_three), "ns", "");
	say("wait for one of 500 permits, and give way, 1,000 tasks", measure_semaphore(), "ns", "");
	say("a value through a channel of 8, 500 at once", measure_chan(SLOTS), "ns", "");
	say("a value through a channel without slots, the same", measure_chan(0), "ns", "");
	say_memory("memory of a sleeping task, 100,000 of them");
	task_runtime_clear();
	/* As where the kernel has no other guards than pages without permissions, of which there may not be
	 * 100,000. */
	no_guard_marks = true;
	must(task_runtime_init(loop), "runtime");
	say_memory("  the same with guards of mprotect(2)");
	task_runtime_clear();
	loop_free(loop);
	return 0;
}
