/* Blocking calls in threads: results, the line and its limit, cancel and time, who has the argument then, refusals, the end. */
#include "daemon/task/executor.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/refuse.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

/* ---- a call that blocks until the test lets it go on ---- */

struct job {
	int begun[2], go[2]; /* pipes: one byte each */
	atomic_int ran;
	int discarded;
	pthread_t discarded_by;
	struct executor_call call;
};

static struct executor *lane;

static struct job *job_new(void)
{
	struct job *j = calloc(1, sizeof *j);
	ck_assert_ptr_nonnull(j);
	ck_assert_int_eq(pipe(j->begun), 0);
	ck_assert_int_eq(pipe(j->go), 0);
	return j;
}

static void job_free(struct job *j)
{
	for (int i = 0; i < 2; i++) {
		close(j->begun[i]);
		close(j->go[i]);
	}
	free(j);
}

static void pass(int from)
{
	char c;
	ssize_t n;
	while ((n = read(from, &c, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		abort();
}

static void let_pass(int to)
{
	if (write(to, "x", 1) != 1)
		abort();
}

/* In a thread. */
static int block(void *arg)
{
	struct job *j = arg;
	let_pass(j->begun[1]);
	pass(j->go[0]);
	/* So that who does not wait for us is seen. */
	for (int i = 0; i < 100; i++)
		sched_yield();
	j->ran++;
	return 7;
}

static void discard(void *arg)
{
	struct job *j = arg;
	j->discarded++;
	j->discarded_by = pthread_self();
}

/* A task for such a call. */
struct waiter {
	struct job *job;
	int64_t deadline_ns;
	int result;
};

static int wait_for_block(void *arg)
{
	struct waiter *w = arg;
	w->result = await_executor(lane, block, w->job, discard, w->deadline_ns);
	return 0;
}

static void make_lane(int threads, size_t line)
{
	ck_assert_int_eq(executor_new("a lane with a long name", threads, line, &lane), 0);
}

static void setup(void)
{
	world_setup();
	clock_test_hold(true);
}

static void clear(void)
{
	executor_free(lane);
	lane = NULL;
	world_clear();
}

/* Turns until the call is over. */
static void run_until_final(const struct future *f)
{
	while (!future_is_final(f))
		world_turns(1);
}

/* ---- what a call is ---- */

struct seen {
	pthread_t thread;
	char name[32];
	bool signals_blocked;
	size_t stack_bytes;
};

static int look_around(void *arg)
{
	struct seen *s = arg;
	s->thread = pthread_self();
	pthread_getname_np(s->thread, s->name, sizeof s->name);
	sigset_t blocked;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	s->signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
	pthread_attr_t attr;
	pthread_getattr_np(s->thread, &attr);
	pthread_attr_getstacksize(&attr, &s->stack_bytes);
	pthread_attr_destroy(&attr);
	return -ENOENT;
}

static int wait_for_look(void *arg)
{
	ck_assert_int_eq(await_executor(lane, look_around, arg, discard, CLOCK_NEVER), -ENOENT);
	return 0;
}

START_TEST (a_call_runs_in_a_thread_of_its_own_and_returns_its_result) {
	make_lane(2, 2);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 0);
	struct seen s = {0};
	world_spawn("asker", wait_for_look, &s);
	world_run();
	ck_assert(!pthread_equal(s.thread, pthread_self()));
	ck_assert_str_eq(s.name, "a lane with a l");
	ck_assert(s.signals_blocked);
	ck_assert_uint_ge(s.stack_bytes, 256 << 10);
	ck_assert_uint_lt(s.stack_bytes, 1 << 20);
	sigset_t ours;
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	ck_assert(!sigismember(&ours, SIGTERM));
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 1);
	ck_assert_int_eq(stats.busy, 0);
	ck_assert_uint_eq(stats.line, 0);
	ck_assert_uint_eq(stats.calls, 1);
}
END_TEST

static int yield_then_release(void *arg)
{
	struct job *j = arg;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(await_yield(), 0);
	ck_assert_int_eq(j->ran, 0);
	let_pass(j->go[1]);
	return 0;
}

START_TEST (a_call_that_blocks_does_not_block_the_loop) {
	make_lane(1, 0);
	struct waiter w = {.job = job_new(), .deadline_ns = CLOCK_NEVER};
	world_spawn("blocked", wait_for_block, &w);
	world_spawn("yields", yield_then_release, w.job);
	world_run();
	ck_assert_int_eq(w.result, 7);
	ck_assert_int_eq(w.job->ran, 1);
	ck_assert_int_eq(w.job->discarded, 0);
	job_free(w.job);
}
END_TEST

START_TEST (threads_are_started_while_there_is_work_for_them) {
	make_lane(3, 0);
	struct job *jobs[3];
	for (int i = 0; i < 3; i++) {
		jobs[i] = job_new();
		ck_assert_int_eq(executor_start(lane, &jobs[i]->call, block, jobs[i]), 0);
	}
	/* All at once. */
	for (int i = 0; i < 3; i++)
		pass(jobs[i]->begun[0]);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 3);
	ck_assert_int_eq(stats.busy, 3);
	for (int i = 0; i < 3; i++) {
		let_pass(jobs[i]->go[1]);
		run_until_final(&jobs[i]->call.done);
		ck_assert_int_eq(jobs[i]->call.result, 7);
	}
	/* And one is enough for one call after the other. */
	ck_assert_int_eq(executor_start(lane, &jobs[0]->call, block, jobs[0]), 0);
	let_pass(jobs[0]->go[1]);
	run_until_final(&jobs[0]->call.done);
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 3);
	for (int i = 0; i < 3; i++)
		job_free(jobs[i]);
}
END_TEST

