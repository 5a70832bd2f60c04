/*
 * One mechanism for the three: a mark stands in the line of each future, and goes to the line of those that
 * are final when its future is. Whoever takes the next waits until there is one.
 */
#include "daemon/task/gather.h"

#include <assert.h>

#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

static void is_final(struct completion_mark *m)
{
	STAILQ_INSERT_TAIL(&m->of->final, m, entry);
	task_wake_first(&m->of->waits, 0);
}

static void on_final(struct future_wait *w)
{
	is_final(task_container(w, struct completion_mark, wait));
}

void completions_init(
    struct completions *c, struct future *const *futures, struct completion_mark *marks, size_t count)
{
	*c = (struct completions){.marks = marks, .count = count};
	STAILQ_INIT(&c->final);
	TAILQ_INIT(&c->waits);
	for (size_t i = 0; i < count; i++) {
		struct future *f = futures[i];
		struct completion_mark *m = &marks[i];
		*m = (struct completion_mark){.of = c, .held = f->of};
		task_hold(m->held);
		if (future_is_final(f)) {
			is_final(m);
		} else {
			m->wait = (struct future_wait){.line = &f->waits, .told = on_final};
			TAILQ_INSERT_TAIL(&f->waits, &m->wait, entry);
		}
	}
}

/* Of a future that was told it touches nothing: that may be gone. */
void completions_clear(struct completions *c)
{
	assert(TAILQ_EMPTY(&c->waits));
	for (size_t i = 0; i < c->count; i++) {
		struct completion_mark *m = &c->marks[i];
		if (m->wait.line)
			TAILQ_REMOVE(m->wait.line, &m->wait, entry);
		task_unhold(m->held);
	}
	c->count = c->told = 0;
	STAILQ_INIT(&c->final);
}

static bool must_wait(const struct completions *c)
{
	return STAILQ_EMPTY(&c->final) && c->told < c->count;
}

static size_t take(struct completions *c)
{
	struct completion_mark *m = STAILQ_FIRST(&c->final);
	STAILQ_REMOVE_HEAD(&c->final, entry);
	/* The others who wait for one have nothing to wait for any more. */
	if (++c->told == c->count)
		task_wake_all(&c->waits, 0);
	return (size_t)(m - c->marks);
}

int await_next(struct completions *c, size_t *which, int64_t deadline_ns)
{
	int r = must_wait(c) ? 0 : wait_begin();
	/* Again, when somebody else has taken what this task was woken for. */
	while (r == 0 && must_wait(c))
		r = await_in_line(&c->waits, "the next of several", deadline_ns);
	/* What came between the deadline and this task's turn is still there for it. */
	bool may_take = r == 0 || r == ERR_TIMEOUT;
	if (may_take && !STAILQ_EMPTY(&c->final)) {
		*which = take(c);
		return 0;
	}
	return r == 0 ? ERR_NOTFOUND : r;
}

int await_any(struct future *const *futures, struct completion_mark *marks, size_t count, size_t *which,
    int64_t deadline_ns)
{
	assert(count > 0);
	struct completions c;
	completions_init(&c, futures, marks, count);
	int r = await_next(&c, which, deadline_ns);
	completions_clear(&c);
	return r;
}

static int error_of(const struct future *f)
{
	void *ignored;
	return future_get(f, &ignored);
}

int await_all(struct future *const *futures, struct completion_mark *marks, size_t count,
    enum gather_until until, int64_t deadline_ns)
{
	struct completions c;
	size_t which;
	int r, failed = 0;
	completions_init(&c, futures, marks, count);
	while ((r = await_next(&c, &which, deadline_ns)) == 0) {
		failed = error_of(futures[which]);
		if (failed < 0 && until == GATHER_FIRST_ERROR)
			break;
	}
	if (r == ERR_NOTFOUND) {
		r = 0;
		for (size_t i = 0; i < count && r == 0; i++)
			r = error_of(futures[i]);
	} else if (r == 0) {
		r = failed;
	}
	completions_clear(&c);
	return r;
}
