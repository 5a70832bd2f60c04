/*
 * The task of one attempt. await_run() is the whole way; what it calls is below in the order of the way.
 */
#include "daemon/sched/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/sched/inner.h"
#include "daemon/sched/retry.h"

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(run) ((run)->known = false)

enum {
	SPARE_RUNS = 256,
	TROUBLE_FIRST_MS = 20,
	TROUBLE_MAX_MS = 1000,
	START_AGAIN_MS = 1000,
};

static const char DAMAGED[] = "the stored payload is damaged";

static void step(struct run *run, enum attempt_news news)
{
	enum attempt_phase next = run->phase;
	int err = attempt_next(run->phase, news, &next);

	assert(err == 0);
	(void)err;
	run->phase = next;
}

/* ---- storage ---- */

static struct run *run_new(struct sched *s, struct sched_recipe *recipe, struct store_head *head, int attempt)
{
	struct run *run = SLIST_FIRST(&s->spare_runs);

	if (run) {
		SLIST_REMOVE_HEAD(&s->spare_runs, spare);
		s->spare_count--;
	} else {
		run = malloc(sizeof(*run));
		if (!run)
			return NULL;
	}
	memset(run, 0, sizeof(*run));
	run->sched = s;
	run->recipe = recipe;
	run->order = head->id;
	run->attempt = attempt;
	run->known = true;
	HASH_ADD(hh, s->runs_by_id, order, sizeof(run->order), run);
	if (!run->known) {
		free(run);
		return NULL;
	}
	run->head = head;
	TAILQ_INSERT_TAIL(&s->runs, run, entry);
	s->running++;
	if (recipe)
		recipe->running++;
	return run;
}

static void forget(struct run *run)
{
	if (run->known)
		HASH_DEL(run->sched->runs_by_id, run);
	run->known = false;
}

/* The recipe's and the daemon's limits do not count it any more. */
static void leave(struct run *run)
{
	forget(run);
	run->sched->running--;
	if (run->recipe)
		run->recipe->running--;
}

static void run_free(struct run *run)
{
	struct sched *s = run->sched;

	store_head_free(run->head);
	TAILQ_REMOVE(&s->runs, run, entry);
	if (s->spare_count < SPARE_RUNS) {
		SLIST_INSERT_HEAD(&s->spare_runs, run, spare);
		s->spare_count++;
	} else {
		free(run);
	}
}

struct run *run_find(struct sched *s, int64_t order)
{
	struct run *run;

	HASH_FIND(hh, s->runs_by_id, &order, sizeof(order), run);
	return run;
}

void run_free_all(struct sched *s)
{
	struct run *run;

	while ((run = TAILQ_FIRST(&s->runs))) {
		leave(run);
		run_free(run);
	}
	while ((run = SLIST_FIRST(&s->spare_runs))) {
		SLIST_REMOVE_HEAD(&s->spare_runs, spare);
		free(run);
	}
	s->spare_count = 0;
}

static void reserve(struct run *run)
{
	run->recipe->pool->reserved++;
	run->reserved = true;
}

static void unreserve(struct run *run)
{
	if (run->reserved)
		run->recipe->pool->reserved--;
	run->reserved = false;
}

/* ---- the way ---- */

static void await_send(struct run *run);
static void await_end(struct run *run);
static void await_keep(struct run *run);
static void over(struct run *run);

static int await_run(void *arg)
{
	struct run *run = arg;

	if (run->phase == ATTEMPT_PICKED)
		await_send(run);
	if (run->phase == ATTEMPT_RUNNING || run->phase == ATTEMPT_ENDING)
		await_end(run);
	if (run->phase == ATTEMPT_ENDED)
		await_keep(run);
	over(run);
	return 0;
}

static int spawn(struct run *run)
{
	struct task_spec spec = {
	    .name = "order", .id = run->order, .stack = TASK_STACK_SMALL, .fn = await_run, .arg = run};
	int err = task_spawn(&spec, NULL);

	if (err == 0)
		run->sched->tasks++;
	return err;
}

/* A pause after the store had trouble. False: the daemon is ending, and it makes no sense to try again. */
static bool await_trouble(struct run *run, const char *what, int err, int tries)
{
	int64_t ms = tries < 6 ? TROUBLE_FIRST_MS << tries : TROUBLE_MAX_MS;

	log_warn("the store has trouble", log_str("with", what), log_int("order", run->order),
	    log_int("attempt", run->attempt), log_str("error", err_text(err)), log_int("again_in_ms", ms));
	if (err == ERR_UNCERTAIN)
		sched_distrust(run->sched);
	return !run->sched->stopping && await_sleep_ms(ms) == 0;
}

