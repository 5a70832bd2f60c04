/* Scopes: who owns which tasks, and the end that waits for them. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/task/runtime.h"

struct scope {
	const char *name;
	struct task_line tasks;
	size_t count;
	bool is_closing; /* what is spawned into it now is born cancelled */
	struct future_waits closer;
};

int scope_new(struct scope **out, const char *name)
{
	struct scope *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->name = name;
	TAILQ_INIT(&s->tasks);
	TAILQ_INIT(&s->closer);
	*out = s;
	return 0;
}

size_t scope_count(const struct scope *s)
{
	return s->count;
}

void scope_cancel(struct scope *s)
{
	struct task *t;
	TAILQ_FOREACH (t, &s->tasks, in_scope)
		task_cancel(t);
}

void await_scope_close(struct scope *s)
{
	assert(!s->is_closing && "a scope is closed once");
	assert(task_current() && task_current()->scope != s &&
	       "a task cannot close the scope that it belongs to");
	s->is_closing = true;
	scope_cancel(s);
	/* Again, when somebody has spawned between its last task's end and this turn. */
	while (s->count > 0)
		await_in_line_shielded(&s->closer, s->name);
	free(s);
}

void scope_add_task(struct scope *s, struct task *t)
{
	t->scope = s;
	t->is_cancelled = s->is_closing;
	TAILQ_INSERT_TAIL(&s->tasks, t, in_scope);
	s->count++;
}

void scope_remove_task(struct scope *s, struct task *t)
{
	TAILQ_REMOVE(&s->tasks, t, in_scope);
	if (--s->count == 0)
		task_wake_first(&s->closer, 0);
}

void scope_free_root(struct scope *s)
{
	assert(s->count == 0);
	free(s);
}
