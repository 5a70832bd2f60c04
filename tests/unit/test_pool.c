/* Pools of real worker processes, and of workers that the test plays where the order of things matters. */
#include "daemon/worker/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/loop/loop.h"
#include "daemon/task/task.h"
#include "daemon/worker/channel.h"
#include "daemon/worker/worker.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char[]){s})
static char *run_sh[] = {TEXT("sh"), TEXT("-c"), TEXT("{payload}"), NULL};
static struct conf_step step = {.name = TEXT("run"), .run = run_sh};
static struct conf_pool pool_of_two = {.name = TEXT("ovens"), .workers = 2};
static struct conf_recipe recipe = {.name = TEXT("sh"),
    .steps = &step,
    .step_count = 1,
    .timeout_ms = CONF_NONE,
    .kill_after_ms = 5000,
    .stop_signal = SIGTERM,
    .result_max = 1 << 20};
static struct conf conf = {.pools = &pool_of_two, .pool_count = 1, .recipes = &recipe, .recipe_count = 1};

/* ---- the front's world ---- */

static struct loop *loop;
static struct pools *pools;
static struct pool *ovens;
static int idle, settled, claims, broken;
static int64_t broken_pid;
static struct worker *claimed[8];
static struct worker_claim claim[8];
static bool (*wanted)(void);

static void look(void)
{
	if (wanted && wanted())
		loop_stop(loop);
}

static void on_idle(void *arg, struct pool *p)
{
	(void)arg;
	ck_assert_ptr_eq(p, ovens);
	idle++;
	look();
}

static void on_claim(void *arg, struct worker *w, const struct worker_claim *c)
{
	(void)arg;
	claimed[claims] = w;
	claim[claims++] = *c;
	look();
}

static void on_settled(void *arg)
{
	(void)arg;
	settled++;
	look();
}

static void on_broken(void *arg, const char *pool, int index, int64_t pid)
{
	(void)arg;
	(void)index;
	ck_assert_str_eq(pool, "ovens");
	broken++;
	broken_pid = pid;
	look();
}

static void run_until(bool (*condition)(void))
{
	wanted = condition;
	while (!condition())
		ck_assert_int_eq(loop_run(loop), 0);
	wanted = NULL;
}

static void start_front(void)
{
	const struct pools_events events = {
	    .on_idle = on_idle, .on_claim = on_claim, .on_settled = on_settled};
	ck_assert_int_eq(pools_new(&conf, &events, &pools), 0);
	pools_set_on_broken(pools, on_broken, NULL);
	ovens = pools_find(pools, "ovens");
	ck_assert_ptr_nonnull(ovens);
	idle = settled = claims = broken = 0;
}

static void set_up(void)
{
	recipe.pool = pool_of_two.name;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	start_front();
}

/* ---- workers ---- */

struct hand { /* a worker process, as its supervisor has it */
	pid_t pid;
	int index;
	struct channel control;
};

static void introduce(struct hand *h, bool fresh)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_send(&h->control, MESSAGE_FRONT, fds[0]), 0);
	ck_assert_int_eq(channel_flush(&h->control), 0);
	ck_assert_int_eq(pools_add_worker(pools, "ovens", h->index, h->pid, fds[1], fresh), 0);
}