/* ---- the start ---- */

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
		if (!await_trouble(run, "start", err, tries))
			return err;
	}
}

static void stop(struct run *run, enum job_stop why)
{
	if (run->phase == ATTEMPT_ENDING)
		job_run_stop(&run->job, why);
}

/*
 * The store refused: the attempt is not what it has. If that is news (a cancel, or an end, would have been told before), nobody knows where the order
 * is: it is looked for on disk when this attempt is over.
 */
static void lose_sight(struct run *run)
{
	if (!run->known)
		return;
	log_warn("an order was not as it was remembered", log_int("order", run->order),
	    log_int("attempt", run->attempt));
	run->lost_sight = true;
}

/* The store did not take the start: the order is not queued, or not as the window had it. */
static void refused(struct run *run)
{
	lose_sight(run);
	step(run, ATTEMPT_NEWS_REFUSED);
	stop(run, JOB_STOP_CANCEL);
}

static void start_without_waiting(struct run *run, int worker);

static void on_start_again(struct loop_timer *t)
{
	struct run *run = (struct run *)((char *)t - offsetof(struct run, start_again));

	start_without_waiting(run, run->start.worker);
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
			refused(run);
		return;
	}
	run->uncertain = run->uncertain || err == ERR_UNCERTAIN;
	log_warn("the store has trouble", log_str("with", "start"), log_int("order", run->order),
	    log_int("attempt", run->attempt), log_str("error", err_text(err)),
	    log_int("again_in_ms", START_AGAIN_MS));
	/* Without memory for a timer the end tries again: the order is stored as queued until then. */
	(void)loop_timer_set(
	    task_loop(), &run->start_again, clock_deadline_ms(START_AGAIN_MS), on_start_again);
}

static void start_without_waiting(struct run *run, int worker)
{
	run->starting = true;
	run->start = (struct store_start){.id = run->order, .attempt = run->attempt, .worker = worker};
	store_start(run->sched->store, &run->start);
	future_add_callback(&run->start.op.done, &run->started, on_started);
}

/* The start that was not waited for: 0 when it is durable, or will be before anything that is asked of the store from now on. */
static int start_state(struct run *run)
{
	if (!run->starting || !future_is_final(&run->start.op.done))
		return 0;
	return answer_of(&run->start.op);
}

/* ---- picked: payload, start, job ---- */

/* The payload is too large to have come with the order. 0; ERR_STATE: it is gone, and so is the order; ERR_CORRUPT; else the daemon is ending. */
static int await_payload(struct run *run, struct slice *payload, char **bytes)
{
	if (run->head->has_payload) {
		*payload = (struct slice){run->head->payload, run->head->payload_len};
		return 0;
	}
	for (int tries = 0;; tries++) {
		struct store_read read = {.id = run->order, .payload = true, .limit = UINT64_MAX};
		int err;

		store_read(run->sched->store, &read);
		err = await_future_shielded(&read.op.done);
		if (err == 0) {
			*bytes = read.bytes;
			*payload = (struct slice){read.bytes, read.len};
			return 0;
		}
		if (err == ERR_NOTFOUND || err == ERR_GONE)
			return ERR_STATE;
		if (err == ERR_CORRUPT || !await_trouble(run, "payload", err, tries))
			return err;
	}
}

static int64_t timeout_ms(const struct run *run)
{
	int64_t of_order = run->head->timeout_ms, of_recipe = run->recipe->conf->timeout_ms;

	if (of_order < 0)
		return of_recipe;
	return of_recipe < 0 || of_order < of_recipe ? of_order : of_recipe;
}

/* Hands the job to the pool. 0, or why nobody has it. */
static int hand_over(struct run *run, struct slice payload, int *worker)
{
	struct job job = {
	    .order = run->order,
	    .attempt = run->attempt,
	    .recipe = run->recipe->conf->name,
	    .generation = run->sched->generation,
	    .timeout_ms = timeout_ms(run),
	    .payload = payload,
	};
	int err;

	if (run->sched->draining || run->cancelled || !run->known)
		return ERR_CANCELLED;
	err = job_run_start(run->recipe->pool->pool, &job, &run->job, worker);
	if (err < 0)
		return err;
	run->at_worker = true;
	run->sched->started++;
	step(run, ATTEMPT_NEWS_SEND);
	return 0;
}

