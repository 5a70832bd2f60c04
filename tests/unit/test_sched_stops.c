/*
 * An order of three steps that is cancelled, drained, or meets a store in trouble, at every place of its way.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sched_world.h"

/* Where order 1, a chain (heavy, light, heavy), is stopped. */
enum place {
	AT_CUT,     /* its first job is at a worker */
	CUT_ENDED,  /* the result is on its way to the disk */
	AT_ASK,     /* the light step is under way */
	ASK_PAUSES, /* before another try */
	ASK_ENDED,  /* the result is on its way to the disk */
	BAKE_WAITS, /* for a worker */
	BAKE_READS, /* the results that it names */
	AT_BAKE,    /* its last job is at a worker */
	PLACES,
};

static int place; /* of this run of the world */

/* Whatever it is in ends. */
static void await_step_ends(struct world *w)
{
	if (fake_steps_find(1))
		fake_steps_end(1, CAUSE_NONE, "yes");
	else if (!future_is_final(&fake_pool_job(w->pools, 1)->ended))
		fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "slices");
	await_settled();
}

/* Brings order 1 to the place. Order 2 keeps the oven while it waits. */
static void await_at_place(struct world *w)
{
	w->steps[RECIPE_CHAIN][1].retries = 1;
	await_recovered(w);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	if (place == BAKE_WAITS) {
		fake_store_submit(w->store, "cake", 0);
		await_settled();
	}
	if (place >= CUT_ENDED) {
		fake_store_hold(w->store, FAKE_STEP, place == CUT_ENDED);
		await_step_ends(w);
	}
	if (place == ASK_PAUSES) {
		fake_steps_end(1, CAUSE_HTTP, NULL);
		await_settled();
	}
	if (place >= ASK_ENDED) {
		fake_store_hold(w->store, FAKE_STEP, place == ASK_ENDED);
		fake_store_hold(w->store, FAKE_STEPS, place == BAKE_READS);
		await_step_ends(w);
	}
}

/* The store goes on; jobs that were told to stop do so. */
static void await_let_go(struct world *w, enum order_cause cause)
{
	fake_store_hold(w->store, FAKE_STEP, false);
	fake_store_hold(w->store, FAKE_STEPS, false);
	await_settled();
	if (fake_pool_stops(w->pools, 1, NULL) > 0)
		fake_pool_end(w->pools, 1, cause, -1, NULL);
	await_settled();
}

static void await_end_other(struct world *w)
{
	if (place == BAKE_WAITS)
		fake_pool_end(w->pools, 2, CAUSE_EXIT, 0, NULL);
	await_settled();
}

static void at_each_place(int (*fn)(struct world *w))
{
	for (place = 0; place < PLACES; place++)
		world_run(1, fn);
}

/* ---- cancel ---- */

static int await_client(void *arg)
{
	return await_cancelled(arg, 1);
}

