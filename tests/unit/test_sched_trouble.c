/*
 * The scheduler when things go wrong, or are ended: cancel, drain, workers that die, a store that has trouble.
 */
#include <stdlib.h>
#include <string.h>

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
	/* Its start was durable, but it is known that nobody had it. */
	assert_started(w, "1.2");
	assert_events(w, "1:queued 1:running 1:queued 1:running");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	fake_pool_end(w->pools, 1, CAUSE_WORKER_LOST, -1, NULL);
	await_settled();
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "worker-lost");
	return 0;
}

START_TEST (at_most_once_only_what_never_began_begins_again) {
	world_run(1, await_refused_once);
}
END_TEST

/* ---- payloads ---- */

static struct fake_order *leave_large(struct world *w)
{
	struct fake_order *o = fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);

	free(o->payload);
	o->payload_len = STORE_INLINE_PAYLOAD + 1;
	o->payload = malloc(o->payload_len);
	ck_assert_ptr_nonnull(o->payload);
	memset(o->payload, 'p', o->payload_len);
	return o;
}

static int await_large(struct world *w)
{
	leave_large(w);
	fake_store_fail(w->store, FAKE_READ, ERR_STORAGE, false, 2);
	await_recovered(w);
	assert_started(w, "");
	await_passed(200);
	assert_started(w, "1.1");
	ck_assert_int_eq(fake_pool_payload(w->pools, 1)[59], 'p');
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_large_payload_is_read_when_the_order_starts) {
	world_run(1, await_large);
}
END_TEST

static int await_damaged(struct world *w)
{
	leave_large(w);
	fake_store_fail(w->store, FAKE_READ, ERR_CORRUPT, false, 1);
	await_recovered(w);
	assert_started(w, "");
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "params");
	ck_assert_str_eq(fake_store_find(w->store, 1)->message, "the stored payload is damaged");
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (an_order_with_a_damaged_payload_fails_and_frees_its_worker) {
	world_run(1, await_damaged);
}
END_TEST

static int await_row_damaged_at_start(struct world *w)
{
	await_recovered(w);
	fake_store_hold(w->store, FAKE_START, true);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	fake_store_fail(w->store, FAKE_START, ERR_CORRUPT, false, 1);
	/* No line has it any more. */
	fake_store_find(w->store, 1)->state = ORDER_FAILED;
	fake_store_hold(w->store, FAKE_START, false);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

static int await_row_damaged_at_end(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_store_fail(w->store, FAKE_FINISH, ERR_CORRUPT, false, 1);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	/* It was not asked for again, and the worker has the next one. */
	assert_started(w, "1.1 2.1");
	assert_state(w, 1, "running");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 2, "done");
	return 0;
}

START_TEST (a_damaged_order_does_not_keep_its_worker) {
	world_run(1, await_row_damaged_at_start);
	world_run(1, await_row_damaged_at_end);
}
END_TEST

static int await_damaged_claim(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_DONE, 1);
	fake_store_fail(w->store, FAKE_GET, ERR_CORRUPT, false, 1);
	fake_pool_claim(w->pools, "ovens", 1, 1, false);
	await_recovered(w);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 1);
	return 0;
}

START_TEST (a_damaged_order_does_not_keep_the_daemon_from_starting) {
	world_run(1, await_damaged_claim);
}
END_TEST

static int await_cancel_while_reading(struct world *w)
{
	leave_large(w);
	fake_store_hold(w->store, FAKE_READ, true);
	await_recovered(w);
	spawn(w, await_cancel_1);
	await_settled();
	fake_store_hold(w->store, FAKE_CANCEL, true);
	fake_store_hold(w->store, FAKE_READ, false);
	await_settled();
	/* The payload is here, the cancel is before the start. */
	fake_store_hold(w->store, FAKE_CANCEL, false);
	await_settled();
	if (fake_pool_job(w->pools, 1))
		fake_pool_end(w->pools, 1, CAUSE_CANCELLED, -1, NULL);
	await_settled();
	assert_state(w, 1, "cancelled");
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert_ptr_nonnull(fake_pool_job(w->pools, 2));
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_cancel_while_the_payload_is_read_frees_the_worker) {
	world_run(1, await_cancel_while_reading);
}
END_TEST

static int await_cancel_in_trouble(struct world *w)
{
	leave_large(w);
	fake_store_fail(w->store, FAKE_READ, ERR_STORAGE, false, 1);
	await_recovered(w);
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_DONE);
	await_passed(200);
	assert_started(w, "");
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_events(w, "1:cancelled 2:queued 2:running 2:done");
	return 0;
}

START_TEST (what_was_cancelled_before_it_was_sent_is_not_sent) {
	world_run(1, await_cancel_in_trouble);
}
END_TEST

