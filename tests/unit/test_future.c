/* A future becomes final once; who waits is told in a later turn, in order. */
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static struct future future;

static void setup(void)
{
	world_setup();
	future_init(&future, "answer");
}

START_TEST (is_pending_then_final_once) {
	int value, other;
	void *got = &other;
	ck_assert_int_eq(future_get(&future, &got), ERR_PENDING);
	ck_assert_ptr_eq(got, &other);
	ck_assert(!future_is_final(&future));
	ck_assert_int_eq(future_set_result(&future, &value), 0);
	ck_assert(future_is_final(&future));
	ck_assert_int_eq(future_set_result(&future, &other), ERR_STATE);
	ck_assert_int_eq(future_set_error(&future, -EIO), ERR_STATE);
	ck_assert_int_eq(future_cancel(&future), ERR_STATE);
	ck_assert_int_eq(future_get(&future, &got), 0);
	ck_assert_ptr_eq(got, &value);
}
END_TEST

START_TEST (errors_and_cancels_leave_the_value_alone) {
	int other;
	void *got = &other;
	future_set_error(&future, -EIO);
	ck_assert_int_eq(future_get(&future, &got), -EIO);
	future_init(&future, "again");
	future_cancel(&future);
	ck_assert_int_eq(future_get(&future, &got), ERR_CANCELLED);
	ck_assert_ptr_eq(got, &other);
}
END_TEST

struct asker {
	char letter;
	bool shielded;
	int64_t deadline_ns;
	int result;
};

static int ask(void *arg)
{
	struct asker *a = arg;
	a->result = a->shielded ? await_future_shielded(&future) : await_future(&future, a->deadline_ns);
	world_mark(a->letter);
	return a->result;
}

static int set_and_go_on(void *arg)
{
	future_set_result(&future, arg);
	world_mark('s');
	return 0;
}

START_TEST (all_who_wait_are_told_in_order_after_the_setter) {
	struct asker a = {'a', false, CLOCK_NEVER, 1}, b = {'b', true, 0, 1};
	world_spawn("a", ask, &a);
	world_spawn("b", ask, &b);
	world_spawn("setter", set_and_go_on, NULL);
	world_run();
	ck_assert_str_eq(world_marks(), "sab");
	ck_assert_int_eq(a.result, 0);
	ck_assert_int_eq(b.result, 0);
}
END_TEST

START_TEST (a_final_future_does_not_suspend) {
	struct asker a = {'a', false, CLOCK_TRY, 1};
	future_set_error(&future, -EPIPE);
	world_spawn("a", ask, &a);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "a");
	ck_assert_int_eq(a.result, -EPIPE);
}
END_TEST

START_TEST (a_cancelled_waiter_leaves_the_future_alone) {
	struct asker a = {'a', false, CLOCK_NEVER, 1}, b = {'b', false, CLOCK_NEVER, 1};
	struct task *t = world_spawn("a", ask, &a);
	world_spawn("b", ask, &b);
	world_turns(1);
	task_cancel(t);
	world_turns(1);
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	ck_assert(!future_is_final(&future));
	future_set_result(&future, NULL);
	world_run();
	ck_assert_int_eq(b.result, 0);
}
END_TEST

START_TEST (waiters_of_a_cancelled_future_are_told) {
	struct asker a = {'a', false, CLOCK_NEVER, 1};
	world_spawn("a", ask, &a);
	world_turns(1);
	future_cancel(&future);
	world_run();
	ck_assert_int_eq(a.result, ERR_CANCELLED);
}
END_TEST

START_TEST (neither_cancel_nor_time_ends_a_shielded_wait) {
	struct asker a = {'a', true, 0, 1};
	struct task *t = world_spawn("a", ask, &a);
	world_turns(1);
	task_cancel(t);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "");
	future_set_result(&future, NULL);
	world_run();
	ck_assert_int_eq(a.result, 0);
}
END_TEST

static int ask_shielded_then_wait(void *arg)
{
	ask(arg);
	ck_assert_int_eq(await_sleep_until(CLOCK_NEVER), ERR_CANCELLED);
	return 0;
}