static void start_worker(struct hand *h, int index)
{
	int fds[2];
	const char *dir = unit_dir();
	ck_assert_int_eq(channel_pair(fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct worker_options o = {.conf = &conf,
		    .generation = 1,
		    .pool = &pool_of_two,
		    .index = index,
		    .control_fd = fds[1],
		    .lock_fd = -1,
		    .instance = "0123456789abcdef",
		    .server = "unix:/s",
		    .work_dir = dir};
		getrlimit(RLIMIT_NOFILE, &o.nofile);
		_exit(worker_main(&o));
	}
	close(fds[1]);
	*h = (struct hand){.pid = pid, .index = index};
	ck_assert_int_eq(channel_init(&h->control, fds[0]), 0);
}

static void end_worker(struct hand *h)
{
	channel_clear(&h->control);
	int status;
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_int_eq(status, 0);
}

static void take_down(void)
{
	pools_free(pools);
	task_runtime_clear();
	loop_free(loop);
}

/* ---- jobs ---- */

enum { RUNS = WORKER_HELD_MAX + 2 };
static struct job_run runs[RUNS];
static struct future_callback callbacks[RUNS];

static void on_end(struct future_callback *cb)
{
	(void)cb;
	look();
}

static bool first_ended(void)
{
	return future_is_final(&runs[0].ended);
}

static bool two_ended(void)
{
	return first_ended() && future_is_final(&runs[1].ended);
}

static bool one_idle(void)
{
	return pool_idle_count(ovens) == 1;
}

static bool two_idle(void)
{
	return pool_idle_count(ovens) == 2;
}

static bool is_settled(void)
{
	return settled > 0;
}

static bool is_claimed(void)
{
	return claims > 0;
}

static bool is_broken(void)
{
	return broken > 0;
}

static void watch(int i)
{
	future_add_callback(&runs[i].ended, &callbacks[i], on_end);
}

static int start_job(int i, const char *script)
{
	const struct job job = {.order = 100 + i,
	    .attempt = 1,
	    .recipe = "sh",
	    .generation = 1,
	    .timeout_ms = CONF_NONE,
	    .payload = {script, strlen(script)}};
	int index = -1;
	int r = job_run_start(ovens, &job, &runs[i], &index);
	if (r == 0) {
		ck_assert(index == 0 || index == 1);
		watch(i);
	}
	return r;
}

static void expect_result(int i, const char *text)
{
	const struct order_outcome *o = &runs[i].outcome;
	ck_assert_int_eq(o->cause, CAUSE_EXIT);
	ck_assert_int_eq(o->exit, 0);
	ck_assert_uint_eq(o->result_len, strlen(text));
	ck_assert_mem_eq(o->result, text, o->result_len);
	ck_assert(!o->result_cut);
}

START_TEST (a_worker_takes_one_job_after_the_other) {
	struct hand h;
	set_up();
	ck_assert_int_eq(start_job(0, "true"), -EAGAIN);
	start_worker(&h, 0);
	introduce(&h, true);
	struct pool_stats s;
	pool_stats_get(ovens, &s);
	ck_assert_int_eq(s.starting, 1);
	run_until(one_idle);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(start_job(0, "echo hello; echo warned >&2"), 0);
		ck_assert_int_eq(pool_busy_count(ovens), 1);
		ck_assert_int_eq(start_job(1, "true"), -EAGAIN);
		run_until(first_ended);
		expect_result(0, "hello\n");
		ck_assert_mem_eq(runs[0].outcome.message, "warned\n", 7);
		/* It could go on, but for what has not been released. */
		ck_assert_int_eq(pool_idle_count(ovens), 1);
		job_run_release(&runs[0]);
		ck_assert_int_eq(pool_idle_count(ovens), 1);
	}
	pool_stats_get(ovens, &s);
	ck_assert_int_eq(s.workers, 1);
	ck_assert_uint_eq(s.jobs, 20);
	ck_assert_uint_eq(s.lost, 0);
	take_down();
	end_worker(&h);
}
END_TEST

static int last;

static bool last_ended(void)
{
	return future_is_final(&runs[last].ended);
}

START_TEST (a_worker_goes_on_until_it_holds_too_many_outcomes) {
	struct hand h;
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	for (last = 0; last < WORKER_HELD_MAX; last++) {
		ck_assert_int_eq(start_job(last, "echo $BAKERY_ORDER"), 0);
		run_until(last_ended);
	}
	ck_assert_int_eq(pool_idle_count(ovens), 0);
	ck_assert_int_eq(pool_busy_count(ovens), 1);
	ck_assert_int_eq(start_job(last, "true"), -EAGAIN);
	/* In any order. */
	job_run_release(&runs[1]);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	ck_assert_int_eq(start_job(last, "echo $BAKERY_ORDER"), 0);
	run_until(last_ended);
	for (int i = 0; i <= last; i++) {
		if (i == 1)
			continue;
		char expected[20];
		snprintf(expected, sizeof expected, "%d\n", 100 + i);
		expect_result(i, expected);
		job_run_release(&runs[i]);
	}
	take_down();
	end_worker(&h);
}
END_TEST

