/*
 * The beginning of an attempt: its start is made durable. Before anything of it begins; but when its first step is a heavy one and may be done
 * more than once, the start and the job go out together, because the disk is slower than a worker.
 */
#include <errno.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/sched/way.h"

enum { START_AGAIN_MS = 1000 };

/* ---- a start that is waited for ---- */

/* After an uncertain commit and a refusal: did that commit happen after all? */
static int await_is_running(struct run *run)
{
	struct store_get get = {.id = run->order};
	int err;

	store_get(run->sched->store, &get);
	err = await_future_shielded(&get.op.done);
	if (err < 0)
		return err == ERR_NOTFOUND || err == ERR_GONE ? ERR_STATE : err;
	if (get.order.state != ORDER_RUNNING || get.order.attempt != run->attempt)
		err = ERR_STATE;
	store_order_clear(&get.order);
	return err;
}

/* Makes the start durable, however often the store has trouble. 0; ERR_STATE: the order is not queued any more; else the daemon is ending. */
static int await_start(struct run *run)
{
	run_waits(run, "disk");
	for (int tries = 0;; tries++) {
		struct store_start start = {.id = run->order, .attempt = run->attempt, .worker = -1};
		int err;

		store_start(run->sched->store, &start);
		err = await_future_shielded(&start.op.done);
		if (err == ERR_STATE && run->uncertain)
			err = await_is_running(run);
		/* A damaged row stays so: it is out of the line, as if it were gone. */
		if (err == ERR_CORRUPT)
			err = ERR_STATE;
		if (err == 0 || err == ERR_STATE)
			return err;
		run->uncertain = run->uncertain || err == ERR_UNCERTAIN;
		if (!await_run_trouble(run, "start", err, tries))
			return err;
	}
}

/* ---- a start that is on its way while its job runs ---- */

static void on_start_again(struct loop_timer *t)
{
	struct run *run = (struct run *)((char *)t - offsetof(struct run, start_again));

	run_start_on_the_way(run, run->start.worker);
}

static void on_started(struct future_callback *cb)
{
	struct run *run = (struct run *)((char *)cb - offsetof(struct run, started));
	int err = answer_of(&run->start.op);

	if (err == 0)
		return;
	if (err == ERR_STATE || err == ERR_CORRUPT) {
		/* After an uncertain commit a refusal may be its echo: then the end tells. */
		if (err == ERR_CORRUPT || !run->uncertain)
			run_refused(run);
		return;
	}
	run->uncertain = run->uncertain || err == ERR_UNCERTAIN;
	log_warn("the store has trouble", log_str("with", "start"), log_int("order", run->order),
	    log_int("attempt", run->attempt), log_str("error", err_text(err)),
	    log_int("again_in_ms", START_AGAIN_MS));
	(void)loop_timer_set(task_loop(), &run->start_again, clock_deadline_ms(START_AGAIN_MS),
	    on_start_again); /* it is reserved */
}

void run_start_on_the_way(struct run *run, int worker)
{
	run->starting = true;
	run->start = (struct store_start){.id = run->order, .attempt = run->attempt, .worker = worker};
	store_start(run->sched->store, &run->start);
	future_add_callback(&run->start.op.done, &run->started, on_started);
}

int run_start_state(const struct run *run)
{
	if (!run->starting || !future_is_final(&run->start.op.done))
		return 0;
	return answer_of(&run->start.op);
}

void await_run_start_final(struct run *run)
{
	if (!run->starting)
		return;
	(void)await_future_shielded(&run->start.op.done);
	future_remove_callback(&run->started);
	loop_timer_clear(task_loop(), &run->start_again);
}

int await_run_started(struct run *run)
{
	int err = run_start_state(run);

	/* After an uncertain commit it may be the echo of that one: then the end tells. */
	if (err == ERR_STATE && run->uncertain)
		return 0;
	if (err == 0 || err == ERR_STATE || err == ERR_CORRUPT)
		return err;
	/* The callback that would note it may not have had its turn yet, and will not have it now. */
	run->uncertain = run->uncertain || err == ERR_UNCERTAIN;
	await_run_start_final(run);
	run->starting = false;
	return await_start(run);
}

/* ---- picked ---- */

/* Nothing of it has begun: the window has it again. */
static void put_back(struct run *run)
{
	run_step(run, ATTEMPT_NEWS_RETURNED);
	if (run->known)
		window_put_back(&run->recipe->window, run->head);
	else
		store_head_free(run->head); /* cancelled meanwhile */
	run->head = NULL;
}

/* It is the first of its line, and would be picked again at once: what is short now will be short then. */
static void await_put_back(struct run *run, int err)
{
	if (err != -EAGAIN && err != ERR_CANCELLED)
		(void)await_run_trouble(run, "job", err, 0);
	put_back(run);
}

/* The start is durable before anything begins. */
static void await_start_first(struct run *run)
{
	int err = run_is_stopped(run) ? ERR_CANCELLED : await_start(run);

	if (err == ERR_STATE) {
		run_refused(run);
	} else if (err < 0) {
		put_back(run);
	} else {
		run->sched->started++;
		run_step(run, ATTEMPT_NEWS_START);
	}
}

/* What it needs cannot be read, and will not be another time: it fails, with an attempt that says why. */
static void await_fail(struct run *run, int why)
{
	await_start_first(run);
	if (run->phase == ATTEMPT_BETWEEN)
		run_end(run, CAUSE_PARAMS, needs_message(why));
}

/* Start and job go out at the same time. */
static void await_send_freely(struct run *run)
{
	struct needs n;
	int err = await_run_needs(run, &n), worker;

	(void)failpoint("sched.before_step");
	if (err == 0)
		err = run_send(run, &n, &worker);
	needs_clear(&n);
	if (err == 0)
		run_start_on_the_way(run, worker);
	else if (err == ERR_STATE)
		run_refused(run);
	else if (needs_message(err))
		await_fail(run, err);
	else
		await_put_back(run, err);
}

/* The worker that was reserved at the pick is the one that its first step needs. Not so when earlier attempts have results. */
static bool is_at_its_pool(const struct run *run)
{
	const struct conf_step *step = run_conf_step(run);

	return run->reserved && conf_step_is_heavy(step) &&
	       (run->step == 0 || sched_pool_named(run->sched, step->pool) == run->reserved);
}

void await_run_begin(struct run *run)
{
	int err = await_run_first_step(run);

	if (err == ERR_STATE) {
		run_refused(run);
	} else if (needs_message(err)) {
		await_fail(run, err);
	} else if (err < 0) {
		put_back(run);
	} else if (is_at_its_pool(run) && !run->recipe->conf->at_most_once) {
		await_send_freely(run);
	} else {
		if (!is_at_its_pool(run))
			run_give_back(run);
		await_start_first(run);
	}
}
