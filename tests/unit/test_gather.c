/* Waiting for any, for all, as they complete: futures that come in any order, were final before, come twice,
 * or fail; and the ends of tasks. */
#include <errno.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/gather.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

enum { COUNT = 4 };

static struct future f[COUNT];
static struct future *const all[COUNT] = {&f[0], &f[1], &f[2], &f[3]};

static void setup(void)
{
	world_setup();
	for (int i = 0; i < COUNT; i++)
		future_init(&f[i], "one of several");
}

struct gatherer {
	struct future *const *futures;
	size_t count;
	enum gather_until until;
	int64_t deadline_ns;
	int result;
	int next; /* of the wait after it */
	size_t which;
};

static int any(void *arg)
{
	struct gatherer *g = arg;
	struct completion_mark marks[COUNT];
	g->result = await_any(g->futures, marks, g->count, &g->which, g->deadline_ns);
	memset(marks, 0xff, sizeof marks); /* they mean nothing any more */
	g->next = await_yield();
	return 0;
}

static int gather(void *arg)
{
	struct gatherer *g = arg;
	struct completion_mark marks[COUNT];
	g->result = await_all(g->futures, marks, g->count, g->until, g->deadline_ns);
	memset(marks, 0xff, sizeof marks);
	world_mark('!');
	g->next = await_yield();
	return 0;
}

static int each(void *arg)
{
	struct gatherer *g = arg;
	struct completion_mark marks[COUNT];
	struct completions c;
	size_t which;
	completions_init(&c, g->futures, marks, g->count);
	while ((g->result = await_next(&c, &which, g->deadline_ns)) == 0)
		world_mark((char)('0' + which));
	completions_clear(&c);
	completions_clear(&c);
	memset(marks, 0xff, sizeof marks);
	return 0;
}

/* ---- any ---- */

START_TEST (any_is_the_first_that_became_final) {
	struct gatherer g = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_NEVER, .result = 1};
	world_spawn("any", any, &g);
	world_turns(2);
	ck_assert_int_eq(g.result, 1);
	future_set_error(&f[2], -EIO);
	future_set_result(&f[0], NULL);
	world_run();
	ck_assert_int_eq(g.result, 0);
	ck_assert_uint_eq(g.which, 2);
	/* Nothing of it stays with the futures. */
	future_set_result(&f[1], NULL);
	future_set_result(&f[3], NULL);
}
END_TEST

START_TEST (any_of_final_ones_is_the_first_given_and_does_not_suspend) {
	struct gatherer g = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_TRY, .result = 1};
	future_set_result(&f[3], NULL);
	future_cancel(&f[1]);
	world_spawn("any", any, &g);
	world_turns(1);
	ck_assert_int_eq(g.result, 0);
	ck_assert_uint_eq(g.which, 1);
	world_run();
}
END_TEST

START_TEST (any_ends_by_cancel_or_time_and_leaves_the_futures_alone) {
	clock_test_hold(true);
	struct gatherer a = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_NEVER, .result = 1};
	struct gatherer b = {
	    .futures = all, .count = COUNT, .deadline_ns = clock_deadline_ms(1000), .result = 1};
	struct task *t = world_spawn("a", any, &a);
	world_spawn("b", any, &b);
	world_turns(1);
	task_cancel(t);
	clock_test_advance(1000 * NS_PER_MS, 1000);
	world_run();
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	ck_assert_int_eq(b.result, ERR_TIMEOUT);
	for (int i = 0; i < COUNT; i++) {
		ck_assert(!future_is_final(&f[i]));
		future_set_result(&f[i], NULL);
	}
}
END_TEST

START_TEST (any_that_came_first_is_not_lost_to_a_cancel) {
	struct gatherer g = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_NEVER, .result = 1};
	struct task *t = world_spawn("any", any, &g);
	world_turns(1);
	future_set_result(&f[3], NULL);
	task_cancel(t);
	world_run();
	ck_assert_int_eq(g.result, 0);
	ck_assert_uint_eq(g.which, 3);
	ck_assert_int_eq(g.next, ERR_CANCELLED);
}
END_TEST

START_TEST (a_future_that_has_been_told_may_be_gone) {
	static struct future told;
	struct future *const two[] = {&told, &f[0]};
	struct gatherer g = {.futures = two, .count = 2, .deadline_ns = CLOCK_NEVER, .result = 1};
	future_init(&told, "soon gone");
	world_spawn("any", any, &g);
	world_turns(1);
	future_set_result(&told, NULL);
	memset(&told, 0xee, sizeof told);
	world_run();
	ck_assert_uint_eq(g.which, 0);
	for (size_t i = 0; i < sizeof told; i++)
		ck_assert_uint_eq(((unsigned char *)&told)[i], 0xee);
}
END_TEST