static int await_vanished(struct world *w)
{
	leave_large(w);
	fake_store_hold(w->store, FAKE_READ, true);
	await_recovered(w);
	fake_store_find(w->store, 1)->state = ORDER_CANCELLED;
	fake_store_fail(w->store, FAKE_READ, ERR_GONE, false, 1);
	fake_store_hold(w->store, FAKE_READ, false);
	await_settled();
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (an_order_that_has_vanished_is_dropped) {
	world_run(1, await_vanished);
}
END_TEST

/* ---- the store has trouble ---- */

static int await_finish_trouble(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_store_fail(w->store, FAKE_FINISH, ERR_STORAGE, false, 10);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "sponge");
	await_passed(2000);
	assert_state(w, 1, "running");
	ck_assert_int_eq(fake_pool_released(w->pools), 0);
	await_passed(5000);
	assert_state(w, 1, "done");
	ck_assert_mem_eq(fake_store_find(w->store, 1)->result, "sponge", 6);
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	return 0;
}

START_TEST (an_end_that_cannot_be_stored_is_kept_and_tried_again) {
	world_run(1, await_finish_trouble);
}
END_TEST

static int await_finish_uncertain(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	/* Both ends are on disk, and nobody was told: one is final, one is to be repeated. */
	fake_store_fail(w->store, FAKE_FINISH, ERR_UNCERTAIN, true, 2);
	w->recipes[RECIPE_CAKE].backoff.first_ms = 0;
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, NULL);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, "sponge");
	await_passed(500);
	assert_state(w, 2, "done");
	ck_assert_int_eq(fake_pool_released(w->pools), 2);
	assert_started(w, "1.1 2.1 1.2");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (an_uncertain_end_is_neither_lost_nor_done_twice) {
	world_run(2, await_finish_uncertain);
}
END_TEST

static int await_start_trouble(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 2);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	assert_state(w, 1, "queued");
	await_passed(2500);
	assert_state(w, 1, "running");
	assert_started(w, "");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_start_that_cannot_be_stored_is_tried_again_while_the_job_runs) {
	world_run(1, await_start_trouble);
}
END_TEST

static int await_start_trouble_to_the_end(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 2);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_passed(500);
	assert_state(w, 1, "done");
	assert_events(w, "1:queued 1:running 1:done");
	return 0;
}

START_TEST (an_end_takes_a_failed_start_with_it) {
	world_run(1, await_start_trouble_to_the_end);
}
END_TEST

static int await_start_and_end_at_once(struct world *w)
{
	await_recovered(w);
	fake_store_hold(w->store, FAKE_START, true);
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 1);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	/* The start fails, and the end right behind it is refused. */
	fake_store_hold(w->store, FAKE_START, false);
	await_passed(500);
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_FINISH), 2);
	return 0;
}

START_TEST (an_end_refused_for_its_failed_start_is_no_late_end) {
	world_run(1, await_start_and_end_at_once);
}
END_TEST

static int await_start_uncertain_and_end(struct world *w)
{
	await_recovered(w);
	for (int applied = 0; applied < 2; applied++) {
		int64_t id;

		/* The end is there before anybody has looked at what became of the start. */
		fake_store_hold(w->store, FAKE_START, true);
		fake_store_fail(w->store, FAKE_START, ERR_UNCERTAIN, applied, 1);
		fake_store_fail(w->store, FAKE_FINISH, ERR_UNCERTAIN, false, 1);
		id = fake_store_submit(w->store, "cake", 0);
		await_settled();
		fake_pool_end(w->pools, id, CAUSE_EXIT, 0, NULL);
		fake_store_hold(w->store, FAKE_START, false);
		await_passed(3000);
		assert_state(w, id, "done");
		ck_assert_int_eq(fake_store_find(w->store, id)->attempt, 1);
	}
	return 0;
}

START_TEST (the_end_of_a_job_whose_start_was_uncertain_is_stored) {
	world_run(1, await_start_uncertain_and_end);
}
END_TEST

static int await_start_uncertain(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_START, ERR_UNCERTAIN, true, 1);
	fake_store_submit(w->store, "cake", 0);
	await_passed(2500);
	assert_state(w, 1, "running");
	ck_assert_int_eq(fake_pool_stops(w->pools, 1, NULL), 0);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	assert_started(w, "1.1");
	return 0;
}

START_TEST (the_echo_of_an_uncertain_start_stops_nothing) {
	world_run(1, await_start_uncertain);
}
END_TEST

static int await_once_uncertain(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_START, ERR_UNCERTAIN, true, 1);
	fake_store_submit(w->store, "once", 0);
	fake_store_submit(w->store, "once", 0);
	await_passed(200);
	assert_started(w, "1.1");
	fake_store_fail(w->store, FAKE_START, ERR_UNCERTAIN, false, 1);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_passed(200);
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	assert_state(w, 2, "done");
	return 0;
}

