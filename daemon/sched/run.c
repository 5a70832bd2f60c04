/*
 * The task of one attempt. await_way() is the whole way; its parts are in the files that way.h names.
 */
#include "daemon/sched/run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/sched/way.h"

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(run) ((run)->known = false)

enum { SPARE_RUNS = 256, TROUBLE_FIRST_MS = 20, TROUBLE_MAX_MS = 1000 };

void run_step(struct run *run, enum attempt_news news)
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

	if (sched_make_lines(s, (size_t)s->running + 1) < 0)
		return NULL;
	if (run) {
		SLIST_REMOVE_HEAD(&s->spare_runs, spare);
		s->spare_count--;
	} else {
		run = malloc(sizeof(*run));
		if (!run)
			return NULL;
	}
	memset(run, 0, sizeof(*run));
	/* A start that failed must be asked for again, whatever memory there is then. */
	if (loop_timer_reserve(task_loop(), &run->start_again) < 0) {
		free(run);
		return NULL;
	}
	run->sched = s;
	run->recipe = recipe;
	run->order = head->id;
	run->attempt = attempt;
	run_waits(run, "");
	run->known = true;
	HASH_ADD(hh, s->runs_by_id, order, sizeof(run->order), run);
	if (!run->known) {
		loop_timer_release(task_loop(), &run->start_again);
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

	loop_timer_release(task_loop(), &run->start_again);
	store_head_free(run->head);
	free(run->claim);
	step_try_clear(&run->light);
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

/* ---- the way ---- */

/* The worker is free for another order, and the limits too. */
static void over(struct run *run)
{
	struct sched *s = run->sched;
	struct sched_recipe *recipe = run->recipe;
	bool was_full = s->running >= s->conf->limits.running;

	assert(run->phase == ATTEMPT_OVER);
	run_unreserve(run);
	leave(run);
	if (run->lost_sight && recipe)
		window_distrust(&recipe->window);
	/* A worker keeps the result for the next daemon, and the pool has the storage until it is freed. */
	if (!run->abandoned) {
		run_release(run);
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

static bool is_on_its_way(const struct run *run)
{
	return run->phase == ATTEMPT_BETWEEN || run->phase == ATTEMPT_RUNNING || run->phase == ATTEMPT_ENDING;
}

static int await_way(void *arg)
{
	struct run *run = arg;

	if (run->phase == ATTEMPT_PICKED)
		await_run_begin(run);
	while (is_on_its_way(run)) {
		/* A job that is at a worker already (sent together with its start, or adopted) is heavy, whatever the recipe says now. */
		if (run->at_worker || conf_step_is_heavy(run_conf_step(run)))
			await_run_heavy(run);
		else
			await_run_light(run);
		if (is_on_its_way(run))
			await_run_advance(run);
	}
	if (run->phase == ATTEMPT_ENDED)
		await_run_keep(run);
	over(run);
	return 0;
}

static int spawn(struct run *run)
{
	struct task_spec spec = {
	    .name = "order", .id = run->order, .stack = TASK_STACK_SMALL, .fn = await_way, .arg = run};
	int err = task_spawn(&spec, &run->task);

	if (err == 0)
		run->sched->tasks++;
	return err;
}

/* ---- what the parts share ---- */

const struct conf_step *run_conf_step(const struct run *run)
{
	return &run->recipe->conf->steps[run->step];
}

bool run_is_last(const struct run *run)
{
	return !run->recipe || (size_t)run->step + 1 >= run->recipe->conf->step_count;
}

/* The store has something else. */
static bool is_nobodys(const struct run *run)
{
	return !run->known || run->lost_sight;
}

bool run_is_stopped(const struct run *run)
{
	return run->cancelled || is_nobodys(run) || run->sched->draining;
}

/* The order's own time may only be shorter than the recipe's. */
static int64_t time_ms(const struct run *run)
{
	int64_t of_order = run->head->timeout_ms, of_recipe = run->recipe->conf->timeout_ms;

	if (of_order < 0)
		return of_recipe;
	return of_recipe < 0 || of_order < of_recipe ? of_order : of_recipe;
}

int64_t run_left_ms(const struct run *run)
{
	int64_t ms = time_ms(run);

	if (ms < 0)
		return CONF_NONE;
	return run->used_ms < ms ? ms - run->used_ms : 0;
}

void run_end(struct run *run, enum order_cause cause, const char *message)
{
	int64_t now_ms = clock_wall_ms();

	run->outcome = (struct order_outcome){.cause = cause,
	    .exit = -1,
	    .started_ms = now_ms,
	    .finished_ms = now_ms,
	    .message = message,
	    .message_len = message ? strlen(message) : 0};
	run_step(run, ATTEMPT_NEWS_END);
}

bool run_ends_between(struct run *run)
{
	/* Why the task was cancelled is in the run. */
	(void)task_uncancel();
	if (run->cancelled) {
		run_end(run, CAUSE_CANCELLED, NULL);
	} else if (is_nobodys(run)) {
		run_end(run, CAUSE_DAEMON_LOST, NULL); /* whatever it says, it is not the order's end */
	} else if (run->sched->draining) {
		run->stopped_between = run->try == 0;
		run_end(run, CAUSE_DRAINED, NULL);
	} else if (run_left_ms(run) == 0) {
		run_end(run, CAUSE_TIMEOUT, NULL);
	}
	return run->phase == ATTEMPT_ENDED;
}

void run_release(struct run *run)
{
	if (run->at_worker)
		job_run_release(&run->job);
	run->at_worker = false;
	step_try_clear(&run->light);
	run->light = (struct step_try){.bytes = NULL};
}

void run_lose_sight(struct run *run)
{
	/* A cancel, or an end, would have been told before: this is news, and nobody knows where the order is. */
	if (!run->known)
		return;
	log_warn("an order was not as it was remembered", log_int("order", run->order),
	    log_int("attempt", run->attempt));
	run->lost_sight = true;
}

bool await_run_trouble(struct run *run, const char *what, int err, int tries)
{
	int64_t ms = tries < 6 ? TROUBLE_FIRST_MS << tries : TROUBLE_MAX_MS;

	log_warn(err == -ENOMEM ? "memory was refused" : "the store has trouble", log_str("with", what),
	    log_int("order", run->order), log_int("attempt", run->attempt), log_str("error", err_text(err)),
	    log_int("again_in_ms", ms));
	if (err == ERR_UNCERTAIN)
		sched_distrust(run->sched);
	if (run->sched->stopping)
		return false;
	/* A cancel of the task ends the pause, and is for the caller to see in the run. */
	(void)await_sleep_ms(ms);
	(void)task_uncancel();
	return true;
}

static const char *step_name(const struct run *run)
{
	bool known = run->recipe && (size_t)run->step < run->recipe->conf->step_count;

	return known ? run_conf_step(run)->name : NULL;
}

#define log_step(run, event, ...)                                                            \
	log_debug(event, log_int("order", (run)->order), log_int("attempt", (run)->attempt), \
	    log_str("step", step_name(run)) __VA_OPT__(, ) __VA_ARGS__)

void run_log_begins(const struct run *run)
{
	log_step(run, "step begins");
}

void run_log_ends(const struct run *run)
{
	enum order_cause cause = run->outcome.cause;

	log_step(run, "step ends", log_str("cause", cause == CAUSE_NONE ? "none" : order_cause_word(cause)));
}

void run_waits(struct run *run, const char *what)
{
	run->waits_for = what;
	run->waits_since_ns = loop_now_ns(task_loop());
}

void run_gives_way(struct run *run, const char *what)
{
	run_waits(run, what);
	log_step(run, "step gives way", log_str("for", what));
}

void run_reserve(struct run *run, struct sched_pool *p)
{
	p->reserved++;
	run->reserved = p;
}

void run_unreserve(struct run *run)
{
	if (run->reserved)
		run->reserved->reserved--;
	run->reserved = NULL;
}

void run_give_back(struct run *run)
{
	struct sched_pool *p = run->reserved;

	run_unreserve(run);
	if (p)
		sched_start_ready(run->sched, p);
}

/* ---- from outside ---- */

int run_pick(struct sched_recipe *r, struct store_head *head)
{
	struct run *run = run_new(r->sched, r, head, head->attempts + 1);
	int err;

	if (!run)
		return -ENOMEM;
	run_step(run, ATTEMPT_NEWS_PICK);
	err = spawn(run);
	if (err < 0) {
		run->head = NULL;
		leave(run);
		run_free(run);
		return err;
	}
	if (r->pool->pool)
		run_reserve(run, r->pool);
	return 0;
}

void run_grant(struct run *run, struct sched_pool *p)
{
	run_reserve(run, p);
	(void)future_set_result(&run->turn, NULL);
}

int run_recover(struct sched *s, struct sched_recipe *recipe, struct store_head *head)
{
	struct run *run = run_new(s, recipe, head, head->attempts);

	if (!run)
		return -ENOMEM;
	run_step(run, ATTEMPT_NEWS_RECOVER);
	run->cancelled = head->cancel_requested;
	return 0;
}

int run_claim(struct run *run, struct worker *worker, const struct worker_claim *claim)
{
	int err = job_run_adopt(worker, claim, &run->job);

	if (err < 0)
		return err;
	run->at_worker = true;
	run->step = claim->step;
	run->try = claim->try;
	run_waits(run, "job");
	run_step(run, ATTEMPT_NEWS_CLAIM);
	if (run->unstarted)
		run_start_on_the_way(run, -1);
	if (run->cancelled)
		run_cancel(run);
	return spawn(run);
}

int run_nobody(struct run *run)
{
	run->outcome = (struct order_outcome){
	    .cause = CAUSE_DAEMON_LOST, .exit = -1, .finished_ms = clock_wall_ms()};
	run_step(run, ATTEMPT_NEWS_NOBODY);
	return spawn(run);
}

/* Tells whatever it waits for: a job its worker; a light step, a line or a pause the task. An answer of the store is waited for in any case. */
static void stop(struct run *run, enum job_stop why)
{
	if (run->phase == ATTEMPT_BETWEEN || run->is_light)
		(void)task_cancel(run->task);
	else if (run->phase == ATTEMPT_ENDING)
		job_run_stop(&run->job, why);
}

void run_refused(struct run *run)
{
	run_lose_sight(run);
	run_step(run, ATTEMPT_NEWS_REFUSED);
	stop(run, JOB_STOP_CANCEL);
}

void run_cancel(struct run *run)
{
	if (run->phase == ATTEMPT_OVER)
		return;
	run->cancelled = true;
	run_step(run, ATTEMPT_NEWS_CANCEL);
	stop(run, JOB_STOP_CANCEL);
}

void run_hold(struct run *run)
{
	if (run->phase == ATTEMPT_BETWEEN)
		(void)task_cancel(run->task);
}

void run_drain(struct run *run)
{
	if (run->phase == ATTEMPT_OVER)
		return;
	run_step(run, ATTEMPT_NEWS_DRAIN);
	stop(run, JOB_STOP_DRAIN);
}

void run_disown(struct run *run)
{
	forget(run);
	if (is_on_its_way(run))
		run_refused(run);
}
