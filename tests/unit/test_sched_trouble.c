/*
 * A store that has trouble: nothing is lost, nothing is done twice, everything goes on when the trouble is over.
 */
#include <string.h>

#include "tests/unit/sched_world.h"

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

int main(void)
{
	TCase *t = unit_case("store");

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
	return unit_run();
}