/* ---- the line ---- */

static char order[8];

static int add_to_order(void *arg)
{
	strncat(order, arg, 1);
	return 0;
}

START_TEST (the_line_is_first_in_first_out_and_bounded) {
	make_lane(1, 3);
	struct job *j = job_new();
	ck_assert_int_eq(executor_start(lane, &j->call, block, j), 0);
	struct executor_call calls[3], one_more;
	static char letters[5][2] = {"a", "b", "c", "d", "x"};
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(executor_start(lane, &calls[i], add_to_order, letters[i]), 0);
	ck_assert_int_eq(executor_start(lane, &one_more, add_to_order, letters[4]), -EAGAIN);
	pass(j->begun[0]);
	ck_assert_int_eq(executor_start(lane, &one_more, add_to_order, letters[4]), -EAGAIN);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_uint_eq(stats.line, 3);
	let_pass(j->go[1]);
	run_until_final(&calls[2].done);
	ck_assert_int_eq(calls[0].done.state, FUTURE_RESULT);
	ck_assert_str_eq(order, "abc");
	ck_assert_int_eq(executor_start(lane, &one_more, add_to_order, letters[3]), 0);
	run_until_final(&one_more.done);
	ck_assert_str_eq(order, "abcd");
	job_free(j);
}
END_TEST

START_TEST (a_task_is_told_that_the_line_is_full_and_keeps_its_argument) {
	make_lane(1, 0);
	struct job *j = job_new();
	ck_assert_int_eq(executor_start(lane, &j->call, block, j), 0);
	struct waiter w = {.job = job_new(), .deadline_ns = CLOCK_NEVER};
	world_spawn("refused", wait_for_block, &w);
	world_run();
	ck_assert_int_eq(w.result, -EAGAIN);
	ck_assert_int_eq(w.job->discarded, 0);
	let_pass(j->go[1]);
	run_until_final(&j->call.done);
	job_free(j);
	job_free(w.job);
}
END_TEST

/* ---- cancel and time ---- */

