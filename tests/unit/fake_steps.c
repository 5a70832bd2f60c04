#include "tests/unit/fake_steps.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/task.h"
#include "tests/unit/fake_alloc.h"

enum { UNDER_WAY_MAX = 4096 };

static struct under_way {
	struct step_try *t;
	struct future news;
	bool ends;
	char *result;
} list[UNDER_WAY_MAX];
static int given_up, held;
static char trace[65536];
static size_t trace_len;

void fake_steps_reset(void)
{
	memset(list, 0, sizeof(list));
	given_up = held = 0;
	trace_len = 0;
}

static struct under_way *find(int64_t order)
{
	for (int i = 0; i < UNDER_WAY_MAX; i++) {
		if (list[i].t && !list[i].ends && list[i].t->values.order == order)
			return &list[i];
	}
	return NULL;
}

const struct step_try *fake_steps_find(int64_t order)
{
	struct under_way *u = find(order);

	return u ? u->t : NULL;
}

static void note(const struct step_try *t, const char *what)
{
	trace_len += (size_t)snprintf(trace + trace_len, sizeof(trace) - trace_len, "%s%lld:%s%s",
	    trace_len ? " " : "", (long long)t->values.order, t->step->name, what);
}

int await_step(struct steps *s, struct step_try *t)
{
	struct under_way *u = list;
	int err;

	(void)s;
	err = t->await_values ? t->await_values(t->arg) : 0;
	if (err < 0)
		return err;
	while (u->t)
		u++;
	*u = (struct under_way){.t = t};
	do {
		note(t, "");
		future_init(&u->news, "step");
		if (t->on_wait)
			t->on_wait(t->arg, t->step->kind == CONF_STEP_SLEEP ? "sleep" : "http");
		err = await_future(&u->news, CLOCK_NEVER);
	} while (err == 0 && !u->ends);
	u->t = NULL;
	if (err < 0) {
		given_up++;
		free(u->result);
		return err;
	}
	note(t, ".");
	if (u->result) {
		t->bytes = u->result;
		t->outcome.result = u->result;
		t->outcome.result_len = t->outcome.result_total = strlen(u->result);
		held++;
	}
	return 0;
}

void step_try_clear(struct step_try *t)
{
	held -= t->bytes != NULL;
	free(t->bytes);
	*t = (struct step_try){.bytes = NULL};
}

void fake_steps_turn(int64_t order)
{
	future_set_result(&find(order)->news, NULL);
}

void fake_steps_end_with(int64_t order, struct order_outcome outcome, int64_t used_ms)
{
	struct under_way *u = find(order);

	assert(u);
	u->t->outcome = outcome;
	u->t->used_ms = used_ms;
	u->ends = true;
	future_set_result(&u->news, NULL);
}

void fake_steps_end(int64_t order, enum order_cause cause, const char *result)
{
	struct under_way *u = find(order);

	assert(u);
	if (result) {
		u->result = fake_calloc(1, strlen(result) + 1);
		memcpy(u->result, result, strlen(result));
	}
	fake_steps_end_with(
	    order, (struct order_outcome){.cause = cause, .exit = -1, .started_ms = 1, .finished_ms = 2}, 0);
}

const char *fake_steps_done(void)
{
	static char copy[sizeof(trace)];

	memcpy(copy, trace, trace_len);
	copy[trace_len] = '\0';
	trace_len = 0;
	return copy;
}

int fake_steps_given_up(void)
{
	return given_up;
}

int fake_steps_held(void)
{
	return held;
}
