/*
 * What becomes of an order when an attempt has ended: the table of STATES.md, row by row.
 */
#include <stdlib.h>

#include "daemon/base/rand.h"
#include "daemon/sched/retry.h"
#include "tests/unit/unit.h"

static struct conf_recipe recipe;
static struct store_head head;
static struct order_outcome outcome;
static struct retry_case now;

static void setup(void)
{
	setenv("BAKERY_SEED", "1", 1);
	rand_init();
	recipe = (struct conf_recipe){.name = (char *)"cake", .retries = 2, .poison_after = 3};
	recipe.backoff.first_ms = 1000;
	recipe.backoff.factor = 2;
	recipe.backoff.max_ms = 600000;
	head = (struct store_head){.id = 1, .timeout_ms = -1, .retries = -1};
	outcome = (struct order_outcome){.cause = CAUSE_EXIT, .exit = 1};
	now = (struct retry_case){.recipe = &recipe, .head = &head, .outcome = &outcome};
}

static void outcome_is(enum order_cause cause, int exit)
{
	outcome.cause = cause;
	outcome.exit = exit;
}

static void assert_final(enum order_state state, enum order_cause cause)
{
	struct retry_decision d = retry_decide(&now);

	ck_assert_str_eq(order_state_word(d.next), order_state_word(state));
	ck_assert_str_eq(order_cause_word(d.cause), order_cause_word(cause));
}

static void assert_again(int64_t delay_ms, bool charge, bool lost)
{
	struct retry_decision d = retry_decide(&now);

	ck_assert_str_eq(order_state_word(d.next), delay_ms ? "scheduled" : "queued");
	ck_assert_int_eq(d.delay_ms, delay_ms);
	ck_assert_int_eq(d.charge, charge);
	ck_assert_int_eq(d.lost, lost);
}

START_TEST (exit_0_is_done) {
	outcome_is(CAUSE_EXIT, 0);
	assert_final(ORDER_DONE, CAUSE_EXIT);
}
END_TEST

START_TEST (a_committed_cancel_wins_over_everything) {
	static const enum order_cause causes[] = {
	    CAUSE_EXIT, CAUSE_CANCELLED, CAUSE_WORKER_LOST, CAUSE_DRAINED, CAUSE_TIMEOUT};

	now.cancelled = true;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		outcome_is(causes[i], 0);
		assert_final(ORDER_CANCELLED, CAUSE_CANCELLED);
	}
}
END_TEST

START_TEST (failures_are_repeated_with_a_growing_pause_until_retries_are_used_up) {
	assert_again(1000, true, false);
	head.charged = 1;
	assert_again(2000, true, false);
	head.charged = 2;
	assert_final(ORDER_FAILED, CAUSE_EXIT);
}
END_TEST

START_TEST (every_cause_of_the_jobs_own_is_repeated) {
	static const enum order_cause causes[] = {
	    CAUSE_SIGNAL, CAUSE_TIMEOUT, CAUSE_MEMORY, CAUSE_SPAWN, CAUSE_ERROR, CAUSE_PROTOCOL, CAUSE_HTTP};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		outcome_is(causes[i], -1);
		head.charged = 0;
		assert_again(1000, true, false);
		head.charged = 2;
		assert_final(ORDER_FAILED, causes[i]);
	}
}
END_TEST

START_TEST (an_order_may_have_fewer_retries_than_its_recipe_but_not_more) {
	head.retries = 0;
	assert_final(ORDER_FAILED, CAUSE_EXIT);
	head.retries = 1;
	assert_again(1000, true, false);
	head.retries = 100;
	head.charged = 2;
	assert_final(ORDER_FAILED, CAUSE_EXIT);
}
END_TEST

START_TEST (a_permanent_failure_is_final) {
	outcome_is(CAUSE_HTTP, -1);
	assert_again(1000, true, false);
	outcome.permanent = true;
	assert_final(ORDER_FAILED, CAUSE_HTTP);
}
END_TEST

