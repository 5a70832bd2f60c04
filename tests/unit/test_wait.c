/* Sleeping, conditions, descriptors; and a cancel at every wait of a task that uses all of them. */
#include <fcntl.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static struct condition condition;
static struct task_fd reading, writing;
static int pipe_fds[2];

static void setup(void)
{
	world_setup();
	clock_test_hold(true);
	condition_init(&condition);
	ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_eq(task_fd_init(&reading, pipe_fds[0]), 0);
	ck_assert_int_eq(task_fd_init(&writing, pipe_fds[1]), 0);
}

static void clear(void)
{
	task_fd_clear(&reading);
	task_fd_clear(&writing);
	close(pipe_fds[0]);
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	world_clear();
}

struct sleeper {
	char letter;
	int64_t ms;
};

static int sleep_and_mark(void *arg)
{
	struct sleeper *s = arg;
	ck_assert_int_eq(await_sleep_ms(s->ms), 0);
	world_mark(s->letter);
	return 0;
}

START_TEST (sleepers_wake_by_deadline_then_by_age) {
	struct sleeper a = {'a', 3000}, b = {'b', 1000}, c = {'c', 2000}, z = {'z', 0};
	world_spawn("a", sleep_and_mark, &a);
	world_spawn("b", sleep_and_mark, &b);
	world_spawn("c", sleep_and_mark, &c);
	world_spawn("z", sleep_and_mark, &z);
	world_turns(3);
	ck_assert_str_eq(world_marks(), "z");
	clock_test_advance(1500 * NS_PER_MS, 0);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "zb");
	clock_test_advance(5000 * NS_PER_MS, 0);
	world_run();
	ck_assert_str_eq(world_marks(), "zbca");
}
END_TEST

struct waiter {
	char letter;
	int result;
	int64_t deadline_ns;
};

static int wait_condition(void *arg)
{
	struct waiter *w = arg;
	w->result = await_condition(&condition, w->deadline_ns);
	world_mark(w->letter);
	return 0;
}

START_TEST (a_signal_wakes_the_first_a_broadcast_all) {
	struct waiter w[] = {{'a', 1, CLOCK_NEVER}, {'b', 1, CLOCK_NEVER}, {'c', 1, CLOCK_NEVER}};
	condition_signal(&condition);
	for (int i = 0; i < 3; i++)
		world_spawn("waiter", wait_condition, &w[i]);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "");
	condition_signal(&condition);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "a");
	condition_broadcast(&condition);
	world_run();
	ck_assert_str_eq(world_marks(), "abc");
}
END_TEST

START_TEST (two_signals_of_one_turn_wake_two) {
	struct waiter w[] = {{'a', 1, CLOCK_NEVER}, {'b', 1, CLOCK_NEVER}};
	world_spawn("a", wait_condition, &w[0]);
	world_spawn("b", wait_condition, &w[1]);
	world_turns(1);
	condition_signal(&condition);
	condition_signal(&condition);
	world_run();
	ck_assert_str_eq(world_marks(), "ab");
}
END_TEST

START_TEST (a_signal_is_not_spent_on_who_was_cancelled_or_late) {
	struct waiter w[] = {{'a', 1, CLOCK_NEVER}, {'b', 1, clock_deadline_ms(1000)}, {'c', 1, CLOCK_NEVER}};
	struct task *a = world_spawn("a", wait_condition, &w[0]);
	world_spawn("b", wait_condition, &w[1]);
	world_spawn("c", wait_condition, &w[2]);
	world_turns(1);
	task_cancel(a);
	condition_signal(&condition);
	world_turns(1);
	ck_assert_int_eq(w[0].result, ERR_CANCELLED);
	ck_assert_int_eq(w[1].result, 0);
	ck_assert_str_eq(world_marks(), "ab");
	condition_signal(&condition);
	world_run();
	ck_assert_int_eq(w[2].result, 0);
}
END_TEST

START_TEST (who_was_signalled_first_and_then_cancelled_has_the_signal) {
	struct waiter w = {'a', 1, CLOCK_NEVER};
	struct task *a = world_spawn("a", wait_condition, &w);
	world_turns(1);
	condition_signal(&condition);
	task_cancel(a);
	world_run();
	ck_assert_int_eq(w.result, 0);
}
END_TEST

static int wait_twice(void *arg)
{
	struct waiter *w = arg;
	ck_assert_int_eq(await_condition(&condition, w->deadline_ns), 0);
	world_mark('1');
	w->result = await_condition(&condition, CLOCK_NEVER);
	return 0;
}