START_TEST (workers_work_at_the_same_time) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	/* Each waits for the other. */
	char script[400];
	snprintf(script, sizeof script,
	    "cd %s; echo > $BAKERY_WORKER; while ! test -e 0 -a -e 1; do sleep 0.01; done", unit_dir());
	ck_assert_int_eq(start_job(0, script), 0);
	ck_assert_int_eq(start_job(1, script), 0);
	ck_assert_ptr_ne(runs[0].worker, runs[1].worker);
	run_until(two_ended);
	job_run_release(&runs[0]);
	job_run_release(&runs[1]);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

START_TEST (a_job_is_stopped) {
	struct hand h;
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	job_run_stop(&runs[0], JOB_STOP_CANCEL);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_CANCELLED);
	job_run_stop(&runs[0], JOB_STOP_CANCEL); /* too late is fine */
	job_run_release(&runs[0]);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	job_run_stop(&runs[0], JOB_STOP_DRAIN);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_DRAINED);
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h);
}
END_TEST

/* ---- another front ---- */

static bool second_ended(void)
{
	return future_is_final(&runs[1].ended);
}

static bool two_claims(void)
{
	return claims == 2;
}

/* The front dies and another one meets the same workers. */
static void replace_front(struct hand *h, int count)
{
	for (int i = 0; i < count; i++)
		free(runs[i].bytes); /* its memory goes with it */
	pools_free(pools);
	start_front();
	for (int i = 0; i < count; i++)
		introduce(&h[i], false);
	pools_announced(pools);
}

START_TEST (a_new_front_adopts_what_runs_and_what_has_ended) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	char script[400], go[300];
	snprintf(go, sizeof go, "%s/go", unit_dir());
	snprintf(script, sizeof script, "while ! test -e %s; do sleep 0.01; done; echo went on", go);
	ck_assert_int_eq(start_job(0, script), 0);
	ck_assert_int_eq(start_job(1, "echo ended"), 0);
	run_until(second_ended);

	replace_front(h, 2);
	run_until(is_settled);
	ck_assert_int_eq(claims, 2);
	int running = claim[0].order == 100 ? 0 : 1;
	ck_assert_int_eq(claim[running].order, 100);
	ck_assert(!claim[running].ended);
	ck_assert_int_eq(claim[!running].order, 101);
	ck_assert(claim[!running].ended);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	ck_assert_int_eq(job_run_adopt(claimed[running], &claim[running], &runs[0]), 0);
	ck_assert_int_eq(job_run_adopt(claimed[!running], &claim[!running], &runs[1]), 0);
	watch(0);
	watch(1);
	run_until(second_ended);
	expect_result(1, "ended\n");
	ck_assert(!first_ended());
	close(open(go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	run_until(first_ended);
	expect_result(0, "went on\n");
	job_run_release(&runs[0]);
	job_run_release(&runs[1]);
	ck_assert_int_eq(pool_idle_count(ovens), 2);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

START_TEST (a_new_front_discards_what_is_nobodys) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	ck_assert_int_eq(start_job(1, "echo ended"), 0);
	run_until(second_ended);
	replace_front(h, 2);
	run_until(two_claims);
	job_discard(claimed[0], &claim[0]);
	job_discard(claimed[1], &claim[1]);
	run_until(two_idle);
	ck_assert_int_eq(start_job(0, "echo fresh"), 0);
	run_until(first_ended);
	expect_result(0, "fresh\n");
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

START_TEST (settled_without_any_worker) {
	set_up();
	pools_announced(pools);
	ck_assert_int_eq(settled, 0); /* never inside the call */
	run_until(is_settled);
	ck_assert_int_eq(settled, 1);
	take_down();
}
END_TEST

/* ---- workers that the test plays ---- */

static struct channel played;

static void play(bool fresh)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&played, fds[0]), 0);
	ck_assert_int_eq(pools_add_worker(pools, "ovens", 1, 4711, fds[1], fresh), 0);
}