static int await_cancel(struct world *w)
{
	struct task_spec spec = {.name = "client", .stack = TASK_STACK_MEDIUM, .fn = await_client, .arg = w};

	await_at_place(w);
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	await_settled();
	await_let_go(w, CAUSE_CANCELLED);
	assert_state(w, 1, "cancelled");
	assert_cause(w, 1, "cancelled");
	ck_assert_ptr_null(fake_steps_find(1));
	ck_assert_ptr_null(fake_pool_job(w->pools, 1));
	ck_assert_int_eq(fake_steps_held(), 0);
	await_end_other(w);
	await_passed(5000);
	assert_state(w, 1, "cancelled");
	/* Nothing is kept for it. */
	fake_store_submit(w->store, "bread", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	for (int64_t id = place == BAKE_WAITS ? 3 : 2; fake_store_find(w->store, id); id++)
		fake_pool_end(w->pools, id, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (a_cancel_reaches_an_order_at_every_place) {
	at_each_place(await_cancel);
}
END_TEST

/* ---- drain ---- */

static bool is_under_way(void)
{
	return place == AT_CUT || place == AT_ASK || place == AT_BAKE;
}

static int await_drain(struct world *w)
{
	struct future done;

	await_at_place(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(10000), &done);
	await_let_go(w, CAUSE_DRAINED);
	/* Between two steps it does not wait for the deadline. */
	assert_state(w, 1, is_under_way() ? "running" : "queued");
	await_passed(11000);
	await_let_go(w, CAUSE_DRAINED);
	await_end_other(w);
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "queued");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	ck_assert_int_eq(fake_store_find(w->store, 1)->steps[0].present, place >= CUT_ENDED);
	ck_assert_int_eq(fake_store_find(w->store, 1)->steps[1].present, place >= ASK_ENDED);
	ck_assert_int_eq(fake_steps_held(), 0);
	return 0;
}

START_TEST (a_drain_stops_an_order_at_every_place_and_charges_nothing) {
	at_each_place(await_drain);
}
END_TEST

static int await_drain_graceful(struct world *w)
{
	struct future done;

	await_at_place(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(10000), &done);
	await_step_ends(w);
	ck_assert(future_is_final(&done));
	assert_state(w, 1, place == AT_BAKE ? "done" : "queued");
	if (place != AT_BAKE)
		ck_assert(fake_store_find(w->store, 1)->steps[place == AT_CUT ? 0 : 1].present);
	return 0;
}

START_TEST (a_step_that_ends_within_the_grace_is_not_lost) {
	for (place = 0; place < PLACES; place++) {
		if (is_under_way())
			world_run(1, await_drain_graceful);
	}
}
END_TEST

static int await_drain_once(struct world *w)
{
	struct future done;

	w->recipes[RECIPE_CHAIN].at_most_once = true;
	w->recipes[RECIPE_CHAIN].retries = 0;
	await_at_place(w);
	future_init(&done, "drained");
	sched_drain(w->sched, CLOCK_TRY, &done);
	await_let_go(w, CAUSE_DRAINED);
	await_end_other(w);
	ck_assert(future_is_final(&done));
	/* What was under way may have been done. Nothing was between two steps. */
	assert_state(w, 1, is_under_way() || place == ASK_PAUSES ? "failed" : "queued");
	return 0;
}

START_TEST (at_most_once_only_what_was_between_two_steps_goes_on) {
	for (place = 0; place < PLACES; place++) {
		if (place != CUT_ENDED &&
		    place != ASK_ENDED) /* the daemon does not wait for the disk any more */
			world_run(1, await_drain_once);
	}
}
END_TEST

/* ---- the store has trouble ---- */

static int error;
static bool applied;

static int await_trouble(struct world *w)
{
	await_at_place(w);
	for (int i = 0; i < 3; i++) {
		fake_store_fail(w->store, FAKE_STEP, error, applied, 3);
		fake_store_fail(w->store, FAKE_STEPS, ERR_STORAGE, false, 3);
		fake_store_hold(w->store, FAKE_STEP, false);
		fake_store_hold(w->store, FAKE_STEPS, false);
		await_end_other(w);
		if (fake_steps_find(1) || fake_pool_job(w->pools, 1))
			await_step_ends(w);
		place = place == BAKE_WAITS ? BAKE_READS : place;
		await_passed(2000);
	}
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->attempt, 1);
	ck_assert_int_eq(fake_steps_held(), 0);
	return 0;
}

START_TEST (a_result_that_cannot_be_stored_is_kept_and_tried_again) {
	static const enum place places[] = {AT_CUT, CUT_ENDED, AT_ASK, ASK_PAUSES, ASK_ENDED, BAKE_WAITS};

	for (int kind = 0; kind < 3; kind++) {
		error = kind == 0 ? ERR_STORAGE : ERR_UNCERTAIN;
		applied = kind == 2;
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			place = (int)places[i];
			world_run(1, await_trouble);
		}
	}
}
END_TEST

static int await_start_failed(struct world *w)
{
	await_recovered(w);
	fake_store_fail(w->store, FAKE_START, error, applied, 1);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	await_step_ends(w);
	await_passed(2000);
	await_step_ends(w);
	assert_started(w, "1.1 1.1/2");
	await_step_ends(w);
	assert_state(w, 1, "done");
	assert_events(w, applied ? "1:queued 1:done" : "1:queued 1:running 1:done");
	return 0;
}

START_TEST (a_step_takes_a_failed_start_with_it) {
	for (int kind = 0; kind < 3; kind++) {
		error = kind == 0 ? ERR_STORAGE : ERR_UNCERTAIN;
		applied = kind == 2;
		world_run(1, await_start_failed);
	}
}
END_TEST

