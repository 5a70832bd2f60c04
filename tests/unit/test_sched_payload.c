/*
 * Payloads that did not come with their order, and rows that are damaged or gone.
 */
#include "tests/unit/sched_world.h"

static int await_cancel_1(void *arg)
{
	return await_cancelled(arg, 1);
}

/* A client cancels, and the test goes on. */
static void spawn(struct world *w, int (*fn)(void *arg))
{
	struct task_spec spec = {.name = "client", .stack = TASK_STACK_MEDIUM, .fn = fn, .arg = w};

	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
}

/* ---- payloads ---- */

static int await_large(struct world *w)
{
	fake_store_leave_large(w->store);
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
	fake_store_leave_large(w->store);
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
	fake_store_leave_large(w->store);
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
	fake_store_leave_large(w->store);
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
	fake_store_leave_large(w->store);
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

int main(void)
{
	TCase *t = unit_case("payloads");

	tcase_add_test(t, a_large_payload_is_read_when_the_order_starts);
	tcase_add_test(t, an_order_with_a_damaged_payload_fails_and_frees_its_worker);
	tcase_add_test(t, a_damaged_order_does_not_keep_its_worker);
	tcase_add_test(t, a_damaged_order_does_not_keep_the_daemon_from_starting);
	tcase_add_test(t, a_cancel_while_the_payload_is_read_frees_the_worker);
	tcase_add_test(t, what_was_cancelled_before_it_was_sent_is_not_sent);
	tcase_add_test(t, an_order_that_has_vanished_is_dropped);
	return unit_run();
}
