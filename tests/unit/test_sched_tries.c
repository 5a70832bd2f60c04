/*
 * Steps that fail: further tries, further attempts, and the time that they have.
 */
#include "tests/unit/sched_world.h"

#define assert_done(text)              ck_assert_str_eq(fake_steps_done(), (text))
#define assert_results(w, order, text) ck_assert_str_eq(fake_pool_results((w)->pools, (order)), (text))

static void await_step_ends(int64_t order, const char *result)
{
	fake_steps_end(order, CAUSE_NONE, result);
	await_settled();
}

static void await_job_ends(struct world *w, int64_t order, const char *result)
{
	fake_pool_end(w->pools, order, CAUSE_EXIT, 0, result);
	await_settled();
}

/* ---- tries and attempts ---- */

static int await_tries(struct world *w)
{
	struct sched_doing doing;

	w->steps[RECIPE_CHAIN][1].retries = 2;
	w->steps[RECIPE_CHAIN][2].retries = 1;
	await_recovered(w);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	await_job_ends(w, 1, "slices");
	assert_done("1:ask");
	fake_steps_end(1, CAUSE_HTTP, NULL);
	await_settled();
	ck_assert(sched_doing(w->sched, 1, &doing));
	ck_assert_str_eq(doing.waits_for, "backoff");
	ck_assert_int_eq(doing.try, 2);
	await_passed(900);
	assert_done("1:ask.");
	await_passed(200);
	assert_done("1:ask");
	/* The other side asks for a longer pause than ours; then for one that is too long. */
	fake_steps_end_with(
	    1, (struct order_outcome){.cause = CAUSE_HTTP, .exit = -1, .retry_after_ms = 5000}, 10);
	await_passed(4900);
	assert_done("1:ask.");
	await_passed(200);
	assert_done("1:ask");
	await_step_ends(1, "yes");
	assert_started(w, "1.1 1.1/2");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, "half");
	await_passed(900);
	/* The worker has not been kept meanwhile. */
	ck_assert_int_eq(fake_pool_released(w->pools), 2);
	await_passed(200);
	assert_started(w, "1.1/2+1");
	assert_results(w, 1, "0=slices 1=yes");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, "half");
	await_settled();
	/* No try is left: the attempt has failed, and the next goes on where it was. */
	assert_state(w, 1, "scheduled");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 1);
	await_passed(1100);
	assert_started(w, "1.2/2");
	assert_results(w, 1, "0=slices 1=yes");
	await_job_ends(w, 1, "cake");
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_failed_step_is_tried_again_then_the_attempt_is) {
	world_run(1, await_tries);
}
END_TEST

static int await_permanent(struct world *w)
{
	w->steps[RECIPE_LAYER][0].retries = 5;
	w->steps[RECIPE_CHAIN][0].retries = 5;
	w->recipes[RECIPE_CHAIN].no_retry[64] = true;
	await_recovered(w);
	fake_store_submit(w->store, "layer", 0);
	fake_store_submit(w->store, "chain", 0);
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	fake_steps_end_with(1, (struct order_outcome){.cause = CAUSE_HTTP, .exit = -1, .permanent = true}, 0);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 64, NULL);
	/* A worker that is lost counts for the attempt. */
	fake_steps_end(3, CAUSE_PARAMS, NULL);
	await_settled();
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "http");
	assert_state(w, 2, "failed");
	assert_state(w, 3, "failed");
	assert_cause(w, 3, "params");
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	fake_pool_lose(w->pools, 4);
	await_settled();
	assert_state(w, 4, "scheduled");
	ck_assert_int_eq(fake_store_find(w->store, 4)->lost, 1);
	return 0;
}

START_TEST (what_would_fail_again_is_not_tried_again) {
	world_run(1, await_permanent);
}
END_TEST

static int await_half(struct world *w)
{
	w->recipes[RECIPE_CHAIN].retries = 0;
	await_recovered(w);
	for (int i = 0; i < 2; i++)
		fake_store_submit(w->store, "chain", 0);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, "half");
	await_settled();
	assert_state(w, 1, "failed");
	ck_assert_uint_eq(fake_store_find(w->store, 1)->result_len, 0);
	ck_assert_str_eq(fake_store_find(w->store, 1)->step, "cut");
	/* What the last one said is kept, as of an order of one step. */
	await_job_ends(w, 2, "slices");
	await_step_ends(2, "yes");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 1, "half");
	await_settled();
	assert_state(w, 2, "failed");
	ck_assert_uint_eq(fake_store_find(w->store, 2)->result_len, 4);
	return 0;
}

START_TEST (what_a_step_before_the_last_said_is_no_result_of_the_order) {
	world_run(2, await_half);
}
END_TEST

static int await_changed(struct world *w)
{
	struct fake_order *o = fake_store_leave(w->store, "layer", ORDER_QUEUED, 1);

	o->steps[0] = (struct fake_result){.present = true, .digest = 77, .bytes = "old", .len = 3};
	await_recovered(w);
	assert_done("1:gather");
	await_step_ends(1, "new");
	await_step_ends(1, NULL);
	assert_results(w, 1, "0=new");
	await_job_ends(w, 1, NULL);
	return 0;
}

START_TEST (results_of_another_form_of_the_recipe_are_not_used) {
	world_run(1, await_changed);
}
END_TEST