START_TEST (one_future_may_be_given_twice_and_waited_for_by_several) {
	struct future *const twice[] = {&f[0], &f[1], &f[1]};
	struct gatherer a = {.futures = twice, .count = 3, .deadline_ns = CLOCK_NEVER, .result = 1}, b = a,
			c = a;
	world_spawn("a", any, &a);
	world_spawn("b", gather, &b);
	world_spawn("c", each, &c);
	world_turns(1);
	future_set_result(&f[1], NULL);
	world_turns(2);
	ck_assert_int_eq(a.result, 0);
	ck_assert_uint_eq(a.which, 1);
	ck_assert_str_eq(world_marks(), "12");
	future_set_result(&f[0], NULL);
	world_run();
	ck_assert_int_eq(b.result, 0);
	ck_assert_int_eq(c.result, ERR_NOTFOUND);
	ck_assert_str_eq(world_marks(), "12!0");
}
END_TEST

static int set_after_a_turn(void *arg)
{
	await_yield();
	clock_test_advance(1000 * NS_PER_MS, 1000);
	await_yield();
	/* The deadline has passed, and whoever waits has not run yet. */
	future_set_result(arg, NULL);
	return 0;
}

START_TEST (what_came_between_the_deadline_and_the_turn_is_taken) {
	clock_test_hold(true);
	struct gatherer g = {
	    .futures = all, .count = COUNT, .deadline_ns = clock_deadline_ms(1000), .result = 1};
	world_spawn("setter", set_after_a_turn, &f[1]);
	world_spawn("any", any, &g);
	world_run();
	ck_assert_int_eq(g.result, 0);
	ck_assert_uint_eq(g.which, 1);
}
END_TEST

/* ---- all ---- */

START_TEST (all_waits_for_the_last) {
	struct gatherer g = {.futures = all,
	    .count = COUNT,
	    .until = _i ? GATHER_FIRST_ERROR : GATHER_ALL,
	    .deadline_ns = CLOCK_NEVER,
	    .result = 1};
	future_set_result(&f[2], NULL);
	world_spawn("all", gather, &g);
	world_turns(2);
	future_set_result(&f[3], NULL);
	future_set_result(&f[0], NULL);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "");
	future_set_result(&f[1], &f[1]);
	world_run();
	ck_assert_int_eq(g.result, 0);
}
END_TEST

START_TEST (all_tells_the_first_error_in_the_order_given) {
	struct gatherer g = {
	    .futures = all, .count = COUNT, .until = GATHER_ALL, .deadline_ns = CLOCK_NEVER, .result = 1};
	world_spawn("all", gather, &g);
	world_turns(1);
	future_set_error(&f[3], -EIO);
	future_set_result(&f[0], NULL);
	future_set_result(&f[1], NULL);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "");
	future_set_error(&f[2], -EPIPE);
	world_run();
	ck_assert_int_eq(g.result, -EPIPE);
}
END_TEST

START_TEST (the_first_error_in_time_ends_it_when_asked) {
	struct gatherer g = {.futures = all,
	    .count = COUNT,
	    .until = GATHER_FIRST_ERROR,
	    .deadline_ns = CLOCK_NEVER,
	    .result = 1};
	world_spawn("all", gather, &g);
	world_turns(1);
	future_set_result(&f[0], NULL);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "");
	if (_i)
		future_set_error(&f[3], -EIO);
	else
		future_cancel(&f[3]);
	future_set_error(&f[1], -EPIPE);
	world_run();
	ck_assert_int_eq(g.result, _i ? -EIO : ERR_CANCELLED);
	ck_assert_int_eq(g.next, 0);
	ck_assert(!future_is_final(&f[2]));
	future_set_result(&f[2], NULL);
}
END_TEST

START_TEST (all_of_none_is_at_once) {
	struct gatherer g = {.futures = NULL, .count = 0, .deadline_ns = CLOCK_TRY, .result = 1}, e = g;
	world_spawn("all", gather, &g);
	world_spawn("each", each, &e);
	world_turns(1);
	ck_assert_int_eq(g.result, 0);
	ck_assert_int_eq(e.result, ERR_NOTFOUND);
	world_run();
}
END_TEST

START_TEST (all_ends_by_cancel_or_time) {
	clock_test_hold(true);
	struct gatherer a = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_NEVER, .result = 1};
	struct gatherer b = {
	    .futures = all, .count = COUNT, .deadline_ns = clock_deadline_ms(1000), .result = 1};
	struct task *t = world_spawn("a", gather, &a);
	world_spawn("b", gather, &b);
	world_turns(1);
	future_set_result(&f[1], NULL);
	task_cancel(t);
	clock_test_advance(1000 * NS_PER_MS, 1000);
	world_run();
	ck_assert_int_eq(a.result, ERR_CANCELLED);
	ck_assert_int_eq(b.result, ERR_TIMEOUT);
	future_set_result(&f[0], NULL);
}
END_TEST