START_TEST (a_deadline_is_of_its_wait_only) {
	struct waiter w = {'a', 1, clock_deadline_ms(1000)};
	world_spawn("a", wait_twice, &w);
	world_turns(1);
	condition_signal(&condition);
	world_turns(1);
	ck_assert_str_eq(world_marks(), "1");
	clock_test_advance(2000 * NS_PER_MS, 0);
	world_turns(2);
	ck_assert_int_eq(w.result, 1);
	condition_signal(&condition);
	world_run();
	ck_assert_int_eq(w.result, 0);
}
END_TEST

static int read_all(void *arg)
{
	int *count = arg;
	char bytes[16];
	for (;;) {
		ssize_t n = read(pipe_fds[0], bytes, sizeof bytes);
		if (n == 0)
			return 0;
		if (n > 0) {
			*count += (int)n;
			continue;
		}
		ck_assert_int_eq(errno, EAGAIN);
		int r = await_fd(&reading, LOOP_READ, CLOCK_NEVER);
		if (r < 0)
			return r;
	}
}

START_TEST (a_reader_gets_every_byte_and_the_end) {
	int count = 0;
	world_spawn("reader", read_all, &count);
	world_turns(3);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(write(pipe_fds[1], "12345678901234567890", 20), 20);
		world_turns(3);
		ck_assert_int_eq(count, (i + 1) * 20);
	}
	task_fd_clear(&writing);
	close(pipe_fds[1]);
	pipe_fds[1] = -1;
	world_run();
}
END_TEST

static int wait_readable(void *arg)
{
	struct waiter *w = arg;
	w->result = await_fd(&reading, LOOP_READ, w->deadline_ns);
	return 0;
}

START_TEST (an_edge_that_nobody_waited_for_is_remembered) {
	struct waiter w = {'a', 1, CLOCK_NEVER}, again = {'b', 1, CLOCK_TRY};
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	world_turns(3);
	world_spawn("late", wait_readable, &w);
	world_turns(1);
	ck_assert_int_eq(w.result, 0);
	world_spawn("again", wait_readable, &again);
	world_run();
	ck_assert_int_eq(again.result, ERR_TIMEOUT);
}
END_TEST

START_TEST (an_edge_that_comes_with_a_cancel_is_kept_for_the_next) {
	struct waiter a = {'a', 1, CLOCK_NEVER}, b = {'b', 1, CLOCK_TRY};
	struct task *t = world_spawn("a", wait_readable, &a);
	world_turns(2);
	ck_assert_int_eq(a.result, 1);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	task_cancel(t);
	world_turns(3);
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	world_spawn("b", wait_readable, &b);
	world_run();
	ck_assert_int_eq(b.result, 0);
}
END_TEST

START_TEST (an_edge_is_not_spent_on_who_was_cancelled_before) {
	struct waiter a = {'a', 1, CLOCK_NEVER}, b = {'b', 1, CLOCK_TRY};
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	world_turns(3);
	task_cancel(world_spawn("a", wait_readable, &a));
	world_turns(1);
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	world_spawn("b", wait_readable, &b);
	world_run();
	ck_assert_int_eq(b.result, 0);
}
END_TEST

static int fill(void *arg)
{
	char bytes[4096] = {0};
	int *state = arg;
	int r;
	while (write(pipe_fds[1], bytes, sizeof bytes) > 0)
		;
	*state = 1;
	do {
		r = await_fd(&writing, LOOP_WRITE, CLOCK_NEVER);
	} while (r == 0 && write(pipe_fds[1], bytes, sizeof bytes) < 0);
	*state = r == 0 ? 2 : r;
	return 0;
}

START_TEST (a_writer_waits_for_room) {
	int state = 0;
	char bytes[65536];
	world_spawn("writer", fill, &state);
	world_turns(5);
	ck_assert_int_eq(state, 1);
	while (read(pipe_fds[0], bytes, sizeof bytes) > 0)
		;
	world_run();
	ck_assert_int_eq(state, 2);
}
END_TEST

/* ---- fairness ---- */

static bool rest_now;

static int never_rest(void *arg)
{
	(void)arg;
	while (!rest_now) {
		clock_test_advance(NS_PER_MS / 1000, 0);
		ck_assert_int_eq(await_yield(), 0);
	}
	return 0;
}

static int sleep_then_write(void *arg)
{
	(void)arg;
	ck_assert_int_eq(await_sleep_ms(5), 0);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	return 0;
}

static int read_then_rest(void *arg)
{
	struct waiter *w = arg;
	w->result = await_fd(&reading, LOOP_READ, w->deadline_ns);
	rest_now = true;
	return 0;
}

