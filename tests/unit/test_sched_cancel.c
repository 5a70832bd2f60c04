/*
 * Cancels, wherever an order is; and workers that die.
 */
#include "tests/unit/sched_world.h"

static int await_cancel_1(void *arg)
{
	return await_cancelled(arg, 1);
}

static int await_cancel_2(void *arg)
{
	return await_cancelled(arg, 2);
}

/* A client cancels, and the test goes on. */
static void spawn(struct world *w, int (*fn)(void *arg))
{
	struct task_spec spec = {.name = "client", .stack = TASK_STACK_MEDIUM, .fn = fn, .arg = w};

	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
}

/* ---- cancel ---- */

static int await_cancel_queued(struct world *w)
{
	await_recovered(w);
	for (int i = 0; i < 3; i++)
		fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert_int_eq(await_cancelled(w, 2), STORE_CANCEL_DONE);
	ck_assert_int_eq(await_cancelled(w, 2), STORE_CANCEL_FINAL);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_started(w, "1.1 3.1");
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_cancelled_order_leaves_the_line) {
	world_run(1, await_cancel_queued);
}
END_TEST

static int await_cancel_running(struct world *w)
{
	enum job_stop why = JOB_STOP_DRAIN;

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_REQUESTED);
	ck_assert_int_eq(fake_pool_stops(w->pools, 1, &why), 1);
	ck_assert_int_eq(why, JOB_STOP_CANCEL);
	await_settled();
	assert_state(w, 1, "running");
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_REQUESTED);
	fake_pool_end(w->pools, 1, CAUSE_CANCELLED, -1, NULL);
	await_settled();
	assert_state(w, 1, "cancelled");
	assert_cause(w, 1, "cancelled");
	return 0;
}

START_TEST (a_running_order_is_cancelled_when_its_processes_are_gone) {
	world_run(1, await_cancel_running);
}
END_TEST

static int await_cancel_behind_end(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_store_hold(w->store, FAKE_FINISH, true);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "whole");
	await_settled();
	spawn(w, await_cancel_1);
	await_settled();
	fake_store_hold(w->store, FAKE_FINISH, false);
	await_settled();
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	return 0;
}

START_TEST (a_result_that_was_committed_first_stands) {
	world_run(1, await_cancel_behind_end);
}
END_TEST

static int await_cancel_before_end(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_store_hold(w->store, FAKE_CANCEL, true);
	spawn(w, await_cancel_1);
	await_settled();
	/* The job fails, and would be repeated; the cancel is before its end in the store's line. */
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, NULL);
	await_settled();
	fake_store_hold(w->store, FAKE_CANCEL, false);
	await_passed(5000);
	assert_state(w, 1, "cancelled");
	assert_started(w, "1.1");
	return 0;
}

START_TEST (an_end_behind_a_cancel_is_cancelled_and_not_repeated) {
	world_run(1, await_cancel_before_end);
}
END_TEST

static int await_cancel_before_start(struct world *w)
{
	enum job_stop why = JOB_STOP_DRAIN;

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	fake_store_hold(w->store, FAKE_CANCEL, true);
	spawn(w, await_cancel_2);
	await_settled();
	/* The cancel is before its start in the store's line, and the job goes out. */
	fake_pool_add(w->pools, "ovens");
	await_settled();
	assert_started(w, "2.1");
	fake_store_hold(w->store, FAKE_CANCEL, false);
	await_settled();
	assert_state(w, 2, "cancelled");
	ck_assert_int_ge(fake_pool_stops(w->pools, 2, &why), 1);
	ck_assert_int_eq(why, JOB_STOP_CANCEL);
	fake_pool_end(w->pools, 2, CAUSE_CANCELLED, -1, NULL);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	ck_assert_int_eq(fake_pool_released(w->pools), 2);
	assert_events(w, "1:queued 2:queued 1:running 2:cancelled 1:done");
	return 0;
}

