/*
 * Waiting. Every wait is the same: the running task says what it waits for, suspends, and is woken once: by what it waited for, by its
 * deadline, or by a cancel; whichever comes first decides what the wait returns. A cancel that comes after the wait was over is told by the
 * next wait, so that nothing that was waited for gets lost.
 */
#include <assert.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

static void deadline_passed(struct loop_timer *timer)
{
	task_wake(task_container(timer, struct task, timer), ERR_TIMEOUT);
}

void task_wake(struct task *t, int how)
{
	if (t->state != TASK_WAITING)
		return;
	if (t->wait) {
		TAILQ_REMOVE(t->wait->line, t->wait, entry);
		t->wait = NULL;
	}
	loop_timer_clear(runtime.loop, &t->timer);
	t->wake = how;
	t->state = TASK_READY;
	t->on = NULL;
	t->since_ns = loop_now_ns(runtime.loop);
	ready_add(&t->ready, task_run);
}

bool task_wake_first(struct future_waits *line)
{
	struct future_wait *w = TAILQ_FIRST(line);
	if (w)
		task_wake(w->task, 0);
	return w != NULL;
}

void task_wake_all(struct future_waits *line)
{
	while (task_wake_first(line))
		;
}

static int suspend(struct task *t, const char *on)
{
	t->state = TASK_WAITING;
	t->on = on;
	t->since_ns = loop_now_ns(runtime.loop);
	task_switch_away();
	return t->wake;
}

/* The task that is to wait: nobody waits on the loop's own stack, in a clean-up or in a big call. */
static struct task *waiter(void)
{
	struct task *t = runtime.current;
	assert(t && !t->is_ending && "only a task can wait, outside its clean-ups and big calls");
	return t;
}

/* What ends a wait before it begins; else its timer runs. */
static int prepare(struct task *t, int64_t deadline_ns)
{
	if (t->is_cancelled)
		return ERR_CANCELLED;
	if (deadline_ns == CLOCK_NEVER)
		return 0;
	if (deadline_ns <= loop_now_ns(runtime.loop))
		return ERR_TIMEOUT;
	return loop_timer_set(runtime.loop, &t->timer, deadline_ns, deadline_passed);
}

int await_wake(const char *on, int64_t deadline_ns)
{
	struct task *t = waiter();
	int r = prepare(t, deadline_ns);
	return r < 0 ? r : suspend(t, on);
}

static void stand_in_line(struct task *t, struct future_waits *line, struct future_wait *w)
{
	*w = (struct future_wait){.line = line, .task = t};
	t->wait = w;
	TAILQ_INSERT_TAIL(line, w, entry);
}

int await_in_line(struct future_waits *line, const char *on, int64_t deadline_ns)
{
	struct task *t = waiter();
	int r = prepare(t, deadline_ns);
	if (r < 0)
		return r;
	struct future_wait w;
	stand_in_line(t, line, &w);
	return suspend(t, on);
}

void await_in_line_shielded(struct future_waits *line, const char *on)
{
	struct task *t = waiter();
	struct future_wait w;
	stand_in_line(t, line, &w);
	t->is_shielded = true;
	suspend(t, on);
	t->is_shielded = false;
}

int await_yield(void)
{
	struct task *t = waiter();
	if (t->is_cancelled)
		return ERR_CANCELLED;
	t->state = TASK_READY;
	ready_add(&t->ready, task_run);
	task_switch_away();
	return t->is_cancelled ? ERR_CANCELLED : 0;
}

int await_sleep_until(int64_t deadline_ns)
{
	if (deadline_ns <= loop_now_ns(runtime.loop))
		return await_yield();
	int r = await_wake("sleep", deadline_ns);
	return r == ERR_TIMEOUT ? 0 : r;
}

int await_sleep_ms(int64_t ms)
{
	return await_sleep_until(clock_deadline_ms(ms));
}

static int outcome(const struct future *f)
{
	void *ignored;
	return future_get(f, &ignored);
}

int await_future(struct future *f, int64_t deadline_ns)
{
	if (waiter()->is_cancelled)
		return ERR_CANCELLED;
	if (future_is_final(f))
		return outcome(f);
	int r = await_in_line(&f->waits, f->name, deadline_ns);
	/* A result that came between the deadline and this task's turn is still a result. */
	if (r == 0 || (r == ERR_TIMEOUT && future_is_final(f)))
		r = outcome(f);
	return r;
}

int await_future_shielded(struct future *f)
{
	if (!future_is_final(f))
		await_in_line_shielded(&f->waits, f->name);
	return outcome(f);
}

int await_task(struct task *t, int64_t deadline_ns)
{
	assert(t != runtime.current && "a task cannot wait for its own end");
	if (waiter()->is_cancelled)
		return ERR_CANCELLED;
	if (t->state != TASK_ENDED) {
		int r = await_in_line(&t->joiners, t->name, deadline_ns);
		if (r < 0)
			return r;
	}
	/* The turn of its joiners is the one before an ended task is given back. */
	return t->result;
}

void condition_init(struct condition *c)
{
	TAILQ_INIT(&c->waits);
}

void condition_signal(struct condition *c)
{
	task_wake_first(&c->waits);
}

void condition_broadcast(struct condition *c)
{
	task_wake_all(&c->waits);
}

int await_condition(struct condition *c, int64_t deadline_ns)
{
	return await_in_line(&c->waits, "condition", deadline_ns);
}