static int await_refused(struct world *w)
{
	place = AT_ASK;
	await_at_place(w);
	/* The store has another attempt, and nobody was told. */
	fake_store_find(w->store, 1)->state = ORDER_QUEUED;
	fake_store_find(w->store, 1)->attempt = 4;
	await_step_ends(w);
	await_passed(500);
	/* It is found again, and its results are still good. */
	assert_started(w, "1.1");
	ck_assert_ptr_nonnull(fake_steps_find(1));
	ck_assert_int_eq(fake_steps_find(1)->values.attempt, 5);
	await_step_ends(w);
	await_step_ends(w);
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_step_that_the_store_refuses_ends_an_attempt_that_is_nobodys) {
	world_run(1, await_refused);
}
END_TEST

static int await_cancelled_unstarted(struct world *w)
{
	await_recovered(w);
	/* The job runs, and the store has the order as queued: a cancel is final there. */
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 100);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	await_step_ends(w);
	ck_assert_int_eq(await_cancelled(w, 1), STORE_CANCEL_DONE);
	await_passed(3000);
	assert_state(w, 1, "cancelled");
	ck_assert_int_eq(fake_pool_released(w->pools), 0);
	fake_store_fail(w->store, FAKE_START, ERR_STORAGE, false, 0);
	await_passed(3000);
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	ck_assert_ptr_null(fake_steps_find(1));
	return 0;
}

START_TEST (a_cancel_ends_an_order_whose_start_cannot_be_stored) {
	world_run(1, await_cancelled_unstarted);
}
END_TEST

static int await_damaged(struct world *w)
{
	place = AT_ASK;
	await_at_place(w);
	fake_store_fail(w->store, FAKE_STEPS, ERR_CORRUPT, false, 1);
	await_step_ends(w);
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "params");
	ck_assert_ptr_nonnull(strstr(fake_store_find(w->store, 1)->message, "result of an earlier step"));
	/* Too much for a message: the same. */
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	for (int i = 0; i < 2; i++) {
		fake_pool_fail(w->pools, ERR_TOOBIG, i);
		fake_steps_end(2, CAUSE_NONE, NULL);
		await_settled();
	}
	assert_state(w, 2, "failed");
	assert_cause(w, 2, "params");
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	fake_pool_end(w->pools, 3, CAUSE_EXIT, 0, NULL);
	await_settled();
	return 0;
}

START_TEST (what_a_step_cannot_be_given_fails_its_order) {
	world_run(1, await_damaged);
}
END_TEST

static int await_abandoned(struct world *w)
{
	struct future done;

	place = is_under_way() ? place : AT_CUT;
	await_at_place(w);
	fake_store_fail(w->store, FAKE_STEP, ERR_STORAGE, false, 1000);
	await_step_ends(w);
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(1000), &done);
	await_passed(3000);
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "running");
	/* The result of a job stays with its worker, that of a light step is lost. */
	ck_assert_int_eq(fake_pool_released(w->pools), place == AT_CUT ? 0 : 1);
	ck_assert_int_eq(fake_steps_held(), 0);
	if (place == AT_CUT)
		free(fake_pool_job(w->pools, 1)->bytes);
	return 0;
}

START_TEST (a_drain_does_not_wait_for_ever_for_the_result_of_a_step) {
	place = AT_CUT;
	world_run(1, await_abandoned);
	place = AT_ASK;
	world_run(1, await_abandoned);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("stops");

	tcase_add_test(t, a_cancel_reaches_an_order_at_every_place);
	tcase_add_test(t, a_drain_stops_an_order_at_every_place_and_charges_nothing);
	tcase_add_test(t, a_step_that_ends_within_the_grace_is_not_lost);
	tcase_add_test(t, at_most_once_only_what_was_between_two_steps_goes_on);
	t = unit_case("store");
	tcase_add_test(t, a_result_that_cannot_be_stored_is_kept_and_tried_again);
	tcase_add_test(t, a_step_takes_a_failed_start_with_it);
	tcase_add_test(t, a_step_that_the_store_refuses_ends_an_attempt_that_is_nobodys);
	tcase_add_test(t, a_cancel_ends_an_order_whose_start_cannot_be_stored);
	tcase_add_test(t, what_a_step_cannot_be_given_fails_its_order);
	tcase_add_test(t, a_drain_does_not_wait_for_ever_for_the_result_of_a_step);
	return unit_run();
}