START_TEST (tasks_that_never_rest_leave_timers_and_descriptors_their_turn) {
	struct waiter w = {'a', 1, CLOCK_NEVER};
	for (int i = 0; i < 1000; i++)
		world_spawn("restless", never_rest, NULL);
	world_spawn("sleeper", sleep_then_write, NULL);
	world_spawn("reader", read_then_rest, &w);
	world_run();
	ck_assert_int_eq(w.result, 0);
}
END_TEST

/* ---- a cancel at the n-th wait, for every n ---- */

static struct future answer;
static int waits, live, cancel_at;

static void count_down(void *arg)
{
	*(int *)arg -= 1;
}

/* Each wait passes here: counted, and once cancelled it must say so for ever. */
static int waited(int r)
{
	waits++;
	if (cancel_at && waits > cancel_at)
		ck_assert_int_eq(r, ERR_CANCELLED);
	return r;
}

static int child(void *arg)
{
	(void)arg;
	live++;
	ck_assert_int_eq(task_defer(count_down, &live), 0);
	return await_sleep_ms(100);
}

static int use_everything(void *arg)
{
	(void)arg;
	int r;
	struct scope *scope;
	struct task *t;
	live++;
	ck_assert_int_eq(task_defer(count_down, &live), 0);
	ck_assert_int_eq(scope_new(&scope, "children"), 0);
	struct task_spec spec = {.name = "child", .fn = child, .scope = scope};
	ck_assert_int_eq(task_spawn(&spec, &t), 0);
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	r = waited(await_yield());
	if (r == 0)
		r = waited(await_sleep_ms(5));
	if (r == 0)
		r = waited(await_task(t, CLOCK_NEVER));
	if (r == 0)
		r = waited(await_condition(&condition, clock_deadline_ms(60000)));
	if (r == 0)
		r = waited(await_fd(&reading, LOOP_READ, CLOCK_NEVER));
	if (r == 0)
		r = waited(await_future(&answer, clock_deadline_ms(60000)));
	if (r == 0)
		world_mark('!');
	else
		ck_assert_int_eq(waited(await_yield()), ERR_CANCELLED);
	await_scope_close(scope);
	ck_assert_int_eq(live, 1);
	return r;
}

START_TEST (a_cancel_at_any_wait_ends_it_and_leaves_nothing) {
	struct task_stats stats;
	cancel_at = _i;
	waits = live = 0;
	future_init(&answer, "answer");
	struct task *t = world_spawn("all", use_everything, NULL);
	bool is_cancelled = false;
	do {
		/* cancel_at waits are over, and it is in the next: now. */
		if (!is_cancelled && cancel_at >= 0 && waits == cancel_at && cancel_at < 6) {
			task_cancel(t);
			is_cancelled = true;
		}
		world_turns(1);
		if (is_cancelled)
			continue;
		clock_test_advance(10 * NS_PER_MS, 10);
		if (waits == 3 && cancel_at != 3)
			condition_signal(&condition);
		if (waits == 4 && cancel_at != 4)
			ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
		if (waits == 5 && cancel_at != 5)
			future_set_result(&answer, NULL);
	} while (task_stats_get(&stats), stats.alive);
	ck_assert_int_eq(live, 0);
	ck_assert_str_eq(world_marks(), cancel_at < 6 ? "" : "!");
}
END_TEST

int main(void)
{
	TCase *t = unit_case("wait");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, sleepers_wake_by_deadline_then_by_age);
	tcase_add_test(t, a_signal_wakes_the_first_a_broadcast_all);
	tcase_add_test(t, two_signals_of_one_turn_wake_two);
	tcase_add_test(t, a_signal_is_not_spent_on_who_was_cancelled_or_late);
	tcase_add_test(t, who_was_signalled_first_and_then_cancelled_has_the_signal);
	tcase_add_test(t, a_deadline_is_of_its_wait_only);
	tcase_add_test(t, a_reader_gets_every_byte_and_the_end);
	tcase_add_test(t, an_edge_that_nobody_waited_for_is_remembered);
	tcase_add_test(t, an_edge_that_comes_with_a_cancel_is_kept_for_the_next);
	tcase_add_test(t, an_edge_is_not_spent_on_who_was_cancelled_before);
	tcase_add_test(t, a_writer_waits_for_room);
	tcase_add_test(t, tasks_that_never_rest_leave_timers_and_descriptors_their_turn);
	tcase_add_loop_test(t, a_cancel_at_any_wait_ends_it_and_leaves_nothing, 0, 7);
	return unit_run();
}