START_TEST (a_job_whose_start_is_refused_is_stopped_and_dropped) {
	world_run(1, await_cancel_before_start);
}
END_TEST

static int await_cancel_before_once(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "once", 0);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	fake_store_hold(w->store, FAKE_CANCEL, true);
	spawn(w, await_cancel_2);
	await_settled();
	fake_pool_add(w->pools, "ovens");
	await_settled();
	fake_store_hold(w->store, FAKE_CANCEL, false);
	await_settled();
	assert_started(w, "1.1");
	assert_state(w, 2, "cancelled");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (at_most_once_a_refused_start_sends_nothing) {
	world_run(1, await_cancel_before_once);
}
END_TEST

static int await_cancel_uncertain(struct world *w)
{
	await_recovered(w);
	/* The start of an at-most-once order is on disk, but nobody knows; then it is cancelled. */
	fake_store_fail(w->store, FAKE_START, ERR_UNCERTAIN, true, 1);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	assert_started(w, "");
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_REQUESTED);
	await_passed(200);
	assert_started(w, "");
	assert_state(w, 1, "cancelled");
	return 0;
}

START_TEST (a_cancel_between_start_and_job_sends_nothing) {
	world_run(1, await_cancel_uncertain);
}
END_TEST

static int await_cancel_nothing(struct world *w)
{
	struct store_cancel r = {.id = 99, .by = "user"};

	await_recovered(w);
	ck_assert_int_eq(await_sched_cancel(w->sched, &r), ERR_NOTFOUND);
	return 0;
}

START_TEST (a_cancel_of_nothing_says_so) {
	world_run(1, await_cancel_nothing);
}
END_TEST

/* ---- workers ---- */

static int await_lost(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	for (int i = 0; i < 3; i++) {
		await_passed(2100);
		fake_pool_lose(w->pools, 1);
		await_settled();
	}
	assert_started(w, "1.1 1.2 1.3");
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "poison");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	ck_assert_int_eq(fake_store_find(w->store, 1)->lost, 3);
	return 0;
}

START_TEST (a_job_that_kills_three_workers_is_poison) {
	world_run(1, await_lost);
}
END_TEST

static int await_refused(struct world *w)
{
	await_recovered(w);
	fake_pool_refuse(w->pools, 2);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	assert_events(w, "1:queued 1:running");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_worker_that_has_just_died_costs_no_attempt) {
	world_run(1, await_refused);
}
END_TEST

static int await_refused_once(struct world *w)
{
	await_recovered(w);
	fake_pool_refuse(w->pools, 1);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	/* Its start is durable, and it waits for another. */
	assert_started(w, "1.1");
	assert_events(w, "1:queued 1:running");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	fake_pool_end(w->pools, 1, CAUSE_WORKER_LOST, -1, NULL);
	await_settled();
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "worker-lost");
	return 0;
}

START_TEST (at_most_once_a_job_that_nobody_had_is_sent_again) {
	world_run(1, await_refused_once);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("cancel");

	tcase_add_test(t, a_cancelled_order_leaves_the_line);
	tcase_add_test(t, a_running_order_is_cancelled_when_its_processes_are_gone);
	tcase_add_test(t, a_result_that_was_committed_first_stands);
	tcase_add_test(t, an_end_behind_a_cancel_is_cancelled_and_not_repeated);
	tcase_add_test(t, a_job_whose_start_is_refused_is_stopped_and_dropped);
	tcase_add_test(t, at_most_once_a_refused_start_sends_nothing);
	tcase_add_test(t, a_cancel_between_start_and_job_sends_nothing);
	tcase_add_test(t, a_cancel_of_nothing_says_so);
	t = unit_case("workers");
	tcase_add_test(t, a_job_that_kills_three_workers_is_poison);
	tcase_add_test(t, a_worker_that_has_just_died_costs_no_attempt);
	tcase_add_test(t, at_most_once_a_job_that_nobody_had_is_sent_again);
	return unit_run();
}
