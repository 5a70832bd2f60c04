/*
 * Descriptors that tasks wait on. The loop tells once when a descriptor becomes ready; if nobody waits at
 * that moment, it is remembered until somebody does, so that no edge is lost between an EAGAIN and the wait
 * that follows it.
 */
#include <assert.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

/* True when a task waited for it and is woken now. */
static bool tell(struct task **who)
{
	struct task *t = *who;
	bool waits = t && t->state == TASK_WAITING;
	if (waits)
		task_wake(t, 0);
	return waits;
}

static void became_ready(struct loop_fd *watch, int what)
{
	struct task_fd *w = task_container(watch, struct task_fd, watch);
	if ((what & LOOP_READ) && !tell(&w->reader))
		w->ready |= LOOP_READ;
	if ((what & LOOP_WRITE) && !tell(&w->writer))
		w->ready |= LOOP_WRITE;
}

int task_fd_init(struct task_fd *w, int fd)
{
	*w = (struct task_fd){0};
	return loop_fd_add(runtime.loop, &w->watch, fd, became_ready);
}

void task_fd_clear(struct task_fd *w)
{
	assert(!w->reader && !w->writer);
	loop_fd_remove(&w->watch);
}

int await_fd(struct task_fd *w, int what, int64_t deadline_ns)
{
	struct task **who = what == LOOP_READ ? &w->reader : &w->writer;
	assert(what == LOOP_READ || what == LOOP_WRITE);
	assert(!*who && "one task at most waits for each direction");
	int r;
	if (w->ready & what) {
		r = wait_begin();
		if (r == 0)
			w->ready &= ~what;
		return r;
	}
	*who = runtime.current;
	r = await_wake(what == LOOP_READ ? "readable" : "writable", deadline_ns);
	*who = NULL;
	return r;
}