START_TEST (a_light_step_without_a_failure_is_done) {
	outcome_is(CAUSE_NONE, -1);
	assert_final(ORDER_DONE, CAUSE_NONE);
}
END_TEST

START_TEST (the_other_side_may_ask_for_a_longer_pause_up_to_the_longest) {
	outcome_is(CAUSE_HTTP, -1);
	outcome.retry_after_ms = 500;
	assert_again(1000, true, false);
	outcome.retry_after_ms = 5000;
	assert_again(5000, true, false);
	outcome.retry_after_ms = INT64_MAX;
	assert_again(600000, true, false);
}
END_TEST

START_TEST (a_step_is_tried_again_unless_it_was_ended_from_outside_or_would_fail_again) {
	static const struct conf_step step = {.retries = 2};

	recipe.no_retry[64] = true;
	for (enum order_cause cause = CAUSE_NONE + 1; cause < ORDER_CAUSES; cause++) {
		bool own = cause != CAUSE_CANCELLED && cause != CAUSE_DRAINED && cause != CAUSE_WORKER_LOST &&
			   cause != CAUSE_DAEMON_LOST && cause != CAUSE_PARAMS;

		outcome_is(cause, 1);
		ck_assert_int_eq(retry_step_again(&recipe, &step, &outcome, 0), own);
		ck_assert_int_eq(retry_step_again(&recipe, &step, &outcome, 1), own);
		ck_assert(!retry_step_again(&recipe, &step, &outcome, 2));
	}
	outcome_is(CAUSE_EXIT, 64);
	ck_assert(!retry_step_again(&recipe, &step, &outcome, 0));
	outcome_is(CAUSE_HTTP, -1);
	outcome.permanent = true;
	ck_assert(!retry_step_again(&recipe, &step, &outcome, 0));
	outcome.permanent = false;
	recipe.at_most_once = true;
	ck_assert(!retry_step_again(&recipe, &step, &outcome, 0));
}
END_TEST

START_TEST (statuses_of_no_retry_are_final) {
	recipe.no_retry[64] = true;
	outcome_is(CAUSE_EXIT, 64);
	assert_final(ORDER_FAILED, CAUSE_EXIT);
	outcome_is(CAUSE_EXIT, 63);
	assert_again(1000, true, false);
	/* A signal's exit field is −1: no index. */
	outcome_is(CAUSE_SIGNAL, -1);
	assert_again(1000, true, false);
}
END_TEST

START_TEST (a_payload_that_does_not_fit_is_final) {
	outcome_is(CAUSE_PARAMS, -1);
	assert_final(ORDER_FAILED, CAUSE_PARAMS);
}
END_TEST

START_TEST (what_we_lost_or_stopped_does_not_use_up_retries) {
	recipe.retries = 0;
	outcome_is(CAUSE_DRAINED, -1);
	assert_again(0, false, false);
	outcome_is(CAUSE_DAEMON_LOST, -1);
	assert_again(0, false, false);
	outcome_is(CAUSE_WORKER_LOST, -1);
	assert_again(1000, false, true);
}
END_TEST

START_TEST (a_job_that_takes_its_worker_down_for_the_third_time_is_poison) {
	outcome_is(CAUSE_WORKER_LOST, -1);
	head.lost = 1;
	assert_again(2000, false, true);
	head.lost = 2;
	assert_final(ORDER_FAILED, CAUSE_POISON);
	recipe.poison_after = 4;
	assert_again(4000, false, true);
}
END_TEST

START_TEST (at_most_once_is_never_repeated) {
	static const enum order_cause causes[] = {
	    CAUSE_EXIT, CAUSE_WORKER_LOST, CAUSE_DAEMON_LOST, CAUSE_DRAINED, CAUSE_TIMEOUT, CAUSE_SPAWN};

	recipe.at_most_once = true;
	recipe.retries = 0;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		outcome_is(causes[i], 1);
		assert_final(ORDER_FAILED, causes[i]);
	}
	outcome_is(CAUSE_EXIT, 0);
	assert_final(ORDER_DONE, CAUSE_EXIT);
}
END_TEST

