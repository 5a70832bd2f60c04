/*
 * A daemon that is not the first: what the store knows against what the workers of an earlier front say, row by row of the table of adoption.
 */
#include <stdlib.h>

#include "tests/unit/sched_world.h"

static int await_recover(void *arg)
{
	struct world *w = arg;
	int err = await_sched_recover(w->sched);

	w->recovered = err == 0;
	return err;
}

/* The daemon starts, and waits for what the workers say. */
static void await_begun(struct world *w)
{
	struct task_spec spec = {.name = "recover", .fn = await_recover, .arg = w};

	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	await_settled();
	ck_assert(!w->recovered);
}

static void await_done(struct world *w)
{
	fake_pool_settle(w->pools);
	await_settled();
	ck_assert(w->recovered);
}

static int await_adopted(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 2);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 2, false);
	await_done(w);
	assert_started(w, "");
	ck_assert_int_eq(sched_recipe_running(w->sched, "cake"), 1);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "sponge");
	await_settled();
	assert_events(w, "1:done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->attempt, 2);
	ck_assert_int_eq(sched_recipe_running(w->sched, "cake"), 0);
	return 0;
}

START_TEST (a_running_attempt_that_a_worker_has_is_adopted) {
	world_run(1, await_adopted);
}
END_TEST

static int await_adopted_ended(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 1, true);
	await_done(w);
	assert_state(w, 1, "done");
	ck_assert_mem_eq(fake_store_find(w->store, 1)->result, "kept", 4);
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	return 0;
}

START_TEST (a_result_that_was_not_acknowledged_is_stored) {
	world_run(1, await_adopted_ended);
}
END_TEST

static int await_nobody(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1);
	fake_store_leave(w->store, "once", ORDER_RUNNING, 1);
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1)->cancel_requested = true;
	fake_store_leave(w->store, "pie", ORDER_RUNNING, 1);
	await_begun(w);
	assert_events(w, "");
	await_done(w);
	assert_started(w, "1.2");
	assert_state(w, 1, "running");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	assert_state(w, 2, "failed");
	assert_cause(w, 2, "daemon-lost");
	assert_state(w, 3, "cancelled");
	assert_state(w, 4, "queued");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (an_attempt_that_nobody_has_is_repeated_unless_at_most_once_or_cancelled) {
	world_run(1, await_nobody);
}
END_TEST

static int await_unstarted(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 1);
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 2, false);
	await_done(w);
	assert_state(w, 1, "running");
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_events(w, "1:running 2:running 1:done 2:done");
	ck_assert_int_eq(fake_pool_discarded(w->pools), 0);
	return 0;
}

START_TEST (a_start_that_did_not_reach_the_disk_is_committed_now) {
	world_run(2, await_unstarted);
}
END_TEST

static int await_unstarted_trouble(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 1);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 1, false);
	await_done(w);
	assert_state(w, 1, "queued");
	await_passed(1100);
	assert_state(w, 1, "running");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_events(w, "1:running 1:done");
	return 0;
}

START_TEST (a_full_disk_does_not_part_a_job_from_its_daemon) {
	world_run(1, await_unstarted_trouble);
}
END_TEST

static int await_discarded(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_DONE, 1);
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 3);
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 4);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 1, false); /* final */
	fake_pool_claim(w->pools, "ovens", 2, 2, false); /* a later attempt */
	fake_pool_claim(w->pools, "ovens", 3, 4, true);  /* ended already, and queued again */
	fake_pool_claim(w->pools, "ovens", 99, 1, true); /* trimmed */
	fake_pool_claim(w->pools, "ovens", 2, 3, false);
	fake_pool_claim(w->pools, "ovens", 2, 3, false); /* somebody else has it already */
	await_done(w);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 5);
	assert_started(w, "3.5");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 2, "done");
	assert_state(w, 3, "done");
	return 0;
}

START_TEST (what_is_final_or_of_an_earlier_attempt_is_discarded) {
	world_run(6, await_discarded);
}
END_TEST

