/* A channel keeps order, makes who is too fast wait, and loses nothing to a cancel, a deadline or its
 * closing. */
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/chan.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static struct chan chan;
static void *slots[3];

static void *value_of(char c)
{
	return (void *)(uintptr_t)c;
}

struct user {
	const char *letters; /* that it sends; or receives, one for each */
	int64_t deadline_ns;
	int result; /* the first that was not 0, or of the last */
	unsigned done;
};

static int send_all(void *arg)
{
	struct user *u = arg;
	for (u->done = 0; u->letters[u->done]; u->done++) {
		u->result = await_chan_send(&chan, value_of(u->letters[u->done]), u->deadline_ns);
		if (u->result < 0)
			break;
	}
	return 0;
}

static int receive_all(void *arg)
{
	struct user *u = arg;
	void *value;
	for (u->done = 0; u->letters[u->done]; u->done++) {
		u->result = await_chan_receive(&chan, &value, u->deadline_ns);
		if (u->result < 0)
			break;
		world_mark((char)(uintptr_t)value);
	}
	return 0;
}

START_TEST (values_arrive_in_order) {
	chan_init(&chan, slots, (size_t)_i);
	struct user s = {"abcdefg", CLOCK_NEVER, 1, 0}, r = {".......", CLOCK_NEVER, 1, 0};
	if (_i % 2)
		world_spawn("receiver", receive_all, &r);
	world_spawn("sender", send_all, &s);
	if (_i % 2 == 0)
		world_spawn("receiver", receive_all, &r);
	world_run();
	ck_assert_str_eq(world_marks(), "abcdefg");
	ck_assert_int_eq(s.result, 0);
	ck_assert_int_eq(r.result, 0);
	ck_assert_uint_eq(chan.count, 0);
}
END_TEST

START_TEST (who_sends_into_a_full_one_waits) {
	chan_init(&chan, slots, 3);
	struct user s = {"abcde", CLOCK_NEVER, 1, 0}, late = {"x", CLOCK_TRY, 1, 0},
		    r = {".....", CLOCK_NEVER, 1, 0};
	world_spawn("sender", send_all, &s);
	world_spawn("late", send_all, &late);
	world_turns(2);
	ck_assert_uint_eq(s.done, 3);
	ck_assert_int_eq(late.result, ERR_TIMEOUT);
	world_spawn("receiver", receive_all, &r);
	world_run();
	ck_assert_str_eq(world_marks(), "abcde");
}
END_TEST

START_TEST (without_slots_a_value_goes_from_hand_to_hand) {
	chan_init(&chan, NULL, 0);
	struct user first = {"a", CLOCK_NEVER, 1, 0}, try = {"b", CLOCK_TRY, 1, 0},
		    r = {".", CLOCK_NEVER, 1, 0};
	world_spawn("try", send_all, &try);
	world_spawn("first", send_all, &first);
	world_turns(3);
	ck_assert_int_eq(try.result, ERR_TIMEOUT);
	ck_assert_int_eq(first.result, 1);
	world_spawn("receiver", receive_all, &r);
	world_run();
	ck_assert_int_eq(first.result, 0);
	ck_assert_str_eq(world_marks(), "a");
	/* And with a receiver that waits, sending does not suspend. */
	struct user again = {".", CLOCK_NEVER, 1, 0};
	try.result = 1;
	world_spawn("receiver", receive_all, &again);
	world_turns(1);
	world_spawn("try", send_all, &try);
	world_run();
	ck_assert_int_eq(try.result, 0);
	ck_assert_str_eq(world_marks(), "ab");
}
END_TEST

START_TEST (several_of_both_are_served_in_the_order_in_which_they_came) {
	chan_init(&chan, slots, (size_t)_i);
	struct user s[] = {{"ab", CLOCK_NEVER, 1, 0}, {"cd", CLOCK_NEVER, 1, 0}, {"ef", CLOCK_NEVER, 1, 0}};
	struct user r[] = {{"...", CLOCK_NEVER, 1, 0}, {"...", CLOCK_NEVER, 1, 0}};
	for (int i = 0; i < 3; i++)
		world_spawn("sender", send_all, &s[i]);
	world_turns(1);
	for (int i = 0; i < 2; i++)
		world_spawn("receiver", receive_all, &r[i]);
	world_run();
	ck_assert_uint_eq(strlen(world_marks()), 6);
	for (char c = 'a'; c <= 'f'; c++)
		ck_assert_ptr_nonnull(strchr(world_marks(), c));
	/* Each sender's in its order. */
	for (int i = 0; i < 3; i++)
		ck_assert(strchr(world_marks(), s[i].letters[0]) < strchr(world_marks(), s[i].letters[1]));
	ck_assert_int_eq(world_marks()[0], 'a');
}
END_TEST

START_TEST (what_was_handed_over_is_not_lost_to_a_cancel) {
	chan_init(&chan, NULL, 0);
	struct user r = {"..", CLOCK_NEVER, 1, 0}, s = {"a", CLOCK_NEVER, 1, 0};
	struct task *t = world_spawn("receiver", receive_all, &r);
	world_turns(1);
	world_spawn("sender", send_all, &s);
	world_turns(1);
	/* Nothing ran in between: it has been handed "a", and is to run in the next turn. */
	task_cancel(t);
	world_run();
	ck_assert_int_eq(s.result, 0);
	ck_assert_str_eq(world_marks(), "a");
	ck_assert_uint_eq(r.done, 1);
	ck_assert_int_eq(r.result, ERR_CANCELLED);
}
END_TEST