/* ---- as completed ---- */

START_TEST (each_in_the_order_of_completion) {
	struct gatherer g = {.futures = all, .count = COUNT, .deadline_ns = CLOCK_NEVER, .result = 1};
	future_set_result(&f[3], NULL);
	future_set_error(&f[1], -EIO);
	world_spawn("each", each, &g);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "13");
	future_set_result(&f[2], NULL);
	future_set_result(&f[0], NULL);
	world_run();
	ck_assert_str_eq(world_marks(), "1320");
	ck_assert_int_eq(g.result, ERR_NOTFOUND);
}
END_TEST

static struct completion_mark shared_marks[COUNT];
static struct completions shared;

static int take_shared(void *arg)
{
	struct gatherer *g = arg;
	size_t which;
	while ((g->result = await_next(&shared, &which, g->deadline_ns)) == 0)
		world_mark((char)('0' + which));
	return 0;
}

START_TEST (several_tasks_may_take_from_the_same) {
	struct gatherer g[] = {
	    {.deadline_ns = CLOCK_NEVER}, {.deadline_ns = CLOCK_NEVER}, {.deadline_ns = CLOCK_NEVER}};
	completions_init(&shared, all, shared_marks, COUNT);
	for (int i = 0; i < 2; i++)
		world_spawn("taker", take_shared, &g[i]);
	world_turns(1);
	/* Two are woken; a third that comes before them takes what they were woken for. */
	world_spawn("quick", take_shared, &g[2]);
	for (int i = 0; i < COUNT; i++) {
		future_set_result(&f[i], NULL);
		world_turns(1);
	}
	world_run();
	ck_assert_str_eq(world_marks(), "0123");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(g[i].result, ERR_NOTFOUND);
	completions_clear(&shared);
}
END_TEST

START_TEST (what_is_there_waits_for_the_next_call) {
	completions_init(&shared, all, shared_marks, COUNT);
	struct gatherer first = {.deadline_ns = CLOCK_NEVER}, second = {.deadline_ns = CLOCK_TRY};
	struct task *t = world_spawn("first", take_shared, &first);
	world_turns(1);
	task_cancel(t);
	future_set_result(&f[2], NULL); /* too late for the first */
	world_run();
	ck_assert_int_eq(first.result, ERR_CANCELLED);
	ck_assert_str_eq(world_marks(), "");
	world_spawn("second", take_shared, &second);
	world_run();
	ck_assert_str_eq(world_marks(), "2");
	ck_assert_int_eq(second.result, ERR_TIMEOUT);
	completions_clear(&shared);
	future_set_result(&f[0], NULL);
}
END_TEST

/* ---- tasks ---- */

struct worker {
	int64_t turns;
	int result;
};

static int work(void *arg)
{
	struct worker *w = arg;
	for (int64_t i = 0; i < w->turns; i++)
		await_yield();
	return w->result;
}

static int gather_tasks(void *arg)
{
	struct worker w[] = {{20, 10}, {2, 11}, {0, 12}, {9, 13}};
	struct future *ends[COUNT];
	struct task *tasks[COUNT];
	struct completion_mark marks[COUNT];
	struct task_stats before, after;
	task_stats_get(&before);
	for (int i = 0; i < COUNT; i++) {
		tasks[i] = world_spawn("worker", work, &w[i]);
		ends[i] = task_ended(tasks[i]);
	}
	ck_assert_int_eq(await_all(ends, marks, COUNT, GATHER_ALL, CLOCK_NEVER), 0);
	/* Some ended long ago, and are there. */
	task_stats_get(&after);
	ck_assert_uint_eq(after.stacks_used, before.stacks_used + COUNT);
	if (*(int *)arg)
		ck_assert_int_eq(await_yield(), 0);
	for (int i = 0; i < COUNT; i++) {
		ck_assert(future_is_final(ends[i]));
		ck_assert_int_eq(await_task(tasks[i], CLOCK_TRY), w[i].result);
	}
	for (int i = 0; i < 3; i++)
		await_yield();
	task_stats_get(&after);
	ck_assert_uint_eq(after.stacks_used, before.stacks_used);
	world_mark('t');
	return 0;
}

START_TEST (tasks_are_kept_for_who_gathers_their_results) {
	int yields = _i;
	world_spawn("gatherer", gather_tasks, &yields);
	world_run();
	ck_assert_str_eq(world_marks(), "t");
}
END_TEST