START_TEST (a_call_is_cancelled_only_before_it_has_begun) {
	make_lane(1, 2);
	struct job *a = job_new(), *b = job_new(), *c = job_new();
	ck_assert_int_eq(executor_start(lane, &a->call, block, a), 0);
	ck_assert_int_eq(executor_start(lane, &b->call, block, b), 0);
	ck_assert_int_eq(executor_start(lane, &c->call, block, c), 0);
	pass(a->begun[0]);
	ck_assert(executor_cancel(&b->call));
	ck_assert_int_eq(b->call.done.state, FUTURE_CANCELLED);
	ck_assert(!executor_cancel(&b->call));
	/* Its place is free. */
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_uint_eq(stats.line, 1);
	ck_assert(!executor_cancel(&a->call));
	ck_assert(!future_is_final(&a->call.done));
	let_pass(a->go[1]);
	let_pass(c->go[1]);
	run_until_final(&c->call.done);
	ck_assert_int_eq(a->call.done.state, FUTURE_RESULT);
	ck_assert_int_eq(c->call.result, 7);
	ck_assert_int_eq(b->ran, 0);
	ck_assert(!executor_cancel(&a->call));
	job_free(a);
	job_free(b);
	job_free(c);
}
END_TEST

/* The task gives up; _i: 0 by a cancel, 1 by its deadline. */
static int64_t deadline_of(int way)
{
	return way == 0 ? CLOCK_NEVER : clock_deadline_ms(1000);
}

static void give_up(int way, struct task *t, const struct waiter *w)
{
	if (way == 0)
		task_cancel(t);
	else
		clock_test_advance(1500 * NS_PER_MS, 0);
	world_run();
	ck_assert_int_eq(w->result, way == 0 ? ERR_CANCELLED : ERR_TIMEOUT);
}

START_TEST (who_gives_up_before_the_call_began_discards_at_once) {
	make_lane(1, 1);
	struct job *first = job_new();
	ck_assert_int_eq(executor_start(lane, &first->call, block, first), 0);
	struct waiter w = {.job = job_new(), .deadline_ns = deadline_of(_i)};
	struct task *t = world_spawn("waits", wait_for_block, &w);
	pass(first->begun[0]);
	world_turns(1);
	give_up(_i, t, &w);
	ck_assert_int_eq(w.job->discarded, 1);
	ck_assert(pthread_equal(w.job->discarded_by, pthread_self()));
	let_pass(first->go[1]);
	run_until_final(&first->call.done);
	world_turns(3);
	ck_assert_int_eq(w.job->ran, 0);
	ck_assert_int_eq(w.job->discarded, 1);
	job_free(first);
	job_free(w.job);
}
END_TEST

START_TEST (who_gives_up_after_the_call_began_discards_when_it_has_returned) {
	make_lane(1, 1);
	struct waiter w = {.job = job_new(), .deadline_ns = deadline_of(_i)};
	struct task *t = world_spawn("waits", wait_for_block, &w);
	world_turns(1);
	pass(w.job->begun[0]);
	give_up(_i, t, &w);
	ck_assert_int_eq(w.job->discarded, 0);
	let_pass(w.job->go[1]);
	while (w.job->discarded == 0)
		world_turns(1);
	ck_assert_int_eq(w.job->ran, 1);
	ck_assert(pthread_equal(w.job->discarded_by, pthread_self()));
	world_turns(3);
	ck_assert_int_eq(w.job->discarded, 1);
	job_free(w.job);
}
END_TEST

/* _i: 0 it has been cancelled, 1 its deadline has passed. */
START_TEST (for_who_would_not_wait_no_call_begins) {
	make_lane(1, 1);
	struct waiter w = {.job = job_new(), .deadline_ns = _i == 0 ? CLOCK_NEVER : CLOCK_TRY};
	struct task *t = world_spawn("waits", wait_for_block, &w);
	if (_i == 0)
		task_cancel(t);
	world_run();
	ck_assert_int_eq(w.result, _i == 0 ? ERR_CANCELLED : ERR_TIMEOUT);
	ck_assert_int_eq(w.job->discarded, 1);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 0);
	job_free(w.job);
}
END_TEST

