/*
 * What a step needs: the payload, and the results of earlier steps that it names. They are read just before it, and held no longer than it needs
 * them: ten thousand orders that wait do not have their results in memory.
 */
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/sched/way.h"

const char *needs_message(int err)
{
	switch (err) {
	case ERR_CORRUPT:
		return "the stored payload is damaged";
	case ERR_GONE:
		return "a stored result of an earlier step is damaged or missing";
	case ERR_TOOBIG:
		return "the payload and the results that the step names are more than a message to a worker "
		       "holds";
	default:
		return NULL;
	}
}

void needs_clear(struct needs *n)
{
	free(n->payload_bytes);
	free(n->results.of_job);
	store_steps_clear(&n->steps);
	*n = (struct needs){.payload_bytes = NULL};
}

/* Asks the store again while it has trouble. What await_ask says; or ERR_CANCELLED, or the trouble when the daemon is ending. */
static int await_asked(
    struct run *run, const char *what, int (*await_ask)(struct run *run, struct needs *n), struct needs *n)
{
	for (int tries = 0;; tries++) {
		int err = await_ask(run, n);

		if (err == 0 || err == ERR_STATE || needs_message(err))
			return err;
		if (!await_run_trouble(run, what, err, tries))
			return err;
		if (run_is_stopped(run))
			return ERR_CANCELLED;
	}
}

static bool is_gone(int err)
{
	return err == ERR_NOTFOUND || err == ERR_GONE;
}

/* ---- the payload ---- */

static int await_read_payload(struct run *run, struct needs *n)
{
	struct store_read read = {.id = run->order, .payload = true, .limit = UINT64_MAX};
	int err;

	store_read(run->sched->store, &read);
	err = await_future_shielded(&read.op.done);
	if (err < 0)
		return is_gone(err) ? ERR_STATE : err;
	n->payload_bytes = read.bytes;
	n->payload = (struct slice){read.bytes, read.len};
	return 0;
}

/* ---- the results ---- */

static int await_read_steps(struct run *run, struct needs *n, uint64_t wanted)
{
	int err;

	n->steps = (struct store_steps){.id = run->order, .digest = run->recipe->digest, .wanted = wanted};
	store_steps(run->sched->store, &n->steps);
	err = await_future_shielded(&n->steps.op.done);
	if (is_gone(err))
		return ERR_STATE;
	return err == ERR_CORRUPT ? ERR_GONE : err;
}

static int for_job(struct needs *n)
{
	n->results.of_job = calloc(n->steps.result_count, sizeof(n->results.of_job[0]));
	if (!n->results.of_job)
		return -ENOMEM;
	for (size_t i = 0; i < n->steps.result_count; i++) {
		const struct store_step_result *r = &n->steps.results[i];

		n->results.of_job[i] = (struct job_result){
		    .step = r->step, .cut = r->cut, .bytes = {r->bytes, r->len}};
	}
	return 0;
}

static int for_step(struct needs *n, size_t step_count)
{
	n->results.of_step = calloc(step_count, sizeof(n->results.of_step[0]));
	if (!n->results.of_step)
		return -ENOMEM;
	for (size_t i = 0; i < n->steps.result_count; i++) {
		const struct store_step_result *r = &n->steps.results[i];

		n->results.of_step[r->step] = (struct recipe_result){
		    .present = true, .cut = r->cut, .bytes = {r->bytes, r->len}};
	}
	return 0;
}

static int await_read_results(struct run *run, struct needs *n)
{
	const struct conf_step *step = run_conf_step(run);
	int err = await_read_steps(run, n, step->uses);

	if (err == 0 && n->steps.result_count < (size_t)__builtin_popcountll(step->uses))
		err = ERR_GONE;
	if (err == 0)
		err = conf_step_is_heavy(step) ? for_job(n) : for_step(n, run->recipe->conf->step_count);
	if (err < 0)
		store_steps_clear(&n->steps);
	return err;
}

int await_run_needs(struct run *run, struct needs *n)
{
	int err = 0;

	*n = (struct needs){.payload = {run->head->payload, run->head->payload_len}};
	run_waits(run, "disk");
	if (!run->head->has_payload)
		err = await_asked(run, "payload", await_read_payload, n);
	if (err == 0 && run_conf_step(run)->uses)
		err = await_asked(run, "results", await_read_results, n);
	return err;
}

/* ---- where an attempt begins ---- */

static int await_count_results(struct run *run, struct needs *n)
{
	int err = await_read_steps(run, n, 0);

	if (err == 0)
		run->step = n->steps.count;
	store_steps_clear(&n->steps);
	return err;
}

int await_run_first_step(struct run *run)
{
	int last = (int)run->recipe->conf->step_count - 1, err;
	struct needs n = {.payload_bytes = NULL};

	if (run->attempt == 1 || last == 0)
		return 0;
	err = await_asked(run, "results", await_count_results, &n);
	/* The last one's result is the order's: never stored as a step's. */
	if (err == 0 && run->step > last)
		run->step = last;
	return err;
}
