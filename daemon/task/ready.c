/*
 * One line with a mark in it: what stands before the mark belongs to this round, what is added while it runs
 * comes after. So anything can be taken out of the line at any time, wherever it stands. A round that takes
 * long goes on in the next turn of the loop.
 */
#include "daemon/task/ready.h"

#include "daemon/base/clock.h"
#include "daemon/task/runtime.h"

static TAILQ_HEAD(, ready) line = TAILQ_HEAD_INITIALIZER(line);
static uint32_t length;
static struct ready mark;
static bool in_round;

/* Of each turn, at most (and what one task takes). */
#define SLICE_NS (5 * NS_PER_MS)

void ready_add(struct ready *r, void (*run)(struct ready *r))
{
	if (r->queued)
		return;
	r->run = run;
	r->queued = true;
	TAILQ_INSERT_TAIL(&line, r, entry);
	length++;
}

void ready_remove(struct ready *r)
{
	if (!r->queued)
		return;
	r->queued = false;
	TAILQ_REMOVE(&line, r, entry);
	length--;
}

bool ready_run_turn(void (*held)(const struct ready *r, bool is_task, int64_t ns))
{
	if (TAILQ_EMPTY(&line))
		return true;
	if (!in_round)
		TAILQ_INSERT_TAIL(&line, &mark, entry);
	in_round = true;
	struct ready *r;
	int64_t before = clock_mono_ns(), until = before + SLICE_NS;
	while ((r = TAILQ_FIRST(&line)) != &mark) {
		if (before >= until)
			return false;
		ready_remove(r);
		/* What is not a task may free itself while it runs. */
		bool is_task = r->run == task_run;
		r->run(r);
		int64_t now = clock_mono_ns();
		held(r, is_task, now - before);
		before = now;
	}
	ready_end_round();
	return true;
}

void ready_end_round(void)
{
	if (in_round)
		TAILQ_REMOVE(&line, &mark, entry);
	in_round = false;
}

uint32_t ready_length(void)
{
	return length;
}