START_TEST (the_shield_ends_with_the_wait) {
	struct asker a = {'a', true, 0, 1};
	struct task *t = world_spawn("a", ask_shielded_then_wait, &a);
	world_turns(1);
	future_set_result(&future, NULL);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "a");
	task_cancel(t);
	world_run();
}
END_TEST

START_TEST (a_deadline_ends_the_wait) {
	struct asker a = {'a', false, clock_deadline_ms(1000), 1};
	clock_test_hold(true);
	world_spawn("a", ask, &a);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "");
	clock_test_advance(1000 * NS_PER_MS, 1000);
	world_run();
	ck_assert_int_eq(a.result, ERR_TIMEOUT);
	ck_assert(!future_is_final(&future));
}
END_TEST

static int ask_then_wait(void *arg)
{
	ask(arg);
	ck_assert_int_eq(await_yield(), ERR_CANCELLED);
	return 0;
}

START_TEST (a_result_that_came_first_is_not_lost_to_a_cancel) {
	struct asker a = {'a', false, CLOCK_NEVER, 1};
	struct task *t = world_spawn("a", ask_then_wait, &a);
	world_turns(1);
	future_set_result(&future, NULL);
	task_cancel(t);
	world_run();
	ck_assert_int_eq(a.result, 0);
}
END_TEST

struct letter {
	struct future_callback callback;
	char c;
};

static void mark_callback(struct future_callback *cb)
{
	ck_assert_ptr_null(task_current());
	/* The storage is the callback's own from now on. */
	char c = ((struct letter *)(void *)cb)->c;
	memset(cb, 0xff, sizeof *cb);
	world_mark(c);
}

START_TEST (callbacks_run_in_order_in_a_later_turn) {
	struct letter a = {.c = 'a'}, b = {.c = 'b'}, c = {.c = 'c'};
	future_add_callback(&future, &a.callback, mark_callback);
	future_add_callback(&future, &b.callback, mark_callback);
	future_set_result(&future, NULL);
	future_add_callback(&future, &c.callback, mark_callback);
	ck_assert_str_eq(world_marks(), "");
	world_turns(1);
	ck_assert_str_eq(world_marks(), "abc");
}
END_TEST

START_TEST (a_callback_that_is_removed_does_not_run) {
	struct letter never = {.c = '0'}, waiting = {.c = '1'}, ready = {.c = '2'}, kept = {.c = 'k'};
	future_remove_callback(&never.callback);
	future_add_callback(&future, &waiting.callback, mark_callback);
	future_add_callback(&future, &ready.callback, mark_callback);
	future_add_callback(&future, &kept.callback, mark_callback);
	future_remove_callback(&waiting.callback);
	future_remove_callback(&waiting.callback);
	future_set_result(&future, NULL);
	future_remove_callback(&ready.callback);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "k");
}
END_TEST

static struct letter removed = {.c = 'r'};

static void remove_other(struct future_callback *cb)
{
	(void)cb;
	world_mark('x');
	future_remove_callback(&removed.callback);
}

START_TEST (a_callback_can_remove_the_next) {
	struct future_callback first;
	future_add_callback(&future, &first, remove_other);
	future_add_callback(&future, &removed.callback, mark_callback);
	future_set_result(&future, NULL);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "x");
}
END_TEST

int main(void)
{
	TCase *t = unit_case("future");
	tcase_add_checked_fixture(t, setup, world_clear);
	tcase_add_test(t, is_pending_then_final_once);
	tcase_add_test(t, errors_and_cancels_leave_the_value_alone);
	tcase_add_test(t, all_who_wait_are_told_in_order_after_the_setter);
	tcase_add_test(t, a_final_future_does_not_suspend);
	tcase_add_test(t, a_cancelled_waiter_leaves_the_future_alone);
	tcase_add_test(t, waiters_of_a_cancelled_future_are_told);
	tcase_add_test(t, neither_cancel_nor_time_ends_a_shielded_wait);
	tcase_add_test(t, the_shield_ends_with_the_wait);
	tcase_add_test(t, a_deadline_ends_the_wait);
	tcase_add_test(t, a_result_that_came_first_is_not_lost_to_a_cancel);
	tcase_add_test(t, callbacks_run_in_order_in_a_later_turn);
	tcase_add_test(t, a_callback_that_is_removed_does_not_run);
	tcase_add_test(t, a_callback_can_remove_the_next);
	return unit_run();
}
