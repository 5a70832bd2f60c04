/*
 * The scheduler at work: what starts, in which order, what holds it, and what becomes of it.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sched_world.h"

/* ---- an order's life ---- */

static int await_life(struct world *w)
{
	int64_t id;

	await_recovered(w);
	id = fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	ck_assert_str_eq(fake_pool_payload(w->pools, id), "{}");
	fake_pool_end(w->pools, id, CAUSE_EXIT, 0, "sponge");
	await_settled();
	assert_events(w, "1:queued 1:running 1:done");
	ck_assert_int_eq(fake_store_find(w->store, id)->result_len, 6);
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	return 0;
}

START_TEST (an_order_starts_ends_and_frees_its_worker) {
	world_run(1, await_life);
}
END_TEST

static int await_unheard(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	fake_store_hold(w->store, FAKE_FINISH, true);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "sponge");
	await_settled();
	ck_assert_int_eq(fake_pool_released(w->pools), 0);
	assert_started(w, "");
	fake_store_hold(w->store, FAKE_FINISH, false);
	await_settled();
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_worker_keeps_its_result_until_the_store_has_it) {
	world_run(1, await_unheard);
}
END_TEST

static int await_both_at_once(struct world *w)
{
	await_recovered(w);
	fake_store_hold(w->store, FAKE_START, true);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_FINISH), 1);
	fake_store_hold(w->store, FAKE_START, false);
	await_settled();
	assert_events(w, "1:queued 1:running 1:done");
	return 0;
}

START_TEST (job_and_end_do_not_wait_for_the_starts_commit) {
	world_run(1, await_both_at_once);
}
END_TEST

static int await_once(struct world *w)
{
	await_recovered(w);
	fake_store_hold(w->store, FAKE_START, true);
	fake_store_submit(w->store, "once", 0);
	await_settled();
	assert_started(w, "");
	fake_store_hold(w->store, FAKE_START, false);
	await_settled();
	assert_started(w, "1.1");
	assert_state(w, 1, "running");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 3, NULL);
	await_settled();
	assert_state(w, 1, "failed");
	return 0;
}

START_TEST (at_most_once_starts_when_its_start_is_durable) {
	world_run(1, await_once);
}
END_TEST

static int await_own_timeouts(struct world *w)
{
	static const int64_t own[] = {-1, 1000, 9000}, expected[] = {5000, 1000, 5000};

	w->recipes[RECIPE_CAKE].timeout_ms = 5000;
	for (int i = 0; i < 3; i++)
		fake_store_leave(w->store, "cake", ORDER_QUEUED, 0)->timeout_ms = own[i];
	await_recovered(w);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(fake_pool_timeout_ms(w->pools, i + 1), expected[i]);
		fake_pool_end(w->pools, i + 1, CAUSE_EXIT, 0, NULL);
	}
	await_settled();
	return 0;
}

START_TEST (an_orders_own_time_may_only_be_shorter) {
	world_run(4, await_own_timeouts);
}
END_TEST

/* ---- which is next, and what holds it ---- */

static int await_priorities(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "tart", 5);
	fake_store_submit(w->store, "cake", 5);
	fake_store_submit(w->store, "tart", -5);
	await_settled();
	assert_started(w, "1.1");
	for (int i = 0; i < 5; i++) {
		static const int64_t line[] = {1, 3, 4, 2, 5};

		fake_pool_end(w->pools, line[i], CAUSE_EXIT, 0, NULL);
		await_settled();
	}
	assert_started(w, "3.1 4.1 2.1 5.1");
	return 0;
}

START_TEST (a_pool_serves_the_highest_priority_then_the_oldest) {
	world_run(1, await_priorities);
}
END_TEST