START_TEST (what_stopped_between_may_begin_again_even_at_most_once) {
	recipe.at_most_once = true;
	now.stopped_between = true;
	outcome_is(CAUSE_WORKER_LOST, -1);
	assert_again(0, false, false);
	outcome_is(CAUSE_DRAINED, -1);
	assert_again(0, false, false);
}
END_TEST

START_TEST (without_its_recipe_an_order_is_judged_by_what_is_known) {
	now.recipe = NULL;
	outcome_is(CAUSE_EXIT, 0);
	assert_final(ORDER_DONE, CAUSE_EXIT);
	outcome_is(CAUSE_EXIT, 1);
	assert_final(ORDER_FAILED, CAUSE_EXIT);
	outcome_is(CAUSE_DAEMON_LOST, -1);
	assert_again(0, false, false);
	outcome_is(CAUSE_WORKER_LOST, -1);
	assert_again(0, false, true);
}
END_TEST

START_TEST (the_pause_is_capped_and_never_overflows) {
	ck_assert_int_eq(retry_backoff_ms(&recipe, 9), 512000);
	ck_assert_int_eq(retry_backoff_ms(&recipe, 10), 600000);
	ck_assert_int_eq(retry_backoff_ms(&recipe, 1000000000), 600000);
	recipe.backoff.max_ms = INT64_MAX;
	recipe.backoff.factor = 1e300;
	recipe.backoff.jitter_percent = 100;
	for (int i = 0; i < 100; i++)
		ck_assert_int_ge(retry_backoff_ms(&recipe, 5), 0);
	recipe.backoff.first_ms = recipe.backoff.max_ms = 0;
	ck_assert_int_eq(retry_backoff_ms(&recipe, 5), 0);
}
END_TEST

START_TEST (jitter_spreads_the_pause_and_stays_within_its_share) {
	int64_t low = INT64_MAX, high = 0;

	recipe.backoff.jitter_percent = 10;
	for (int i = 0; i < 1000; i++) {
		int64_t ms = retry_backoff_ms(&recipe, 0);

		low = ms < low ? ms : low;
		high = ms > high ? ms : high;
	}
	ck_assert_int_ge(low, 900);
	ck_assert_int_lt(low, 920);
	ck_assert_int_le(high, 1100);
	ck_assert_int_gt(high, 1080);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("retry");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, exit_0_is_done);
	tcase_add_test(t, a_committed_cancel_wins_over_everything);
	tcase_add_test(t, failures_are_repeated_with_a_growing_pause_until_retries_are_used_up);
	tcase_add_test(t, every_cause_of_the_jobs_own_is_repeated);
	tcase_add_test(t, an_order_may_have_fewer_retries_than_its_recipe_but_not_more);
	tcase_add_test(t, a_permanent_failure_is_final);
	tcase_add_test(t, a_light_step_without_a_failure_is_done);
	tcase_add_test(t, the_other_side_may_ask_for_a_longer_pause_up_to_the_longest);
	tcase_add_test(t, a_step_is_tried_again_unless_it_was_ended_from_outside_or_would_fail_again);
	tcase_add_test(t, statuses_of_no_retry_are_final);
	tcase_add_test(t, a_payload_that_does_not_fit_is_final);
	tcase_add_test(t, what_we_lost_or_stopped_does_not_use_up_retries);
	tcase_add_test(t, a_job_that_takes_its_worker_down_for_the_third_time_is_poison);
	tcase_add_test(t, at_most_once_is_never_repeated);
	tcase_add_test(t, what_stopped_between_may_begin_again_even_at_most_once);
	tcase_add_test(t, without_its_recipe_an_order_is_judged_by_what_is_known);
	tcase_add_test(t, the_pause_is_capped_and_never_overflows);
	tcase_add_test(t, jitter_spreads_the_pause_and_stays_within_its_share);
	return unit_run();
}