START_TEST (what_was_taken_is_sent_though_a_cancel_follows) {
	chan_init(&chan, NULL, 0);
	struct user s = {"ab", CLOCK_NEVER, 1, 0}, r = {".", CLOCK_NEVER, 1, 0};
	struct task *t = world_spawn("sender", send_all, &s);
	world_turns(1);
	world_spawn("receiver", receive_all, &r);
	world_turns(1);
	task_cancel(t);
	world_run();
	ck_assert_str_eq(world_marks(), "a");
	ck_assert_uint_eq(s.done, 1);
	ck_assert_int_eq(s.result, ERR_CANCELLED);
}
END_TEST

START_TEST (nothing_goes_to_or_comes_from_who_was_cancelled_first) {
	chan_init(&chan, NULL, 0);
	struct user r[] = {{".", CLOCK_NEVER, 1, 0}, {".", CLOCK_NEVER, 1, 0}}, s = {"a", CLOCK_NEVER, 1, 0};
	struct task *t = world_spawn("first", receive_all, &r[0]);
	world_spawn("second", receive_all, &r[1]);
	world_turns(1);
	task_cancel(t);
	world_spawn("sender", send_all, &s);
	world_run();
	ck_assert_int_eq(r[0].result, ERR_CANCELLED);
	ck_assert_uint_eq(r[1].done, 1);

	struct user gone = {"x", CLOCK_NEVER, 1, 0}, stays = {"y", CLOCK_NEVER, 1, 0};
	t = world_spawn("gone", send_all, &gone);
	world_spawn("stays", send_all, &stays);
	world_turns(1);
	task_cancel(t);
	world_spawn("receiver", receive_all, &r[1]);
	world_run();
	ck_assert_int_eq(gone.result, ERR_CANCELLED);
	ck_assert_str_eq(world_marks(), "ay");
}
END_TEST

START_TEST (a_deadline_leaves_the_value_with_the_sender) {
	clock_test_hold(true);
	chan_init(&chan, slots, 1);
	struct user s = {"ab", clock_deadline_ms(1000), 1, 0}, r = {"..", clock_deadline_ms(2000), 1, 0};
	world_spawn("sender", send_all, &s);
	world_turns(2);
	clock_test_advance(1500 * NS_PER_MS, 0);
	world_turns(2);
	ck_assert_int_eq(s.result, ERR_TIMEOUT);
	world_spawn("receiver", receive_all, &r);
	world_turns(2);
	clock_test_advance(1500 * NS_PER_MS, 0);
	world_run();
	ck_assert_str_eq(world_marks(), "a");
	ck_assert_int_eq(r.result, ERR_TIMEOUT);
}
END_TEST

START_TEST (closed_it_takes_nothing_and_gives_what_is_left) {
	chan_init(&chan, slots, 2);
	struct user s = {"abc", CLOCK_NEVER, 1, 0}, late = {"x", CLOCK_NEVER, 1, 0},
		    r = {"....", CLOCK_NEVER, 1, 0};
	world_spawn("sender", send_all, &s);
	world_turns(1);
	chan_close(&chan);
	chan_close(&chan);
	world_spawn("late", send_all, &late);
	world_spawn("receiver", receive_all, &r);
	world_run();
	ck_assert_int_eq(s.result, ERR_CLOSED);
	ck_assert_uint_eq(s.done, 2);
	ck_assert_int_eq(late.result, ERR_CLOSED);
	ck_assert_str_eq(world_marks(), "ab");
	ck_assert_int_eq(r.result, ERR_CLOSED);
	ck_assert_uint_eq(r.done, 2);
}
END_TEST

START_TEST (closing_ends_all_who_wait_to_receive) {
	chan_init(&chan, slots, (size_t)_i);
	struct user r[] = {{".", CLOCK_NEVER, 1, 0}, {".", CLOCK_NEVER, 1, 0}};
	for (int i = 0; i < 2; i++)
		world_spawn("receiver", receive_all, &r[i]);
	world_turns(1);
	chan_close(&chan);
	world_run();
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(r[i].result, ERR_CLOSED);
}
END_TEST

START_TEST (a_cancelled_task_takes_no_part) {
	chan_init(&chan, slots, 2);
	struct user s = {"a", CLOCK_NEVER, 1, 0}, r = {".", CLOCK_NEVER, 1, 0},
		    cancelled = {"b", CLOCK_NEVER, 1, 0};
	world_spawn("sender", send_all, &s);
	task_cancel(world_spawn("cancelled", send_all, &cancelled));
	task_cancel(world_spawn("receiver", receive_all, &r));
	world_run();
	ck_assert_int_eq(cancelled.result, ERR_CANCELLED);
	ck_assert_int_eq(r.result, ERR_CANCELLED);
	ck_assert_uint_eq(chan.count, 1);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("chan");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_loop_test(t, values_arrive_in_order, 0, 4);
	tcase_add_test(t, who_sends_into_a_full_one_waits);
	tcase_add_test(t, without_slots_a_value_goes_from_hand_to_hand);
	tcase_add_loop_test(t, several_of_both_are_served_in_the_order_in_which_they_came, 0, 4);
	tcase_add_test(t, what_was_handed_over_is_not_lost_to_a_cancel);
	tcase_add_test(t, what_was_taken_is_sent_though_a_cancel_follows);
	tcase_add_test(t, nothing_goes_to_or_comes_from_who_was_cancelled_first);
	tcase_add_test(t, a_deadline_leaves_the_value_with_the_sender);
	tcase_add_test(t, closed_it_takes_nothing_and_gives_what_is_left);
	tcase_add_loop_test(t, closing_ends_all_who_wait_to_receive, 0, 3);
	tcase_add_test(t, a_cancelled_task_takes_no_part);
	return unit_run();
}