static void put_back(struct run *run)
{
	step(run, ATTEMPT_NEWS_RETURNED);
	if (run->known)
		window_put_back(&run->recipe->window, run->head);
	else
		store_head_free(run->head); /* cancelled meanwhile */
	run->head = NULL;
}

/* At least once: start and job go out at the same time. */
static void send_freely(struct run *run, struct slice payload)
{
	int worker;

	if (hand_over(run, payload, &worker) < 0)
		put_back(run);
	else
		start_without_waiting(run, worker);
}

static void start_unsent(struct run *run, enum order_cause cause, const char *message)
{
	int64_t now_ms = clock_wall_ms();

	run->outcome = (struct order_outcome){.cause = cause,
	    .exit = -1,
	    .started_ms = now_ms,
	    .finished_ms = now_ms,
	    .message = message,
	    .message_len = message ? strlen(message) : 0};
	step(run, ATTEMPT_NEWS_UNSENT);
}

/* At most once: the start is durable before the worker hears of the job. */
static void await_send_once(struct run *run, struct slice payload)
{
	int err = run->sched->draining ? ERR_CANCELLED : await_start(run), worker;

	if (err == ERR_STATE) {
		refused(run);
	} else if (err < 0) {
		put_back(run);
	} else if (hand_over(run, payload, &worker) < 0) {
		run->never_began = true;
		start_unsent(run,
		    run->cancelled         ? CAUSE_CANCELLED
		    : run->sched->draining ? CAUSE_DRAINED
					   : CAUSE_WORKER_LOST,
		    NULL);
	}
}

/* A payload that cannot be read again: the order fails, with an attempt that says why. */
static void await_fail_damaged(struct run *run)
{
	int err = await_start(run);

	if (err == 0)
		start_unsent(run, CAUSE_PARAMS, DAMAGED);
	else if (err == ERR_STATE)
		refused(run);
	else
		put_back(run);
}

static void await_send(struct run *run)
{
	struct slice payload;
	char *bytes = NULL;
	int err = await_payload(run, &payload, &bytes);

	if (err == ERR_STATE)
		refused(run);
	else if (err == ERR_CORRUPT)
		await_fail_damaged(run);
	else if (err < 0)
		put_back(run);
	else if (run->recipe->conf->at_most_once)
		await_send_once(run, payload);
	else
		send_freely(run, payload);
	free(bytes);
	unreserve(run);
}

/* ---- running ---- */

static void await_end(struct run *run)
{
	(void)await_future_shielded(&run->job.ended);
	step(run, ATTEMPT_NEWS_END);
	run->outcome = run->job.outcome;
}

/* ---- ended: the store takes it ---- */

static void await_start_final(struct run *run)
{
	if (!run->starting)
		return;
	(void)await_future_shielded(&run->start.op.done);
	future_remove_callback(&run->started);
	loop_timer_clear(task_loop(), &run->start_again);
}

static int await_finish(struct run *run, struct retry_decision *d)
{
	struct retry_case c = {
	    .recipe = run->recipe ? run->recipe->conf : NULL,
	    .head = run->head,
	    .outcome = &run->outcome,
	    .cancelled = run->cancelled,
	    .never_began = run->never_began,
	};
	struct store_finish finish = {.id = run->order, .attempt = run->attempt, .outcome = run->outcome};
	int err = failpoint("sched.before_finish");

	*d = retry_decide(&c);
	finish.next = d->next;
	finish.cause = d->cause;
	finish.delay_ms = d->delay_ms;
	finish.charge = d->charge;
	finish.lost = d->lost;
	if (err < 0)
		return err;
	store_finish(run->sched->store, &finish);
	return await_future_shielded(&finish.op.done);
}

/* A start that failed is tried again before its end is: an end is refused when the order was not started. */
static int await_start_again(struct run *run)
{
	int err = start_state(run);

	/* After an uncertain commit it may be the echo of that one: then the end tells. */
	if (err == ERR_STATE && run->uncertain)
		return 0;
	if (err == 0 || err == ERR_STATE || err == ERR_CORRUPT)
		return err;
	/* The callback that would note it may not have had its turn yet, and will not have it now. */
	run->uncertain = run->uncertain || err == ERR_UNCERTAIN;
	await_start_final(run);
	run->starting = false;
	return await_start(run);
}