/* held: how many outcomes it will send. */
static void play_claim(int64_t order, int held)
{
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_CLAIM);
	message_add_int(&w, IPC_VERSION);
	message_add_int(&w, order != 0);
	if (order)
		message_add_job(&w, &(struct job_name){order, 1, 0, 0});
	message_add_int(&w, held);
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

static void play_ended(int64_t order, const char *result)
{
	static const int64_t numbers[] = {CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4};
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_JOB_ENDED);
	message_add_job(&w, &(struct job_name){order, 1, 0, 0});
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		message_add_int(&w, numbers[i]);
	message_add_int(&w, (int64_t)strlen(result));
	message_add_text(&w, result);
	message_add_text(&w, "");
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

static void expect_lost(int i)
{
	ck_assert_int_eq(runs[i].outcome.cause, CAUSE_WORKER_LOST);
	ck_assert_ptr_null(runs[i].worker);
	ck_assert_uint_gt(runs[i].outcome.message_len, 0);
	job_run_release(&runs[i]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	struct pool_stats s;
	pool_stats_get(ovens, &s);
	ck_assert_uint_eq(s.lost, 1);
}

/* One turn of the loop and what it brings: something that is due now has happened when a later timer has. */
static void on_turn(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

static void turn(void)
{
	for (int i = 0; i < 3; i++) {
		struct loop_timer t = {0};
		ck_assert_int_eq(loop_timer_set(loop, &t, 0, on_turn), 0);
		ck_assert_int_eq(loop_run(loop), 0);
	}
}

START_TEST (a_worker_is_lost_when_it_is_reaped_and_read_to_its_end) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	/* The end of its socket alone says nothing. */
	channel_clear(&played);
	turn();
	ck_assert(!first_ended());
	ck_assert_int_eq(start_job(1, "true"), -EAGAIN);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(first_ended);
	expect_lost(0);
	take_down();
}
END_TEST

START_TEST (one_that_says_nothing_is_broken_after_a_while) {
	clock_test_advance(0, 0);
	set_up();
	play(false);
	pools_announced(pools);
	clock_test_advance(29 * NS_PER_S, 0);
	turn();
	ck_assert_int_eq(broken, 0);
	clock_test_advance(2 * NS_PER_S, 0);
	run_until(is_broken);
	ck_assert_int_eq(broken_pid, 4711);
	ck_assert(!is_settled());
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(is_settled);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (one_that_has_answered_may_be_silent) {
	clock_test_advance(0, 0);
	set_up();
	play(false);
	pools_announced(pools);
	play_claim(0, 0);
	run_until(is_settled);
	clock_test_advance(60 * NS_PER_S, 0);
	turn();
	ck_assert_int_eq(broken, 0);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (reaped_first_read_to_its_end_later) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	pools_worker_ended(pools, "ovens", 1, 4711, 0);
	turn();
	ck_assert(!first_ended());
	channel_clear(&played);
	run_until(first_ended);
	expect_lost(0);
	take_down();
}
END_TEST

START_TEST (what_it_said_before_it_died_counts) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	play_ended(100, "in time");
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(first_ended);
	expect_result(0, "in time");
	job_run_release(&runs[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

START_TEST (an_old_worker_that_ends_without_a_word_settles) {
	set_up();
	play(false);
	pools_announced(pools);
	turn();
	ck_assert_int_eq(settled, 0);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(is_settled);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

START_TEST (it_has_answered_when_all_that_it_holds_is_here) {
	set_up();
	play(false);
	pools_announced(pools);
	play_claim(100, 2);
	play_ended(101, "first");
	run_until(two_claims);
	turn();
	ck_assert_int_eq(settled, 0);
	play_ended(102, "second");
	run_until(is_settled);
	ck_assert_int_eq(claims, 3);
	ck_assert(!claim[0].ended && claim[1].ended && claim[2].ended);
	ck_assert_int_eq(pool_busy_count(ovens), 1);
	ck_assert_int_eq(job_run_adopt(claimed[2], &claim[2], &runs[2]), 0);
	expect_result(2, "second");
	job_discard(claimed[1], &claim[1]);
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(!first_ended());
	play_ended(100, "third");
	run_until(one_idle);
	expect_result(0, "third");
	job_run_release(&runs[0]);
	job_run_release(&runs[2]);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (a_claim_is_answered_after_its_worker_has_died) {
	set_up();
	play(false);
	play_claim(100, 0);
	pools_announced(pools);
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	turn();
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(first_ended());
	expect_lost(0);

	pools_free(pools);
	start_front();
	play(false);
	play_claim(0, 1);
	play_ended(100, "kept");
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(first_ended());
	expect_result(0, "kept");
	job_run_release(&runs[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);

	pools_free(pools);
	start_front();
	play(false);
	play_claim(100, 0);
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	job_discard(claimed[0], &claim[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

static void garbage(void)
{
	ck_assert_int_eq(write(played.fd, "\377\377\377\377\377\377\377\377", 8), 8);
}

static void second_claim(void)
{
	play_claim(0, 0);
}

static void result_of_another(void)
{
	play_ended(999, "x");
}

static void a_request(void)
{
	ck_assert_int_eq(channel_send(&played, MESSAGE_FRONT_READY, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

START_TEST (a_worker_that_breaks_the_rules_is_reported_and_used_no_more) {
	static void (*const crimes[])(void) = {garbage, second_claim, result_of_another, a_request};
	set_up();
	pools_free(pools);
	for (size_t i = 0; i < sizeof crimes / sizeof *crimes; i++) {
		start_front();
		play(true);
		play_claim(0, 0);
		run_until(one_idle);
		ck_assert_int_eq(start_job(0, "true"), 0);
		crimes[i]();
		run_until(is_broken);
		ck_assert_int_eq(broken_pid, 4711);
		ck_assert_int_eq(pool_idle_count(ovens), 0);
		ck_assert(!first_ended());
		pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
		run_until(first_ended);
		expect_lost(0);
		channel_clear(&played);
		pools_free(pools);
	}
	start_front();
	take_down();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("pool");
	tcase_add_test(t, a_worker_takes_one_job_after_the_other);
	tcase_add_test(t, a_worker_goes_on_until_it_holds_too_many_outcomes);
	tcase_add_test(t, workers_work_at_the_same_time);
	tcase_add_test(t, a_job_is_stopped);
	tcase_add_test(t, a_new_front_adopts_what_runs_and_what_has_ended);
	tcase_add_test(t, a_new_front_discards_what_is_nobodys);
	tcase_add_test(t, settled_without_any_worker);
	tcase_add_test(t, a_worker_is_lost_when_it_is_reaped_and_read_to_its_end);
	tcase_add_test(t, one_that_says_nothing_is_broken_after_a_while);
	tcase_add_test(t, one_that_has_answered_may_be_silent);
	tcase_add_test(t, reaped_first_read_to_its_end_later);
	tcase_add_test(t, what_it_said_before_it_died_counts);
	tcase_add_test(t, an_old_worker_that_ends_without_a_word_settles);
	tcase_add_test(t, it_has_answered_when_all_that_it_holds_is_here);
	tcase_add_test(t, a_claim_is_answered_after_its_worker_has_died);
	tcase_add_test(t, a_worker_that_breaks_the_rules_is_reported_and_used_no_more);
	return unit_run();
}
