/* One task: how it is made, begins, gives way, ends and is given back; cancel, clean-ups, big calls. */
#include "daemon/task/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

static void run_defers(struct task *t)
{
	struct task_defer *d;
	while ((d = SLIST_FIRST(&t->defers))) {
		SLIST_REMOVE_HEAD(&t->defers, next);
		void (*fn)(void *arg) = d->fn;
		void *arg = d->arg;
		free(d);
		fn(arg);
	}
}

static void end(struct task *t, int result)
{
	t->result = result;
	if (t->stack->is_measured)
		measure_task(t);
	t->state = TASK_ENDED;
	runtime.stats.ended++;
	runtime.stats.alive--;
	TAILQ_REMOVE(&runtime.all, t, in_all);
	TAILQ_INSERT_TAIL(&runtime.ended, t, in_all);
	loop_timer_release(runtime.loop, &t->timer);
	future_set_result(&t->ended, NULL);
	scope_remove_task(t->scope, t);
}

/* The first and last function on a task's stack. */
static void first(void *arg)
{
	struct task *t = arg;
	switch_begin(&runtime.context);
	int result = t->fn(t->arg);
	t->is_ending = true;
	run_defers(t);
	end(t, result);
	switch_leave(&t->context, &runtime.context);
}

/* The task at the top of the stack, the rest of it below. */
static struct task *place_task(struct stack *stack, size_t *rest)
{
	*rest = (stack->size - sizeof(struct task)) & ~(size_t)63;
	return (struct task *)(void *)(stack->low + *rest);
}

int task_spawn(const struct task_spec *spec, struct task **out)
{
	static const enum stack_size sizes[] = {
	    [TASK_STACK_SMALL] = STACK_SMALL,
	    [TASK_STACK_MEDIUM] = STACK_MEDIUM,
	    [TASK_STACK_LARGE] = STACK_LARGE,
	};
	assert(runtime.loop && spec->fn && spec->name);
	struct stack *stack = stack_take(sizes[spec->stack]);
	if (!stack)
		return -ENOMEM;
	size_t rest;
	struct task *t = place_task(stack, &rest);
	t->timer = (struct loop_timer){0};
	if (loop_timer_reserve(runtime.loop, &t->timer) < 0) {
		stack_give(stack);
		return -ENOMEM;
	}
	t->ready = (struct ready){0};
	t->state = TASK_READY;
	t->is_shielded = false;
	t->is_ending = false;
	t->wake = 0;
	t->wait = NULL;
	t->holders = 0;
	t->is_kept = t->stays = false;
	t->on = NULL;
	t->created_ns = t->since_ns = loop_now_ns(runtime.loop);
	t->stack = stack;
	t->name = spec->name;
	t->id = spec->id;
	t->fn = spec->fn;
	t->arg = spec->arg;
	t->result = 0;
	SLIST_INIT(&t->defers);
	future_init(&t->ended, t->name);
	t->ended.of = t;
	switch_init(&t->context, stack->low, rest, first, t);
	scope_add_task(spec->scope ? spec->scope : runtime.root, t);
	TAILQ_INSERT_TAIL(&runtime.all, t, in_all);
	runtime.stats.spawned++;
	runtime.stats.alive++;
	ready_add(&t->ready, task_run);
	if (out)
		*out = t;
	return 0;
}

void task_run(struct ready *r)
{
	struct task *t = task_container(r, struct task, ready);
	t->state = TASK_RUNNING;
	for (;;) {
		runtime.current = t;
		runtime.stats.switches++;
		switch_to(&runtime.context, &t->context);
		runtime.current = NULL;
		if (!runtime.big_fn)
			return;
		int (*fn)(void *arg) = runtime.big_fn;
		runtime.big_fn = NULL;
		runtime.big_result = fn(runtime.big_arg);
	}
}

void task_switch_away(void)
{
	switch_to(&runtime.current->context, &runtime.context);
}

int task_call_big(int (*fn)(void *arg), void *arg)
{
	if (!runtime.current)
		return fn(arg);
	runtime.big_fn = fn;
	runtime.big_arg = arg;
	task_switch_away();
	return runtime.big_result;
}

void task_free_ended(void)
{
	struct task *t;
	while ((t = TAILQ_FIRST(&runtime.ended_before))) {
		TAILQ_REMOVE(&runtime.ended_before, t, in_all);
		if (t->holders > 0) {
			t->is_kept = true;
		} else if (t->stays) {
			t->stays = false;
			TAILQ_INSERT_TAIL(&runtime.ended, t, in_all);
		} else {
			switch_clear(&t->context);
			stack_give(t->stack);
		}
	}
	TAILQ_CONCAT(&runtime.ended_before, &runtime.ended, in_all);
}

void task_hold(struct task *t)
{
	if (t)
		t->holders++;
}

void task_unhold(struct task *t)
{
	if (!t || --t->holders > 0 || t->state != TASK_ENDED)
		return;
	if (t->is_kept)
		TAILQ_INSERT_TAIL(&runtime.ended, t, in_all);
	else
		t->stays = true;
	t->is_kept = false;
}

struct future *task_ended(struct task *t)
{
	return &t->ended;
}

struct task *task_current(void)
{
	return runtime.current;
}

const char *task_name(const struct task *t)
{
	return t->name;
}

int64_t task_id(const struct task *t)
{
	return t->id;
}

int task_cancel(struct task *t)
{
	if (t->state == TASK_ENDED)
		return ERR_STATE;
	t->is_cancelled = true;
	if (!t->is_shielded)
		task_wake(t, ERR_CANCELLED);
	return 0;
}

bool task_cancelled(void)
{
	return runtime.current && runtime.current->is_cancelled;
}

bool task_uncancel(void)
{
	struct task *t = runtime.current;
	bool was = t && t->is_cancelled;
	if (was)
		t->is_cancelled = false;
	return was;
}

int task_defer(void (*fn)(void *arg), void *arg)
{
	struct task *t = runtime.current;
	assert(t);
	struct task_defer *d = malloc(sizeof *d);
	if (!d)
		return -ENOMEM;
	*d = (struct task_defer){.fn = fn, .arg = arg};
	SLIST_INSERT_HEAD(&t->defers, d, next);
	return 0;
}

void task_each(void (*fn)(void *arg, const struct task_view *v), void *arg)
{
	static const char *const states[] = {
	    [TASK_READY] = "ready",
	    [TASK_RUNNING] = "running",
	    [TASK_WAITING] = "waiting",
	};
	const struct task *t;
	TAILQ_FOREACH (t, &runtime.all, in_all) {
		struct task_view v = {.name = t->name,
		    .id = t->id,
		    .state = states[t->state],
		    .on = t->on,
		    .created_ns = t->created_ns,
		    .since_ns = t->since_ns,
		    .stack_bytes = (uint32_t)t->stack->size,
		    .used_bytes = (uint32_t)stack_used(t->stack)};
		fn(arg, &v);
	}
}