static int await_resume(struct world *w)
{
	await_recovered(w);
	/* Fails in its last step; goes on there, and waits for a worker without holding that of the first. */
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	await_job_ends(w, 1, "slices");
	await_step_ends(1, "yes");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, NULL);
	await_settled();
	ck_assert_str_eq(fake_store_find(w->store, 1)->step, "bake");
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	(void)fake_pool_started(w->pools);
	await_passed(1100);
	assert_state(w, 1, "running");
	assert_started(w, "");
	fake_store_submit(w->store, "bread", 0);
	await_settled();
	assert_started(w, "3.1");
	await_job_ends(w, 2, NULL);
	assert_started(w, "1.2/2");
	await_job_ends(w, 1, NULL);
	ck_assert_ptr_null(fake_store_find(w->store, 1)->step);
	await_job_ends(w, 3, NULL);
	assert_done("1:ask 1:ask.");
	return 0;
}

START_TEST (a_later_attempt_begins_at_the_first_step_without_a_result) {
	world_run(1, await_resume);
}
END_TEST

/* ---- time ---- */

/* The clock that a test moves goes on by itself too. */
static void assert_about(int64_t ms, int64_t expected)
{
	ck_assert_int_le(ms, expected);
	ck_assert_int_gt(ms, expected - 900);
}

static int await_budget(struct world *w)
{
	w->recipes[RECIPE_CHAIN].timeout_ms = 10000;
	w->steps[RECIPE_CHAIN][0].timeout_ms = 4000;
	w->steps[RECIPE_CHAIN][1].retries = 3;
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	ck_assert_int_eq(fake_pool_timeout_ms(w->pools, 2), 4000);
	await_passed(3000);
	await_job_ends(w, 2, NULL);
	assert_about(fake_steps_find(2)->budget_ms, 7000);
	/* A minute before a host is not its own time; a pause between tries is. */
	await_passed(60000);
	fake_steps_end_with(2, (struct order_outcome){.cause = CAUSE_HTTP, .exit = -1}, 500);
	await_passed(1100);
	assert_about(fake_steps_find(2)->budget_ms, 5500);
	fake_steps_end_with(2, (struct order_outcome){.cause = CAUSE_NONE, .exit = -1}, 1500);
	/* Nor is the wait for a worker. */
	await_passed(60000);
	await_job_ends(w, 1, NULL);
	assert_about(fake_pool_timeout_ms(w->pools, 2), 4000);
	await_job_ends(w, 2, NULL);
	assert_state(w, 2, "done");
	return 0;
}

START_TEST (an_attempts_time_is_used_by_steps_and_pauses_only) {
	world_run(1, await_budget);
}
END_TEST

static int await_out_of_time(struct world *w)
{
	w->recipes[RECIPE_LAYER].timeout_ms = 2000;
	w->recipes[RECIPE_LAYER].retries = 0;
	w->steps[RECIPE_LAYER][0].retries = 5;
	await_recovered(w);
	for (int i = 0; i < 3; i++)
		fake_store_submit(w->store, "layer", 0);
	await_settled();
	/* One uses it up by a step, one by its job; what is left to the second is less than a pause, so it ends at once with the true cause. */
	fake_steps_end_with(1, (struct order_outcome){.cause = CAUSE_TIMEOUT, .exit = -1}, 2000);
	fake_steps_end_with(2, (struct order_outcome){.cause = CAUSE_HTTP, .exit = -1}, 1500);
	await_step_ends(3, NULL);
	await_step_ends(3, NULL);
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "timeout");
	assert_state(w, 2, "failed");
	assert_cause(w, 2, "http");
	ck_assert_int_eq(fake_pool_timeout_ms(w->pools, 3), 2000);
	w->steps[RECIPE_LAYER][2].retries = 1;
	fake_pool_end(w->pools, 3, CAUSE_TIMEOUT, -1, NULL);
	await_settled();
	assert_state(w, 3, "failed");
	assert_cause(w, 3, "timeout");
	return 0;
}

START_TEST (an_attempt_ends_when_its_time_is_over) {
	world_run(1, await_out_of_time);
}
END_TEST

static int await_steps_time(struct world *w)
{
	w->recipes[RECIPE_CHAIN].timeout_ms = 60000;
	w->steps[RECIPE_CHAIN][0].timeout_ms = 1000;
	w->steps[RECIPE_CHAIN][0].retries = 1;
	await_recovered(w);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_TIMEOUT, -1, NULL);
	await_passed(1100);
	assert_started(w, "1.1 1.1+1");
	ck_assert_int_eq(fake_pool_timeout_ms(w->pools, 1), 1000);
	await_job_ends(w, 1, NULL);
	await_step_ends(1, NULL);
	await_job_ends(w, 1, NULL);
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_step_that_took_too_long_may_be_tried_again) {
	world_run(1, await_steps_time);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("tries");

	tcase_add_test(t, a_failed_step_is_tried_again_then_the_attempt_is);
	tcase_add_test(t, what_would_fail_again_is_not_tried_again);
	tcase_add_test(t, what_a_step_before_the_last_said_is_no_result_of_the_order);
	tcase_add_test(t, results_of_another_form_of_the_recipe_are_not_used);
	tcase_add_test(t, a_later_attempt_begins_at_the_first_step_without_a_result);
	t = unit_case("time");
	tcase_add_test(t, an_attempts_time_is_used_by_steps_and_pauses_only);
	tcase_add_test(t, an_attempt_ends_when_its_time_is_over);
	tcase_add_test(t, a_step_that_took_too_long_may_be_tried_again);
	return unit_run();
}
