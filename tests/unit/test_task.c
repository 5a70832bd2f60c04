/* A task's life: it begins in a later turn, gives way, ends, is cancelled, cleans up, calls on the big stack,
 * and is seen. */
#include <errno.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static int mark_twice(void *arg)
{
	world_mark(*(char *)arg);
	await_yield();
	world_mark(*(char *)arg);
	return 0;
}

START_TEST (runs_in_a_later_turn) {
	char a = 'a';
	world_spawn("a", mark_twice, &a);
	ck_assert_str_eq(world_marks(), "");
	world_run();
	ck_assert_str_eq(world_marks(), "aa");
}
END_TEST

START_TEST (yield_goes_to_the_back_of_the_line) {
	char a = 'a', b = 'b', c = 'c';
	world_spawn("a", mark_twice, &a);
	world_spawn("b", mark_twice, &b);
	world_spawn("c", mark_twice, &c);
	world_run();
	ck_assert_str_eq(world_marks(), "abcabc");
}
END_TEST

static int spawn_another(void *arg)
{
	world_mark('1');
	world_spawn("inner", mark_twice, arg);
	world_mark('2');
	return 0;
}

START_TEST (what_becomes_ready_in_a_turn_runs_in_the_next) {
	char a = 'a';
	world_spawn("outer", spawn_another, &a);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "12");
	world_turns(1);
	ck_assert_str_eq(world_marks(), "12a");
	world_run();
}
END_TEST

static int return_number(void *arg)
{
	await_yield();
	return *(int *)arg;
}

struct join {
	struct task *task;
	int result;
	int64_t deadline_ns;
};

static int join(void *arg)
{
	struct join *j = arg;
	j->result = await_task(j->task, j->deadline_ns);
	return 0;
}

START_TEST (a_result_reaches_all_who_join) {
	int number = 42;
	struct task *t = world_spawn("number", return_number, &number);
	struct join a = {t, -1, CLOCK_NEVER}, b = {t, -1, CLOCK_NEVER};
	world_spawn("join a", join, &a);
	world_spawn("join b", join, &b);
	world_run();
	ck_assert_int_eq(a.result, 42);
	ck_assert_int_eq(b.result, 42);
}
END_TEST

static int wait_for_ever(void *arg)
{
	int *seen = arg;
	*seen = await_sleep_until(CLOCK_NEVER);
	return *seen;
}

START_TEST (a_join_that_is_cancelled_leaves_the_task_alone) {
	int seen = 1;
	struct task *t = world_spawn("sleeper", wait_for_ever, &seen);
	struct join j = {t, 1, CLOCK_NEVER}, late = {t, 1, CLOCK_TRY};
	struct task *joiner = world_spawn("joiner", join, &j);
	world_spawn("late", join, &late);
	world_turns(1);
	ck_assert_int_eq(late.result, ERR_TIMEOUT);
	task_cancel(joiner);
	world_turns(1);
	ck_assert_int_eq(j.result, ERR_CANCELLED);
	ck_assert_int_eq(seen, 1);
	task_cancel(t);
	world_run();
	ck_assert_int_eq(seen, ERR_CANCELLED);
}
END_TEST

START_TEST (cancel_ends_the_wait_where_the_task_is) {
	int seen = 1;
	struct task *t = world_spawn("sleeper", wait_for_ever, &seen);
	world_turns(1);
	ck_assert_int_eq(seen, 1);
	ck_assert_int_eq(task_cancel(t), 0);
	ck_assert_int_eq(task_cancel(t), 0);
	ck_assert_int_eq(seen, 1);
	world_run();
	ck_assert_int_eq(seen, ERR_CANCELLED);
}
END_TEST

static int every_wait(void *arg)
{
	(void)arg;
	world_mark(task_cancelled() ? 'c' : '-');
	struct future f;
	struct condition c;
	future_init(&f, "never");
	condition_init(&c);
	ck_assert_int_eq(await_yield(), ERR_CANCELLED);
	ck_assert_int_eq(await_sleep_ms(0), ERR_CANCELLED);
	ck_assert_int_eq(await_sleep_ms(1000), ERR_CANCELLED);
	ck_assert_int_eq(await_condition(&c, CLOCK_NEVER), ERR_CANCELLED);
	ck_assert_int_eq(await_future(&f, CLOCK_NEVER), ERR_CANCELLED);
	future_set_result(&f, NULL);
	ck_assert_int_eq(await_future(&f, CLOCK_NEVER), ERR_CANCELLED);
	ck_assert_int_eq(await_future_shielded(&f), 0);
	return 7;
}

START_TEST (cancelled_before_it_began_it_learns_at_its_first_wait) {
	struct task *t = world_spawn("unborn", every_wait, NULL);
	struct join j = {t, -1, CLOCK_NEVER};
	world_spawn("join", join, &j);
	task_cancel(t);
	world_run();
	ck_assert_str_eq(world_marks(), "c");
	ck_assert_int_eq(j.result, 7);
}
END_TEST

