/*
 * While there is a free permit nobody waits, and while somebody waits there is none: whoever gives one hands
 * it to the first in the line, who has it from then on, even when it is cancelled before its turn.
 */
#include "daemon/task/semaphore.h"

#include "daemon/task/runtime.h"

struct place {
	struct future_wait wait;
	int priority;
};

static int priority_of(const struct future_wait *w)
{
	return task_container(w, const struct place, wait)->priority;
}

/* The first that a newcomer of this priority stands before; NULL: none. Most come with the priority of the
 * last, and need no search. */
static struct future_wait *first_below(const struct semaphore *s, int priority)
{
	struct future_wait *w = TAILQ_LAST(&s->waits, future_waits);
	if (!w || priority_of(w) >= priority)
		return NULL;
	TAILQ_FOREACH (w, &s->waits, entry) {
		if (priority_of(w) < priority)
			break;
	}
	return w;
}

void semaphore_init(struct semaphore *s, int64_t permits)
{
	*s = (struct semaphore){.permits = permits};
	TAILQ_INIT(&s->waits);
}

bool semaphore_try(struct semaphore *s)
{
	if (s->permits <= 0)
		return false;
	s->permits--;
	return true;
}

int await_semaphore(struct semaphore *s, int priority, int64_t deadline_ns)
{
	if (s->permits > 0) {
		int r = wait_begin();
		if (r == 0)
			s->permits--;
		return r;
	}
	struct place p = {.priority = priority};
	return await_in_place(&s->waits, &p.wait, first_below(s, priority), "semaphore", deadline_ns);
}

void semaphore_give(struct semaphore *s)
{
	semaphore_resize(s, 1);
}

void semaphore_resize(struct semaphore *s, int64_t more)
{
	s->permits += more;
	while (s->permits > 0 && task_wake_first(&s->waits, 0))
		s->permits--;
}
