/*
 * The drain: nothing starts, what runs may end within the grace, the rest is stopped and queued again.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/sched_world.h"

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

	fake_store_leave_large(w->store);
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

/* The daemon drains while the store has trouble with what a light step names. */
static int await_drain_before_values(struct world *w)
{
	struct future done;

	await_recovered(w);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	fake_store_fail(w->store, FAKE_STEPS, -ENOSPC, false, 100);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "slices");
	await_settled();
	future_init(&done, "drained");
	sched_drain(w->sched, clock_deadline_ms(30000), &done);
	await_passed(1000);
	ck_assert(future_is_final(&done));
	assert_state(w, 1, "queued");
	ck_assert_str_eq(order_cause_word(fake_store_find(w->store, 1)->attempt_cause), "drained");
	return 0;
}

START_TEST (a_drain_says_so_of_a_step_that_had_not_begun) {
	world_run(1, await_drain_before_values);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("drain");

	tcase_add_test(t, a_drain_of_an_idle_scheduler_is_done_at_once);
	tcase_add_test(t, a_drain_lets_running_orders_finish);
	tcase_add_test(t, at_the_deadline_the_rest_is_stopped_and_queued_again);
	tcase_add_test(t, a_drain_sends_nothing_that_was_only_picked);
	tcase_add_test(t, a_drain_does_not_wait_for_ever_for_a_store_in_trouble);
	tcase_add_test(t, a_scheduler_may_end_while_the_store_is_asked);
	tcase_add_test(t, after_a_drain_the_store_is_asked_nothing);
	tcase_add_test(t, a_drain_says_so_of_a_step_that_had_not_begun);
	return unit_run();
}