START_TEST (a_result_that_came_with_the_cancel_is_discarded) {
	make_lane(1, 0);
	struct waiter w = {.job = job_new(), .deadline_ns = CLOCK_NEVER};
	struct task *t = world_spawn("waits", wait_for_block, &w);
	world_turns(1);
	pass(w.job->begun[0]);
	task_cancel(t);
	let_pass(w.job->go[1]);
	/* The lane's end delivers what has returned, before the task has its turn. */
	executor_free(lane);
	lane = NULL;
	ck_assert_int_eq(w.job->discarded, 0);
	world_run();
	ck_assert_int_eq(w.result, ERR_CANCELLED);
	ck_assert_int_eq(w.job->discarded, 1);
	job_free(w.job);
}
END_TEST

/* ---- refusals ---- */

static int threads_allowed = -1; /* so many more; −1: any */

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *arg), void *arg);

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *arg), void *arg)
{
	if (threads_allowed == 0)
		return EAGAIN;
	if (threads_allowed > 0)
		threads_allowed--;
	return __real_pthread_create(id, attr, fn, arg);
}

START_TEST (where_a_thread_is_refused_the_first_one_serves_all) {
	make_lane(2, 0);
	struct job *a = job_new(), *b = job_new();
	threads_allowed = 0;
	ck_assert_int_eq(executor_start(lane, &a->call, block, a), -EAGAIN);
	struct waiter w = {.job = a, .deadline_ns = CLOCK_NEVER};
	world_spawn("refused", wait_for_block, &w);
	world_run();
	ck_assert_int_eq(w.result, -EAGAIN);
	ck_assert_int_eq(a->discarded, 0);
	threads_allowed = 1;
	ck_assert_int_eq(executor_start(lane, &a->call, block, a), 0);
	ck_assert_int_eq(executor_start(lane, &b->call, block, b), 0);
	pass(a->begun[0]);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 1);
	ck_assert_uint_eq(stats.line, 1);
	let_pass(a->go[1]);
	let_pass(b->go[1]);
	run_until_final(&b->call.done);
	ck_assert_int_eq(b->call.result, 7);
	threads_allowed = -1;
	job_free(a);
	job_free(b);
}
END_TEST

START_TEST (without_descriptors_there_is_no_lane) {
	struct rlimit files, none;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	none = files;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = executor_new("lane", 1, 1, &lane);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_ptr_null(lane);
}
END_TEST

START_TEST (refused_memory_is_told_and_nothing_has_happened) {
	struct job *j = job_new();
	let_pass(j->go[1]);
	struct waiter w = {.job = j, .deadline_ns = clock_deadline_ms(1000)};
	int r = -ENOMEM;
	for (long n = 0; r == -ENOMEM; n++) {
		ck_assert_int_lt(n, 20);
		refuse_memory_after(n);
		r = executor_new("lane", 2, 2, &lane);
		refuse_memory_never();
	}
	ck_assert_int_eq(r, 0);
	w.result = -ENOMEM;
	for (long n = 0; w.result == -ENOMEM; n++) {
		ck_assert_int_lt(n, 20);
		ck_assert_int_eq(j->ran, 0);
		world_spawn("waits", wait_for_block, &w);
		refuse_memory_after(n);
		world_run();
		refuse_memory_never();
		ck_assert_int_eq(j->discarded, 0);
	}
	ck_assert_int_eq(w.result, 7);
	executor_free(lane);
	lane = NULL;
	job_free(j);
}
END_TEST

/* ---- the end ---- */