/* The end was refused. Is that because a start failed that was on its way before it? */
static bool await_start_failed(struct run *run)
{
	if (!run->starting)
		return false;
	(void)await_future_shielded(&run->start.op.done);
	return start_state(run) < 0 && start_state(run) != ERR_STATE;
}

static void await_keep(struct run *run)
{
	for (int tries = 0; run->phase == ATTEMPT_ENDED; tries++) {
		struct retry_decision d;
		int err = await_start_again(run);

		if (err == 0)
			err = await_finish(run, &d);
		if (err == 0) {
			step(run, ATTEMPT_NEWS_DURABLE);
			run->sched->retried += !order_state_final(d.next);
		} else if (err == ERR_STATE || err == ERR_CORRUPT) {
			if (err == ERR_STATE && await_start_failed(run))
				continue;
			log_info("an end was dropped", log_int("order", run->order),
			    log_int("attempt", run->attempt), log_str("error", err_name(err)));
			lose_sight(run);
			step(run, ATTEMPT_NEWS_STALE);
		} else {
			step(run, ATTEMPT_NEWS_TROUBLE);
			if (!await_trouble(run, "end", err, tries)) {
				step(run, ATTEMPT_NEWS_ABANDON);
				run->abandoned = true;
			}
		}
	}
	await_start_final(run);
}

/* The worker is free for another order, and the limits too. */
static void over(struct run *run)
{
	struct sched *s = run->sched;
	struct sched_recipe *recipe = run->recipe;
	bool was_full = s->running >= s->conf->limits.running;

	assert(run->phase == ATTEMPT_OVER);
	leave(run);
	if (run->lost_sight && recipe)
		window_distrust(&recipe->window);
	/* The worker keeps the result for the next daemon, and the pool has the storage until it is freed. */
	if (!run->abandoned) {
		if (run->at_worker)
			job_run_release(&run->job);
		run_free(run);
	}
	if (recipe)
		sched_recipe_changed(recipe);
	if (was_full)
		sched_start_all(s);
	else if (recipe)
		sched_start_ready(s, recipe->pool);
	sched_task_ended(s);
}

/* ---- from outside ---- */

int run_pick(struct sched_recipe *r, struct store_head *head)
{
	struct run *run = run_new(r->sched, r, head, head->attempts + 1);
	int err;

	if (!run)
		return -ENOMEM;
	step(run, ATTEMPT_NEWS_PICK);
	err = spawn(run);
	if (err < 0) {
		run->head = NULL;
		leave(run);
		run_free(run);
		return err;
	}
	reserve(run);
	return 0;
}

int run_recover(struct sched *s, struct sched_recipe *recipe, struct store_head *head)
{
	struct run *run = run_new(s, recipe, head, head->attempts);

	if (!run)
		return -ENOMEM;
	step(run, ATTEMPT_NEWS_RECOVER);
	run->cancelled = head->cancel_requested;
	return 0;
}

int run_claim(struct run *run, struct worker *worker, const struct worker_claim *claim, bool unstarted)
{
	int err = job_run_adopt(worker, claim, &run->job);

	if (err < 0)
		return err;
	run->at_worker = true;
	step(run, ATTEMPT_NEWS_CLAIM);
	if (unstarted)
		start_without_waiting(run, -1);
	if (run->cancelled)
		run_cancel(run);
	return spawn(run);
}

int run_nobody(struct run *run)
{
	run->outcome = (struct order_outcome){
	    .cause = CAUSE_DAEMON_LOST, .exit = -1, .finished_ms = clock_wall_ms()};
	step(run, ATTEMPT_NEWS_NOBODY);
	return spawn(run);
}

void run_cancel(struct run *run)
{
	run->cancelled = true;
	step(run, ATTEMPT_NEWS_CANCEL);
	stop(run, JOB_STOP_CANCEL);
}

void run_drain(struct run *run)
{
	if (run->phase == ATTEMPT_OVER)
		return;
	step(run, ATTEMPT_NEWS_DRAIN);
	stop(run, JOB_STOP_DRAIN);
}

void run_disown(struct run *run)
{
	forget(run);
	if (run->phase == ATTEMPT_RUNNING || run->phase == ATTEMPT_ENDING)
		refused(run);
}