START_TEST (at_most_once_an_uncertain_start_is_looked_up_before_the_job_is_sent) {
	world_run(1, await_once_uncertain);
}
END_TEST

static int await_cancelled_unstarted(struct world *w)
{
	await_recovered(w);
	/* The job runs, and the store has the order as queued: a cancel is final there, and must reach the job. */
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 1);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_DONE);
	ck_assert_int_ge(fake_pool_stops(w->pools, 1, NULL), 1);
	await_passed(2000);
	fake_pool_end(w->pools, 1, CAUSE_CANCELLED, -1, NULL);
	await_settled();
	assert_state(w, 1, "cancelled");
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	return 0;
}

START_TEST (a_cancel_reaches_a_job_whose_start_is_not_stored) {
	world_run(1, await_cancelled_unstarted);
}
END_TEST

static int await_refill_trouble(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	fake_store_fail(w->store, FAKE_REFILL, ERR_STORAGE, false, 2);
	await_recovered(w);
	assert_started(w, "");
	await_passed(2500);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_refill_that_failed_is_tried_again) {
	world_run(1, await_refill_trouble);
}
END_TEST

static int await_submit(void *arg)
{
	struct world *w = arg;
	struct store_submit r = {.recipe = store_intern(w->store, "cake", 4)};

	store_submit(w->store, &r);
	return await_future_shielded(&r.op.done);
}

static int await_untold(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_SUBMIT, ERR_UNCERTAIN, true, 1);
	ck_assert_int_eq(await_submit(w), ERR_UNCERTAIN);
	await_passed(1000);
	assert_started(w, "");
	await_passed(10000);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (an_order_of_an_uncertain_submission_is_found) {
	world_run(1, await_untold);
}
END_TEST

static int await_stale_head(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "tart", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	/* What the window has is not what is stored: another attempt had begun and ended, and nobody told. */
	fake_store_find(w->store, 2)->attempt = 4;
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	ck_assert_int_ge(fake_pool_stops(w->pools, 2, NULL), 1);
	fake_pool_end(w->pools, 2, CAUSE_CANCELLED, -1, NULL);
	await_passed(500);
	assert_started(w, "1.1 2.1 2.5");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 2, "done");
	return 0;
}

START_TEST (a_window_that_remembered_wrongly_is_read_again) {
	world_run(1, await_stale_head);
}
END_TEST

/* ---- drain ---- */

static int await_drain_idle(struct world *w)
{
	struct future done;

	await_recovered(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(30000), &done);
	ck_assert_int_eq(await_future(&done, CLOCK_TRY), 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "");
	ck_assert(sched_draining(w->sched));
	return 0;
}

START_TEST (a_drain_of_an_idle_scheduler_is_done_at_once) {
	world_run(1, await_drain_idle);
}
END_TEST

static int await_drain_in_time(struct world *w)
{
	struct future done;
	char why[256];

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(30000), &done);
	ck_assert_int_eq(sched_why_held(w->sched, "cake", why), SCHED_HOLD_DRAINING);
	await_passed(1000);
	ck_assert_int_eq(fake_pool_stops(w->pools, 1, NULL), 0);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "done");
	assert_state(w, 2, "queued");
	assert_started(w, "1.1");
	return 0;
}

START_TEST (a_drain_lets_running_orders_finish) {
	world_run(1, await_drain_in_time);
}
END_TEST

static int await_drain_deadline(struct world *w)
{
	enum job_stop why = JOB_STOP_CANCEL;
	struct future done;

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(30000), &done);
	await_passed(29000);
	ck_assert_int_eq(fake_pool_stops(w->pools, 1, NULL), 0);
	/* A second signal ends the grace. */
	sched_drain(w->sched, CLOCK_TRY, &done);
	await_settled();
	ck_assert_int_eq(fake_pool_stops(w->pools, 1, &why), 1);
	ck_assert_int_eq(why, JOB_STOP_DRAIN);
	ck_assert(!future_is_final(&done));
	fake_pool_end(w->pools, 1, CAUSE_DRAINED, -1, NULL);
	fake_pool_end(w->pools, 2, CAUSE_DRAINED, -1, NULL);
	await_settled();
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "queued");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	assert_state(w, 2, "failed");
	assert_cause(w, 2, "drained");
	assert_started(w, "1.1 2.1");
	return 0;
}

START_TEST (at_the_deadline_the_rest_is_stopped_and_queued_again) {
	world_run(2, await_drain_deadline);
}
END_TEST

static int await_drain_picked(struct world *w)
{
	struct future done;

	leave_large(w);
	fake_store_leave(w->store, "once", ORDER_QUEUED, 0);
	fake_store_hold(w->store, FAKE_READ, true);
	await_recovered(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(30000), &done);
	ck_assert(!future_is_final(&done));
	fake_store_hold(w->store, FAKE_READ, false);
	await_settled();
	ck_assert(future_is_final(&done));
	assert_started(w, "");
	assert_state(w, 1, "queued");
	assert_state(w, 2, "queued");
	return 0;
}

