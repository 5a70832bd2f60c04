/*
 * Waiting. Every wait is the same: the running task says what it waits for, suspends, and is woken once: by
 * what it waited for, by its deadline, or by a cancel; whichever comes first decides what the wait returns. A
 * cancel that comes after the wait was over is told by the next wait, so that nothing that was waited for
 * gets lost.
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

bool task_wake_first(struct future_waits *line, int how)
{
	struct future_wait *w = TAILQ_FIRST(line);
	if (!w)
		return false;
	if (w->task) {
		task_wake(w->task, how);
	} else {
		TAILQ_REMOVE(line, w, entry);
		w->line = NULL;
		w->told(w);
	}
	return true;
}

void task_wake_all(struct future_waits *line, int how)
{
	while (task_wake_first(line, how))
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

static int begin(struct task *t)
{
	if (++runtime.waits == runtime.cancel_at)
		t->is_cancelled = true;
	return t->is_cancelled ? ERR_CANCELLED : 0;
}

int wait_begin(void)
{
	return begin(waiter());
}

void task_cancel_at_wait(uint64_t n)
{
	runtime.waits = 0;
	runtime.cancel_at = n;
}

uint64_t task_count_waits(void)
{
	return runtime.waits;
}

/* What ends a wait before it begins; else its timer runs. */
static int prepare(struct task *t, int64_t deadline_ns)
{
	int r = begin(t);
	if (r < 0 || deadline_ns == CLOCK_NEVER)
		return r;
	if (deadline_ns <= loop_now_ns(runtime.loop))
		return ERR_TIMEOUT;
	r = loop_timer_set(runtime.loop, &t->timer, deadline_ns, deadline_passed);
	assert(r == 0 && "a task's timer is reserved");
	return r;
}

int await_wake(const char *on, int64_t deadline_ns)
{
	struct task *t = waiter();
	int r = prepare(t, deadline_ns);
	return r < 0 ? r : suspend(t, on);
}

static void stand_in_line(
    struct task *t, struct future_waits *line, struct future_wait *w, struct future_wait *before)
{
	*w = (struct future_wait){.line = line, .task = t};
	t->wait = w;
	if (before)
		TAILQ_INSERT_BEFORE(before, w, entry);
	else
		TAILQ_INSERT_TAIL(line, w, entry);
}

int await_in_place(struct future_waits *line, struct future_wait *w, struct future_wait *before,
    const char *on, int64_t deadline_ns)
{
	struct task *t = waiter();
	int r = prepare(t, deadline_ns);
	if (r < 0)
		return r;
	stand_in_line(t, line, w, before);
	return suspend(t, on);
}

int await_in_line(struct future_waits *line, const char *on, int64_t deadline_ns)
{
	struct future_wait w;
	return await_in_place(line, &w, NULL, on, deadline_ns);
}

void await_in_line_shielded(struct future_waits *line, const char *on)
{
	struct task *t = waiter();
	struct future_wait w;
	stand_in_line(t, line, &w, NULL);
	t->is_shielded = true;
	suspend(t, on);
	t->is_shielded = false;
}

int await_yield(void)
{
	struct task *t = waiter();
	int r = begin(t);
	if (r < 0)
		return r;
	t->state = TASK_READY;
	t->since_ns = loop_now_ns(runtime.loop);
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
	int r;
	if (future_is_final(f)) {
		r = wait_begin();
		return r < 0 ? r : outcome(f);
	}
	r = await_in_line(&f->waits, f->name, deadline_ns);
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
	int r = await_future(&t->ended, deadline_ns);
	/* The turn of its joiners is the one before an ended task is given back. */
	return r < 0 ? r : t->result;
}

void condition_init(struct condition *c)
{
	TAILQ_INIT(&c->waits);
}

void condition_signal(struct condition *c)
{
	task_wake_first(&c->waits, 0);
}

void condition_broadcast(struct condition *c)
{
	task_wake_all(&c->waits, 0);
}

int await_condition(struct condition *c, int64_t deadline_ns)
{
	return await_in_line(&c->waits, "condition", deadline_ns);
}