static int await_cancel_adopted(struct world *w)
{
	enum job_stop why = JOB_STOP_DRAIN;

	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1)->cancel_requested = true;
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1);
	await_begun(w);
	/* One was cancelled before the restart, one is while nobody knows yet who has it. */
	ck_assert_int_eq(await_cancelled(w, 2), STORE_CANCEL_REQUESTED);
	for (int64_t id = 1; id <= 2; id++)
		fake_pool_claim(w->pools, "ovens", id, 1, false);
	await_done(w);
	for (int64_t id = 1; id <= 2; id++) {
		ck_assert_int_eq(fake_pool_stops(w->pools, id, &why), 1);
		ck_assert_int_eq(why, JOB_STOP_CANCEL);
	}
	for (int64_t id = 1; id <= 2; id++) {
		fake_pool_end(w->pools, id, CAUSE_CANCELLED, -1, NULL);
		await_settled();
		assert_state(w, id, "cancelled");
	}
	return 0;
}

START_TEST (what_was_cancelled_is_adopted_then_ended) {
	world_run(2, await_cancel_adopted);
}
END_TEST

static int await_nothing_before(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	fake_store_leave(w->store, "tart", ORDER_RUNNING, 1);
	await_begun(w);
	fake_store_submit(w->store, "cake", 0);
	await_passed(5000);
	assert_started(w, "");
	await_done(w);
	ck_assert_ptr_nonnull(fake_pool_job(w->pools, 1));
	ck_assert_ptr_nonnull(fake_pool_job(w->pools, 2));
	ck_assert_ptr_null(fake_pool_job(w->pools, 3));
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (nothing_starts_before_every_old_worker_has_spoken) {
	world_run(2, await_nothing_before);
}
END_TEST

static int await_kept(struct world *w)
{
	struct store_pause pause = {.recipe = store_intern(w->store, "cake", 4), .paused = true};

	fake_store_leave(w->store, "cake", ORDER_QUEUED, 0);
	fake_store_leave(w->store, "pie", ORDER_QUEUED, 0);
	fake_store_leave(w->store, "tart", ORDER_SCHEDULED, 1)->due_ms = clock_wall_ms() + 5000;
	store_pause(w->store, &pause);
	ck_assert_int_eq(await_future_shielded(&pause.op.done), 0);
	await_recovered(w);
	await_passed(4900);
	assert_started(w, "");
	ck_assert(sched_is_paused(w->sched, "cake"));
	await_passed(200);
	assert_started(w, "3.2");
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "queued");
	assert_state(w, 2, "queued");
	return 0;
}

START_TEST (pauses_delays_and_unknown_recipes_last_across_restarts) {
	world_run(2, await_kept);
}
END_TEST

static int await_late_claim(struct world *w)
{
	await_recovered(w);
	fake_pool_claim(w->pools, "ovens", 5, 1, false);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 1);
	return 0;
}

START_TEST (a_claim_after_the_recovery_is_nobodys) {
	world_run(1, await_late_claim);
}
END_TEST

static int await_recover_failed(struct world *w)
{
	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1);
	fake_store_fail(w->store, FAKE_RECOVER, ERR_STORAGE, false, 1);
	ck_assert_int_eq(await_sched_recover(w->sched), ERR_STORAGE);
	return 0;
}

START_TEST (a_store_that_cannot_be_read_is_said) {
	world_run(1, await_recover_failed);
}
END_TEST

static int await_adopted_unknown(struct world *w)
{
	fake_store_leave(w->store, "pie", ORDER_RUNNING, 1);
	await_begun(w);
	fake_pool_claim(w->pools, "ovens", 1, 1, false);
	await_done(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_job_of_a_recipe_that_is_gone_is_adopted_too) {
	world_run(1, await_adopted_unknown);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("recover");

	tcase_add_test(t, a_running_attempt_that_a_worker_has_is_adopted);
	tcase_add_test(t, a_result_that_was_not_acknowledged_is_stored);
	tcase_add_test(t, an_attempt_that_nobody_has_is_repeated_unless_at_most_once_or_cancelled);
	tcase_add_test(t, a_start_that_did_not_reach_the_disk_is_committed_now);
	tcase_add_test(t, a_full_disk_does_not_part_a_job_from_its_daemon);
	tcase_add_test(t, what_is_final_or_of_an_earlier_attempt_is_discarded);
	tcase_add_test(t, what_was_cancelled_is_adopted_then_ended);
	tcase_add_test(t, nothing_starts_before_every_old_worker_has_spoken);
	tcase_add_test(t, pauses_delays_and_unknown_recipes_last_across_restarts);
	tcase_add_test(t, a_claim_after_the_recovery_is_nobodys);
	tcase_add_test(t, a_store_that_cannot_be_read_is_said);
	tcase_add_test(t, a_job_of_a_recipe_that_is_gone_is_adopted_too);
	return unit_run();
}