START_TEST (a_drain_sends_nothing_that_was_only_picked) {
	world_run(2, await_drain_picked);
}
END_TEST

static int await_drain_trouble(struct world *w)
{
	struct future done;

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	future_init(&done, "drained");
	fake_store_fail(w->store, FAKE_FINISH, ERR_STORAGE, false, 1000);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "sponge");
	sched_drain(w->sched, clock_deadline_ms(3000), &done);
	await_passed(2900);
	ck_assert(!future_is_final(&done));
	await_passed(2000);
	/* The next daemon finds the order running; the worker has not been told to forget. */
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "running");
	ck_assert_int_eq(fake_pool_released(w->pools), 0);
	free(fake_pool_job(w->pools, 1)->bytes);
	return 0;
}

START_TEST (a_drain_does_not_wait_for_ever_for_a_store_in_trouble) {
	world_run(1, await_drain_trouble);
}
END_TEST

static int await_end_asking(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	fake_store_leave(w->store, "tart", ORDER_SCHEDULED, 0)->due_ms = clock_wall_ms();
	fake_store_hold(w->store, FAKE_REFILL, true);
	await_recovered(w);
	return 0;
}

START_TEST (a_scheduler_may_end_while_the_store_is_asked) {
	world_run(1, await_end_asking);
}
END_TEST

static int await_drain_asks_nothing(struct world *w)
{
	struct future done;
	int asked;

	await_recovered(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(1000), &done);
	asked = fake_store_asked(w->store, FAKE_REFILL) + fake_store_asked(w->store, FAKE_PROMOTE);
	for (int i = 0; i < 2000; i++)
		fake_store_submit(w->store, "cake", -i);
	await_settled();
	ck_assert_int_eq(
	    fake_store_asked(w->store, FAKE_REFILL) + fake_store_asked(w->store, FAKE_PROMOTE), asked);
	return 0;
}

START_TEST (after_a_drain_the_store_is_asked_nothing) {
	world_run(1, await_drain_asks_nothing);
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
	tcase_add_test(t, at_most_once_only_what_never_began_begins_again);
	t = unit_case("payloads");
	tcase_add_test(t, a_large_payload_is_read_when_the_order_starts);
	tcase_add_test(t, an_order_with_a_damaged_payload_fails_and_frees_its_worker);
	tcase_add_test(t, a_damaged_order_does_not_keep_its_worker);
	tcase_add_test(t, a_damaged_order_does_not_keep_the_daemon_from_starting);
	tcase_add_test(t, a_cancel_while_the_payload_is_read_frees_the_worker);
	tcase_add_test(t, what_was_cancelled_before_it_was_sent_is_not_sent);
	tcase_add_test(t, an_order_that_has_vanished_is_dropped);
	t = unit_case("store");
	tcase_add_test(t, an_end_that_cannot_be_stored_is_kept_and_tried_again);
	tcase_add_test(t, an_uncertain_end_is_neither_lost_nor_done_twice);
	tcase_add_test(t, a_start_that_cannot_be_stored_is_tried_again_while_the_job_runs);
	tcase_add_test(t, an_end_takes_a_failed_start_with_it);
	tcase_add_test(t, an_end_refused_for_its_failed_start_is_no_late_end);
	tcase_add_test(t, the_end_of_a_job_whose_start_was_uncertain_is_stored);
	tcase_add_test(t, the_echo_of_an_uncertain_start_stops_nothing);
	tcase_add_test(t, at_most_once_an_uncertain_start_is_looked_up_before_the_job_is_sent);
	tcase_add_test(t, a_cancel_reaches_a_job_whose_start_is_not_stored);
	tcase_add_test(t, a_refill_that_failed_is_tried_again);
	tcase_add_test(t, an_order_of_an_uncertain_submission_is_found);
	tcase_add_test(t, a_window_that_remembered_wrongly_is_read_again);
	t = unit_case("drain");
	tcase_add_test(t, a_drain_of_an_idle_scheduler_is_done_at_once);
	tcase_add_test(t, a_drain_lets_running_orders_finish);
	tcase_add_test(t, at_the_deadline_the_rest_is_stopped_and_queued_again);
	tcase_add_test(t, a_drain_sends_nothing_that_was_only_picked);
	tcase_add_test(t, a_drain_does_not_wait_for_ever_for_a_store_in_trouble);
	tcase_add_test(t, a_scheduler_may_end_while_the_store_is_asked);
	tcase_add_test(t, after_a_drain_the_store_is_asked_nothing);
	return unit_run();
}