static int await_concurrency(struct world *w)
{
	char why[256];

	w->recipes[RECIPE_CAKE].concurrency = 2;
	await_recovered(w);
	for (int i = 0; i < 4; i++)
		fake_store_submit(w->store, "cake", 10);
	fake_store_submit(w->store, "tart", 0);
	await_settled();
	assert_started(w, "1.1 2.1 5.1");
	ck_assert_int_eq(sched_recipe_running(w->sched, "cake"), 2);
	ck_assert_int_eq(sched_why_held(w->sched, "cake", why), SCHED_HOLD_CONCURRENCY);
	ck_assert_ptr_nonnull(strstr(why, "concurrency is 2"));
	ck_assert_int_eq(sched_why_held(w->sched, "tart", why), SCHED_HOLD_NONE);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_started(w, "3.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 5, CAUSE_EXIT, 0, NULL);
	await_settled();
	fake_pool_end(w->pools, 4, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (concurrency_holds_its_recipe_and_nobody_else) {
	world_run(4, await_concurrency);
}
END_TEST

static int await_pause(struct world *w)
{
	struct slice reason = {"flour is out", 12};
	char why[256];

	await_recovered(w);
	ck_assert_int_eq(await_sched_pause(w->sched, "cake", true, "me", reason), 0);
	ck_assert_int_eq(await_sched_pause(w->sched, "pie", true, "me", reason), ERR_NOTFOUND);
	ck_assert(sched_is_paused(w->sched, "cake"));
	fake_store_submit(w->store, "cake", 10);
	fake_store_submit(w->store, "tart", 0);
	await_settled();
	assert_started(w, "2.1");
	ck_assert_int_eq(sched_why_held(w->sched, "cake", why), SCHED_HOLD_PAUSED);
	ck_assert_str_eq(sched_hold_word(SCHED_HOLD_PAUSED), "paused");
	ck_assert_int_eq(await_sched_pause(w->sched, "cake", false, "me", reason), 0);
	await_settled();
	assert_started(w, "1.1");
	fake_store_fail(w->store, FAKE_PAUSE, ERR_STORAGE, false, 1);
	ck_assert_int_eq(await_sched_pause(w->sched, "cake", true, "me", reason), ERR_STORAGE);
	ck_assert(!sched_is_paused(w->sched, "cake"));
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_pause_holds_its_recipe_until_it_is_resumed) {
	world_run(2, await_pause);
}
END_TEST

static int await_limit(struct world *w)
{
	char why[256];

	w->conf.limits.running = 2;
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "bread", 0);
	await_settled();
	assert_started(w, "1.1 2.1");
	ck_assert_int_eq(sched_why_held(w->sched, "bread", why), SCHED_HOLD_RUNNING);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_started(w, "3.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (limits_running_holds_all_pools_and_lets_all_go_on) {
	world_run(4, await_limit);
}
END_TEST

static int await_reasons(struct world *w)
{
	char why[256];

	ck_assert_int_eq(sched_why_held(w->sched, "cake", why), SCHED_HOLD_RECOVERING);
	await_recovered(w);
	ck_assert_int_eq(sched_why_held(w->sched, "pie", why), SCHED_HOLD_NO_RECIPE);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert_int_eq(sched_why_held(w->sched, "cake", why), SCHED_HOLD_WORKERS);
	ck_assert_ptr_nonnull(strstr(why, "pool ovens"));
	ck_assert_ptr_nonnull(strstr(why, "1 are working, of 1"));
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (every_hold_has_its_reason) {
	world_run(1, await_reasons);
}
END_TEST

static int await_unknown(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "pie", 100);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "2.1");
	assert_state(w, 1, "queued");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (an_order_of_an_unknown_recipe_stays_queued) {
	world_run(2, await_unknown);
}
END_TEST

static int await_backlog(struct world *w)
{
	struct sched_stats stats;

	for (int i = 0; i < 3000; i++)
		fake_store_leave(w->store, "cake", ORDER_QUEUED, 0)->priority = i % 2;
	await_recovered(w);
	fake_store_submit(w->store, "cake", 2);
	for (int i = 0; i < 3001; i++) {
		/* 1 had started before the urgent one came; then the even ids, of priority 1; then the odd. */
		int64_t id = i == 0 ? 2 : i == 1 ? 3001 : i <= 1500 ? i * 2 : (i - 1501) * 2 + 1;

		await_yield();
		await_yield();
		for (int wait = 0; wait < 20 && !fake_pool_job(w->pools, id); wait++)
			await_yield();
		ck_assert_msg(
		    fake_pool_job(w->pools, id) != NULL, "order %lld is not the next", (long long)id);
		fake_pool_end(w->pools, id, CAUSE_EXIT, 0, NULL);
		sched_stats_get(w->sched, &stats);
		ck_assert_uint_le(stats.window, 1024);
		(void)fake_pool_started(w->pools);
		(void)fake_store_events(w->store);
	}
	await_settled();
	sched_stats_get(w->sched, &stats);
	ck_assert_uint_eq(stats.started, 3001);
	ck_assert_uint_eq(stats.running, 0);
	ck_assert_uint_le(stats.refills, 10);
	return 0;
}

START_TEST (a_backlog_on_disk_is_served_in_order) {
	world_run(1, await_backlog);
}
END_TEST

/* ---- what comes later ---- */

static int await_retries(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, NULL);
	await_settled();
	assert_started(w, "1.1");
	assert_state(w, 1, "scheduled");
	await_passed(900);
	assert_started(w, "");
	await_passed(200);
	assert_started(w, "1.2");
	fake_pool_end(w->pools, 1, CAUSE_SIGNAL, -1, NULL);
	await_passed(1900);
	assert_started(w, "");
	await_passed(200);
	assert_started(w, "1.3");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 1, NULL);
	await_settled();
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "exit");
	return 0;
}