static int first_of_tasks(void *arg)
{
	(void)arg;
	struct worker w[] = {{5, 0}, {1, 0}};
	struct task *tasks[2];
	struct future *ends[2];
	struct completion_mark marks[2];
	size_t which;
	for (int i = 0; i < 2; i++) {
		tasks[i] = world_spawn("worker", work, &w[i]);
		ends[i] = task_ended(tasks[i]);
	}
	ck_assert_int_eq(await_any(ends, marks, 2, &which, CLOCK_NEVER), 0);
	ck_assert_uint_eq(which, 1);
	ck_assert_int_eq(task_cancel(tasks[1]), ERR_STATE);
	ck_assert_int_eq(await_task(tasks[0], CLOCK_NEVER), 0);
	return 0;
}

START_TEST (any_of_several_tasks) {
	world_spawn("first", first_of_tasks, NULL);
	world_run();
}
END_TEST

START_TEST (who_lets_go_twice_takes_nothing_from_others) {
	struct worker w = {2, 0};
	struct task *t = world_spawn("worker", work, &w);
	struct future *const end[] = {task_ended(t)};
	struct completion_mark marks[1];
	struct completions c;
	struct task_stats stats;
	completions_init(&c, end, marks, 1);
	completions_clear(&c);
	completions_clear(&c);
	world_run();
	world_turns(3);
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.stacks_used, 0);
}
END_TEST

static void mark_end(struct future_callback *cb)
{
	(void)cb;
	world_mark('e');
}

START_TEST (a_tasks_end_can_be_called_back) {
	struct worker w = {2, 0};
	struct future_callback cb;
	struct task *t = world_spawn("worker", work, &w);
	future_add_callback(task_ended(t), &cb, mark_end);
	world_turns(2);
	ck_assert_str_eq(world_marks(), "");
	world_run();
	world_turns(2);
	ck_assert_str_eq(world_marks(), "e");
}
END_TEST

/* ---- very many ---- */

enum { MANY = 10000 };
static struct future many[MANY];
static struct completion_mark many_marks[MANY];
static struct future *many_pointers[MANY];

static int any_of_many(void *arg)
{
	struct gatherer *g = arg;
	g->result = await_any(many_pointers, many_marks, MANY, &g->which, CLOCK_NEVER);
	return 0;
}

START_TEST (ten_thousand_need_no_stack) {
	struct gatherer g = {.result = 1};
	for (int i = 0; i < MANY; i++) {
		future_init(&many[i], "one of many");
		many_pointers[i] = &many[i];
	}
	world_spawn("any", any_of_many, &g);
	world_turns(1);
	future_set_result(&many[MANY - 1], NULL);
	world_run();
	ck_assert_int_eq(g.result, 0);
	ck_assert_uint_eq(g.which, MANY - 1);
	for (int i = 0; i < MANY; i++)
		ck_assert(TAILQ_EMPTY(&many[i].waits));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("gather");
	tcase_add_checked_fixture(t, setup, world_clear);
	tcase_add_test(t, any_is_the_first_that_became_final);
	tcase_add_test(t, any_of_final_ones_is_the_first_given_and_does_not_suspend);
	tcase_add_test(t, any_ends_by_cancel_or_time_and_leaves_the_futures_alone);
	tcase_add_test(t, any_that_came_first_is_not_lost_to_a_cancel);
	tcase_add_test(t, what_came_between_the_deadline_and_the_turn_is_taken);
	tcase_add_test(t, a_future_that_has_been_told_may_be_gone);
	tcase_add_test(t, one_future_may_be_given_twice_and_waited_for_by_several);
	tcase_add_loop_test(t, all_waits_for_the_last, 0, 2);
	tcase_add_test(t, all_tells_the_first_error_in_the_order_given);
	tcase_add_loop_test(t, the_first_error_in_time_ends_it_when_asked, 0, 2);
	tcase_add_test(t, all_of_none_is_at_once);
	tcase_add_test(t, all_ends_by_cancel_or_time);
	tcase_add_test(t, each_in_the_order_of_completion);
	tcase_add_test(t, several_tasks_may_take_from_the_same);
	tcase_add_test(t, what_is_there_waits_for_the_next_call);
	tcase_add_loop_test(t, tasks_are_kept_for_who_gathers_their_results, 0, 2);
	tcase_add_test(t, any_of_several_tasks);
	tcase_add_test(t, who_lets_go_twice_takes_nothing_from_others);
	tcase_add_test(t, a_tasks_end_can_be_called_back);
	tcase_add_test(t, ten_thousand_need_no_stack);
	return unit_run();
}
