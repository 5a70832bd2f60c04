/* How much of their stacks tasks use, by name: a task's mark is taken when it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/task/runtime.h"

enum {
	MARKS_MOST = 64, /* names are words of the program, and few: a verb's task has the verb's */
	NAME_BYTES = 32,
};

struct mark {
	char name[NAME_BYTES]; /* a copy: the task may be gone */
	uint32_t stack_bytes, used_bytes;
};

static struct mark marks[MARKS_MOST];
static unsigned count;

/* The last place is for all that come when the others are taken. */
static struct mark *find(const char *name, uint32_t stack_bytes)
{
	for (unsigned i = 0; i < count; i++)
		if (marks[i].stack_bytes == stack_bytes && strncmp(marks[i].name, name, NAME_BYTES - 1) == 0)
			return &marks[i];
	if (count == MARKS_MOST)
		return &marks[MARKS_MOST - 1];
	struct mark *m = &marks[count++];
	snprintf(m->name, sizeof m->name, "%s", count < MARKS_MOST ? name : "(others)");
	m->stack_bytes = stack_bytes;
	return m;
}

void measure_task(const struct task *t)
{
	uint32_t used = (uint32_t)stack_used(t->stack), of = (uint32_t)t->stack->size;
	struct mark *m = find(t->name, of);
	/* The fuller one: those that share a place may have stacks of several sizes. */
	if ((uint64_t)used * m->stack_bytes > (uint64_t)m->used_bytes * of) {
		m->used_bytes = used;
		m->stack_bytes = of;
	}
}

void task_measure_stacks(bool on)
{
	stack_measure(on);
}

void measure_init(void)
{
	count = 0;
	memset(marks, 0, sizeof marks);
	const char *asked = getenv("BAKERY_STACKS");
#ifdef TASK_MEASURE_STACKS
	bool on = !asked || strcmp(asked, "0") != 0;
#else
	bool on = asked && strcmp(asked, "1") == 0;
#endif
	stack_measure(on);
}

void task_each_mark(
    void (*fn)(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes), void *arg)
{
	const struct task *t;
	TAILQ_FOREACH (t, &runtime.all, in_all)
		if (t->stack->is_measured)
			measure_task(t);
	for (unsigned i = 0; i < count; i++)
		fn(arg, marks[i].name, marks[i].stack_bytes, marks[i].used_bytes);
}