START_TEST (the_end_cancels_what_waits_and_waits_for_what_has_begun) {
	make_lane(1, 4);
	struct job *begun = job_new(), *waits = job_new();
	struct waiter gave_up = {.job = begun, .deadline_ns = CLOCK_NEVER};
	struct waiter in_line = {.job = job_new(), .deadline_ns = CLOCK_NEVER};
	struct task *t = world_spawn("gave up", wait_for_block, &gave_up);
	world_turns(1);
	pass(begun->begun[0]);
	world_spawn("in line", wait_for_block, &in_line);
	world_turns(1);
	ck_assert_int_eq(executor_start(lane, &waits->call, block, waits), 0);
	task_cancel(t);
	world_turns(1);
	ck_assert_int_eq(gave_up.result, ERR_CANCELLED);
	ck_assert_int_eq(begun->discarded, 0);
	let_pass(begun->go[1]);
	executor_free(lane);
	lane = NULL;
	/* All of that without a turn of the loop. */
	ck_assert_int_eq(begun->ran, 1);
	ck_assert_int_eq(begun->discarded, 1);
	ck_assert_int_eq(waits->call.done.state, FUTURE_CANCELLED);
	world_run();
	ck_assert_int_eq(in_line.result, ERR_CANCELLED);
	ck_assert_int_eq(in_line.job->discarded, 1);
	ck_assert_int_eq(in_line.job->ran + waits->ran, 0);
	job_free(begun);
	job_free(waits);
	job_free(in_line.job);
}
END_TEST

START_TEST (no_lane_is_fine) {
	executor_free(NULL);
}
END_TEST

/* ---- many ---- */

enum { ASKERS = 20, ASKED = 20 };

static int add_one(void *arg)
{
	return ++*(int *)arg;
}

static int ask_often(void *arg)
{
	int *sum = arg;
	for (int i = 0; i < ASKED; i++) {
		int r = await_executor(lane, add_one, sum, discard, CLOCK_NEVER);
		ck_assert_int_eq(r, i + 1);
	}
	return 0;
}

START_TEST (many_calls_through_few_threads) {
	make_lane(4, ASKERS);
	int sums[ASKERS] = {0};
	for (int i = 0; i < ASKERS; i++)
		world_spawn("asks", ask_often, &sums[i]);
	world_run();
	for (int i = 0; i < ASKERS; i++)
		ck_assert_int_eq(sums[i], ASKED);
	struct executor_stats stats;
	executor_stats_get(lane, &stats);
	ck_assert_int_eq(stats.threads, 4);
	ck_assert_uint_eq(stats.calls, ASKERS * ASKED);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("executor");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, a_call_runs_in_a_thread_of_its_own_and_returns_its_result);
	tcase_add_test(t, a_call_that_blocks_does_not_block_the_loop);
	tcase_add_test(t, threads_are_started_while_there_is_work_for_them);
	tcase_add_test(t, the_line_is_first_in_first_out_and_bounded);
	tcase_add_test(t, a_task_is_told_that_the_line_is_full_and_keeps_its_argument);
	tcase_add_test(t, a_call_is_cancelled_only_before_it_has_begun);
	tcase_add_loop_test(t, who_gives_up_before_the_call_began_discards_at_once, 0, 2);
	tcase_add_loop_test(t, who_gives_up_after_the_call_began_discards_when_it_has_returned, 0, 2);
	tcase_add_loop_test(t, for_who_would_not_wait_no_call_begins, 0, 2);
	tcase_add_test(t, a_result_that_came_with_the_cancel_is_discarded);
	tcase_add_test(t, where_a_thread_is_refused_the_first_one_serves_all);
	tcase_add_test(t, without_descriptors_there_is_no_lane);
	tcase_add_test(t, refused_memory_is_told_and_nothing_has_happened);
	tcase_add_test(t, the_end_cancels_what_waits_and_waits_for_what_has_begun);
	tcase_add_test(t, no_lane_is_fine);
	tcase_add_test(t, many_calls_through_few_threads);
	return unit_run();
}