static int cancel_self(void *arg)
{
	ck_assert_int_eq(task_cancel(task_current()), 0);
	return every_wait(arg);
}

START_TEST (a_task_can_cancel_itself) {
	world_spawn("self", cancel_self, NULL);
	world_run();
	ck_assert_str_eq(world_marks(), "c");
}
END_TEST

static int take_it_back(void *arg)
{
	int *seen = arg;
	ck_assert(!task_uncancel());
	ck_assert_int_eq(await_sleep_until(CLOCK_NEVER), ERR_CANCELLED);
	ck_assert(task_cancelled());
	ck_assert(task_uncancel());
	ck_assert(!task_cancelled());
	ck_assert(!task_uncancel());
	ck_assert_int_eq(await_yield(), 0);
	world_mark('u');
	/* The next one is a cancel like any other. */
	*seen = await_sleep_until(CLOCK_NEVER);
	return 3;
}

START_TEST (who_takes_a_cancel_back_may_wait_again) {
	int seen = 1;
	ck_assert(!task_uncancel());
	struct task *t = world_spawn("stubborn", take_it_back, &seen);
	world_turns(1);
	task_cancel(t);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "u");
	ck_assert_int_eq(seen, 1);
	task_cancel(t);
	world_run();
	ck_assert_int_eq(seen, ERR_CANCELLED);
}
END_TEST

static int take_back_while_shielded(void *arg)
{
	ck_assert_int_eq(await_future_shielded(arg), 0);
	ck_assert(task_uncancel());
	ck_assert_int_eq(await_yield(), 0);
	world_mark('s');
	return 0;
}

START_TEST (a_cancel_of_a_shielded_wait_can_be_taken_back) {
	struct future f;
	future_init(&f, "commit");
	struct task *t = world_spawn("shielded", take_back_while_shielded, &f);
	world_turns(1);
	task_cancel(t);
	future_set_result(&f, NULL);
	world_run();
	ck_assert_str_eq(world_marks(), "s");
}
END_TEST

static int look_at_end(void *arg)
{
	struct task *t = arg;
	struct future *ended = task_ended(t);
	void *value;
	ck_assert_int_eq(future_get(ended, &value), ERR_PENDING);
	ck_assert_int_eq(await_future(ended, CLOCK_NEVER), 0);
	ck_assert_int_eq(future_get(ended, &value), 0);
	ck_assert_ptr_null(value);
	ck_assert_int_eq(await_task(t, CLOCK_TRY), 5);
	world_mark('e');
	return 0;
}

START_TEST (a_tasks_end_is_a_future) {
	int five = 5;
	world_spawn("looker", look_at_end, world_spawn("five", return_number, &five));
	world_run();
	ck_assert_str_eq(world_marks(), "e");
}
END_TEST

static int two_waits(void *arg)
{
	(void)arg;
	world_mark(await_yield() == 0 ? '.' : 'c');
	world_mark(await_sleep_ms(0) == 0 ? '.' : 'c');
	return 0;
}

START_TEST (the_nth_wait_finds_its_task_cancelled) {
	task_cancel_at_wait(3);
	world_spawn("a", two_waits, NULL);
	world_spawn("b", two_waits, NULL);
	world_run();
	ck_assert_uint_eq(task_count_waits(), 4);
	ck_assert_str_eq(world_marks(), ".c..");
	task_cancel_at_wait(0);
	world_spawn("c", two_waits, NULL);
	world_run();
	ck_assert_uint_eq(task_count_waits(), 2);
	ck_assert_str_eq(world_marks(), ".c....");
}
END_TEST

static int cancel_when_ended(void *arg)
{
	struct task *t = arg;
	ck_assert_int_eq(await_task(t, CLOCK_NEVER), 5);
	ck_assert_int_eq(task_cancel(t), ERR_STATE);
	world_mark('x');
	return 0;
}

START_TEST (cancelling_an_ended_task_says_so) {
	int five = 5;
	struct task *t = world_spawn("five", return_number, &five);
	world_spawn("joiner", cancel_when_ended, t);
	world_run();
	ck_assert_str_eq(world_marks(), "x");
}
END_TEST

static void mark_defer(void *arg)
{
	world_mark(*(char *)arg);
}

static int defer_three(void *arg)
{
	char *letters = arg;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(task_defer(mark_defer, letters + i), 0);
	int r = await_sleep_until(CLOCK_NEVER);
	world_mark('.');
	return r;
}

START_TEST (clean_ups_run_last_in_first_out_when_the_function_has_returned) {
	char letters[] = "abc";
	struct task *t = world_spawn("defers", defer_three, letters);
	world_turns(1);
	task_cancel(t);
	world_run();
	ck_assert_str_eq(world_marks(), ".cba");
}
END_TEST