START_TEST (a_failed_attempt_is_repeated_after_its_pause) {
	world_run(1, await_retries);
}
END_TEST

static void await_submit_delayed(struct world *w, int64_t delay_ms)
{
	struct store_submit r = {.recipe = store_intern(w->store, "cake", 4), .delay_ms = delay_ms};

	store_submit(w->store, &r);
	ck_assert_int_eq(await_future_shielded(&r.op.done), 0);
}

static int await_delayed(struct world *w)
{
	await_recovered(w);
	await_submit_delayed(w, 60000);
	await_submit_delayed(w, 50);
	await_passed(40);
	assert_started(w, "");
	await_passed(20);
	assert_started(w, "2.1");
	fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_passed(59000);
	assert_started(w, "");
	await_passed(1000);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_delayed_order_starts_at_its_time) {
	world_run(1, await_delayed);
}
END_TEST

static int await_stepped(struct world *w)
{
	await_recovered(w);
	await_submit_delayed(w, 3600000);
	await_settled();
	/* Somebody sets the clock back, then an hour forward. */
	clock_test_advance(0, -7200000);
	await_passed(2000);
	assert_started(w, "");
	clock_test_advance(0, 7200000 + 3600000);
	await_passed(1000);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_step_of_the_wall_clock_is_noticed) {
	world_run(1, await_stepped);
}
END_TEST

static int await_many_due(struct world *w)
{
	struct sched_stats stats;

	for (int i = 0; i < 1200; i++)
		fake_store_leave(w->store, "cake", ORDER_SCHEDULED, 0)->due_ms = clock_wall_ms() + 1000;
	await_recovered(w);
	ck_assert_int_eq(sched_is_paused(w->sched, "cake"), false);
	ck_assert_int_eq(await_sched_pause(w->sched, "cake", true, "me", (struct slice){"", 0}), 0);
	await_passed(900);
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_PROMOTE), 0);
	await_passed(200);
	sched_stats_get(w->sched, &stats);
	ck_assert_uint_eq(stats.promoted, 1200);
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_PROMOTE), 3);
	return 0;
}

START_TEST (due_orders_are_promoted_a_few_hundred_at_a_time) {
	world_run(1, await_many_due);
}
END_TEST

static int await_promote_trouble(struct world *w)
{
	await_recovered(w);
	await_submit_delayed(w, 100);
	await_settled();
	fake_store_fail(w->store, FAKE_PROMOTE, ERR_STORAGE, false, 2);
	await_passed(1500);
	assert_started(w, "");
	await_passed(1000);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_promotion_that_failed_is_tried_again) {
	world_run(1, await_promote_trouble);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("life");

	tcase_add_test(t, an_order_starts_ends_and_frees_its_worker);
	tcase_add_test(t, a_worker_keeps_its_result_until_the_store_has_it);
	tcase_add_test(t, job_and_end_do_not_wait_for_the_starts_commit);
	tcase_add_test(t, at_most_once_starts_when_its_start_is_durable);
	tcase_add_test(t, an_orders_own_time_may_only_be_shorter);
	t = unit_case("next");
	tcase_add_test(t, a_pool_serves_the_highest_priority_then_the_oldest);
	tcase_add_test(t, concurrency_holds_its_recipe_and_nobody_else);
	tcase_add_test(t, a_pause_holds_its_recipe_until_it_is_resumed);
	tcase_add_test(t, limits_running_holds_all_pools_and_lets_all_go_on);
	tcase_add_test(t, every_hold_has_its_reason);
	tcase_add_test(t, an_order_of_an_unknown_recipe_stays_queued);
	tcase_add_test(t, a_backlog_on_disk_is_served_in_order);
	t = unit_case("later");
	tcase_add_test(t, a_failed_attempt_is_repeated_after_its_pause);
	tcase_add_test(t, a_delayed_order_starts_at_its_time);
	tcase_add_test(t, a_step_of_the_wall_clock_is_noticed);
	tcase_add_test(t, due_orders_are_promoted_a_few_hundred_at_a_time);
	tcase_add_test(t, a_promotion_that_failed_is_tried_again);
	return unit_run();
}
