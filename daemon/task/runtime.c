/* The runtime of the process: its place in the loop's turn, its counters, and who held the loop too long. */
#include "daemon/task/runtime.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"

struct runtime runtime;

static void note_hold(const struct ready *r, bool is_task, int64_t ns)
{
	if (ns <= runtime.stats.longest_hold_ns && (runtime.slow_ns == 0 || ns <= runtime.slow_ns))
		return;
	const struct task *t = is_task ? task_container(r, const struct task, ready) : NULL;
	const char *name = t ? t->name : "callback";
	if (ns > runtime.stats.longest_hold_ns) {
		runtime.stats.longest_hold_ns = ns;
		snprintf(runtime.longest_hold_name, sizeof runtime.longest_hold_name, "%s", name);
		runtime.stats.longest_hold_name = runtime.longest_hold_name;
	}
	if (runtime.slow_ns && ns > runtime.slow_ns) {
		runtime.stats.slow++;
		log_warn("task held the loop", log_str("task", name), log_int("id", t ? t->id : 0),
		    log_int("ms", ns / NS_PER_MS));
	}
}

static bool run_turn(void *arg)
{
	(void)arg;
	if (ready_run_turn(note_hold))
		task_free_ended();
	return ready_length() > 0;
}

int task_runtime_init(struct loop *loop)
{
	assert(!runtime.loop && "one runtime a process");
	runtime = (struct runtime){0};
	TAILQ_INIT(&runtime.all);
	TAILQ_INIT(&runtime.ended);
	TAILQ_INIT(&runtime.ended_before);
	switch_init_self(&runtime.context);
	int r = scope_new(&runtime.root, "root");
	if (r < 0)
		return r;
	r = overflow_watch();
	if (r < 0) {
		scope_free_root(runtime.root);
		return r;
	}
	measure_init();
	runtime.loop = loop;
	loop_set_hook(loop, run_turn, NULL);
	return 0;
}

void task_runtime_clear(void)
{
	if (!runtime.loop)
		return;
	assert(runtime.stats.alive == 0 && !runtime.current);
	ready_end_round();
	while (!TAILQ_EMPTY(&runtime.ended) || !TAILQ_EMPTY(&runtime.ended_before))
		task_free_ended();
	loop_set_hook(runtime.loop, NULL, NULL);
	scope_free_root(runtime.root);
	overflow_unwatch();
	stack_clear_all();
	runtime.loop = NULL;
}

struct loop *task_loop(void)
{
	return runtime.loop;
}

void task_stats_get(struct task_stats *out)
{
	*out = runtime.stats;
	out->ready = ready_length();
	out->stacks_used = stack_count_used();
	out->stacks_cached = stack_count_cached();
}

void task_set_slow_ns(int64_t ns)
{
	runtime.slow_ns = ns;
}