static int use_much_stack(void *arg)
{
	volatile char big[512 << 10];
	memset((char *)big, 1, sizeof big);
	ck_assert_ptr_null(task_current());
	return *(int *)arg + big[1000];
}

static int call_big(void *arg)
{
	struct task *me = task_current();
	int number = 41;
	ck_assert_int_eq(task_call_big(use_much_stack, &number), 42);
	ck_assert_ptr_eq(task_current(), me);
	await_yield();
	ck_assert_int_eq(task_call_big(use_much_stack, &number), 42);
	world_mark(*(char *)arg);
	return 0;
}

START_TEST (a_big_call_has_the_loops_stack) {
	char a = 'a', b = 'b';
	int number = 1;
	world_spawn("a", call_big, &a);
	world_spawn("b", call_big, &b);
	world_run();
	ck_assert_str_eq(world_marks(), "ab");
	ck_assert_int_eq(task_call_big(use_much_stack, &number), 2);
}
END_TEST

static int round_up(void *arg)
{
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	fesetround(FE_UPWARD);
	await_yield();
	ck_assert_int_eq(fegetround(), FE_UPWARD);
	world_mark(*(char *)arg);
	fesetround(FE_TONEAREST);
	return 0;
}

static int round_near(void *arg)
{
	for (int i = 0; i < 3; i++) {
		volatile double one = 1, three = 3;
		ck_assert_int_eq(fegetround(), FE_TONEAREST);
		ck_assert((long double)one / three * three == 1.0L);
		await_yield();
	}
	world_mark(*(char *)arg);
	return 0;
}

START_TEST (each_task_keeps_its_floating_point_control) {
	char a = 'a', b = 'b';
	world_spawn("up", round_up, &a);
	world_spawn("near", round_near, &b);
	world_run();
	ck_assert_str_eq(world_marks(), "ab");
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
}
END_TEST

static void see(void *arg, const struct task_view *v)
{
	char *text = arg;
	size_t n = strlen(text);
	ck_assert_int_gt(v->created_ns, 0);
	ck_assert_int_ge(v->since_ns, v->created_ns);
	snprintf(text + n, 256 - n, "%s/%d %s %s;", v->name, (int)v->id, v->state, v->on ? v->on : "-");
}

static int look_around(void *arg)
{
	task_each(see, arg);
	return 0;
}

START_TEST (all_tasks_are_seen_with_what_they_wait_for) {
	int seen;
	char text[256] = "";
	struct task *t = world_spawn("sleeper", wait_for_ever, &seen);
	struct join j = {t, 0, CLOCK_NEVER};
	world_spawn("joiner", join, &j);
	world_turns(1);
	ck_assert_int_eq(
	    task_spawn(&(struct task_spec){.name = "looker", .id = 9, .fn = look_around, .arg = text}, NULL),
	    0);
	char a = 'a';
	world_spawn("new", mark_twice, &a);
	world_turns(1);
	ck_assert_str_eq(
	    text, "sleeper/0 waiting sleep;joiner/0 waiting sleeper;looker/9 running -;new/0 ready -;");
	task_cancel(t);
	world_run();
}
END_TEST

static int yield_for_ever(void *arg)
{
	(void)arg;
	int r;
	while ((r = await_yield()) == 0)
		;
	return r;
}

static void note_since(void *arg, const struct task_view *v)
{
	ck_assert_int_lt(v->created_ns, v->since_ns);
	*(int64_t *)arg = v->since_ns;
}

START_TEST (what_a_task_does_has_a_beginning) {
	int seen = 1;
	int64_t before = 0, after = 0;
	clock_test_hold(true);
	struct task *t = _i == 0 ? world_spawn("sleeper", wait_for_ever, &seen)
				 : world_spawn("restless", yield_for_ever, NULL);
	clock_test_advance(NS_PER_S, 1000);
	world_turns(2);
	task_each(note_since, &before);
	clock_test_advance(NS_PER_S, 1000);
	world_turns(2);
	task_each(note_since, &after);
	/* Who waits has done so since then; who gives way has been ready since its last turn. */
	if (_i == 0)
		ck_assert_int_eq(after, before);
	else
		ck_assert_int_eq(after, before + NS_PER_S);
	clock_test_advance(NS_PER_S, 1000);
	task_cancel(t);
	task_each(note_since, &after);
	ck_assert_int_gt(after, before);
	char text[256] = "";
	task_each(see, text);
	ck_assert_str_eq(text, _i == 0 ? "sleeper/0 ready -;" : "restless/0 ready -;");
	world_run();
}
END_TEST

static int hold(void *arg)
{
	(void)arg;
	clock_test_advance(60 * NS_PER_MS, 60);
	return 0;
}

START_TEST (a_task_that_holds_the_loop_is_counted_and_named) {
	struct task_stats stats;
	clock_test_hold(true);
	task_set_slow_ns(50 * NS_PER_MS);
	world_spawn("quick", mark_twice, (char[]){'a'});
	world_run();
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.slow, 0);
	int said[2], stderr_before = dup(STDERR_FILENO);
	char name[] = "slow", line[512];
	ck_assert_int_eq(pipe(said), 0);
	dup2(said[1], STDERR_FILENO);
	world_spawn(name, hold, NULL);
	world_run();
	memset(name, 'x', sizeof name - 1);
	task_stats_get(&stats);
	dup2(stderr_before, STDERR_FILENO);
	ck_assert_uint_eq(stats.slow, 1);
	ssize_t n = read(said[0], line, sizeof line - 1);
	ck_assert_int_gt(n, 0);
	line[n] = '\0';
	ck_assert_ptr_nonnull(strstr(line, "task held the loop task=slow id=0 ms=60\n"));
	ck_assert_int_eq(stats.longest_hold_ns, 60 * NS_PER_MS);
	ck_assert_str_eq(stats.longest_hold_name, "slow");
}
END_TEST

/* ---- what is forbidden is found ---- */

static void wait_in_clean_up(void *arg)
{
	(void)arg;
	await_yield();
}

static int defer_a_wait(void *arg)
{
	(void)arg;
	return task_defer(wait_in_clean_up, NULL);
}

static int wait_in_big_call(void *arg)
{
	(void)arg;
	return await_yield();
}

static int call_a_wait(void *arg)
{
	return task_call_big(wait_in_big_call, arg);
}

static int join_self(void *arg)
{
	(void)arg;
	return await_task(task_current(), CLOCK_NEVER);
}

START_TEST (a_wait_where_nobody_can_wait_ends_the_process) {
	static int (*const wrong[])(void *arg) = {defer_a_wait, call_a_wait, join_self};
	/* No core, no words. */
	struct rlimit none = {0};
	setrlimit(RLIMIT_CORE, &none);
	close(STDERR_FILENO);
	if (_i == 3)
		await_yield();
	world_spawn("wrong", wrong[_i], NULL);
	world_run();
}
END_TEST

START_TEST (counters_count) {
	struct task_stats stats;
	int seen;
	struct task *t = world_spawn("sleeper", wait_for_ever, &seen);
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.alive, 1);
	ck_assert_uint_eq(stats.ready, 1);
	ck_assert_uint_eq(stats.stacks_used, 1);
	world_turns(1);
	task_cancel(t);
	world_run();
	world_turns(2);
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.alive, 0);
	ck_assert_uint_eq(stats.spawned, 1);
	ck_assert_uint_eq(stats.ended, 1);
	ck_assert_uint_eq(stats.switches, 2);
	ck_assert_uint_eq(stats.stacks_used, 0);
	ck_assert_uint_gt(stats.stacks_cached, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("task");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_test(t, runs_in_a_later_turn);
	tcase_add_test(t, yield_goes_to_the_back_of_the_line);
	tcase_add_test(t, what_becomes_ready_in_a_turn_runs_in_the_next);
	tcase_add_test(t, a_result_reaches_all_who_join);
	tcase_add_test(t, a_join_that_is_cancelled_leaves_the_task_alone);
	tcase_add_test(t, cancel_ends_the_wait_where_the_task_is);
	tcase_add_test(t, cancelled_before_it_began_it_learns_at_its_first_wait);
	tcase_add_test(t, a_task_can_cancel_itself);
	tcase_add_test(t, who_takes_a_cancel_back_may_wait_again);
	tcase_add_test(t, a_cancel_of_a_shielded_wait_can_be_taken_back);
	tcase_add_test(t, a_tasks_end_is_a_future);
	tcase_add_test(t, the_nth_wait_finds_its_task_cancelled);
	tcase_add_test(t, cancelling_an_ended_task_says_so);
	tcase_add_test(t, clean_ups_run_last_in_first_out_when_the_function_has_returned);
	tcase_add_test(t, a_big_call_has_the_loops_stack);
	tcase_add_test(t, each_task_keeps_its_floating_point_control);
	tcase_add_test(t, all_tasks_are_seen_with_what_they_wait_for);
	tcase_add_loop_test(t, what_a_task_does_has_a_beginning, 0, 2);
	tcase_add_test(t, a_task_that_holds_the_loop_is_counted_and_named);
	tcase_add_test(t, counters_count);
	/* In a process of its own: it is meant to end. */
	const char *fork = getenv("CK_FORK");
	if (!fork || strcmp(fork, "no") != 0)
		tcase_add_loop_test_raise_signal(
		    t, a_wait_where_nobody_can_wait_ends_the_process, SIGABRT, 0, 4);
	return unit_run();
}
