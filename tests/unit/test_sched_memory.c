/*
 * The scheduler when memory is refused: nothing is lost, everything goes on when there is some again.
 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/sched/heads.h"
#include "tests/unit/fake_alloc.h"
#include "tests/unit/sched_world.h"

/* Between fake_alloc_fail(n) and fake_alloc_fail(0) nothing of check(3) may be called: it takes memory too, and gives up without. */

/* ---- a set that is refused memory is a set that has overflowed ---- */

static struct store_head *new_head(int64_t id)
{
	struct store_head *h = fake_calloc(1, sizeof(*h));

	h->id = id;
	return h;
}

START_TEST (a_set_without_memory_keeps_what_comes_first) {
	enum { ORDERS = 200 };
	int total = 1;

	for (int n = 0; n <= total; n++) {
		struct heads heads;
		struct store_head *head;
		int64_t id = 0;

		heads_init(&heads, 1024, 1 << 20);
		fake_alloc_fail(n, false);
		/* From both ends to the middle. */
		for (int i = 0; i < ORDERS; i++)
			heads_put(&heads, new_head(i % 2 ? ORDERS - 1 - i / 2 : i / 2));
		if (n == 0)
			total = fake_alloc_count();
		fake_alloc_fail(0, false);
		/* What is before the end is there without a gap. */
		while ((head = heads_take_first(&heads))) {
			ck_assert_int_eq(head->id, id++);
			store_head_free(head);
		}
		ck_assert_int_eq(id, n == 0 ? ORDERS : heads.end.id < ORDERS ? heads.end.id : ORDERS);
		heads_clear(&heads);
	}
	ck_assert_int_gt(total, ORDERS);
}
END_TEST

/* ---- the whole ---- */

static int refuse_at;
static int64_t ended;

/* As await_passed(), without check(3). */
static void await_passed_quietly(int64_t ms)
{
	clock_test_advance(ms * NS_PER_MS, ms);
	for (int i = 0; i < 40; i++)
		(void)await_yield();
}

/* Two orders, each of which fails once, to their ends. */
static int await_lives(struct world *w)
{
	await_recovered(w);
	fake_alloc_fail(refuse_at, false);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "tart", 1);
	for (int turns = 0; turns < 400 && ended < 4; turns++) {
		await_passed_quietly(50);
		for (int64_t id = 1; id <= 2; id++) {
			const struct job_run *run = fake_pool_job(w->pools, id);

			if (run && !future_is_final(&run->ended)) {
				fake_pool_end(w->pools, id, CAUSE_EXIT, run->attempt == 1, NULL);
				ended++;
			}
		}
	}
	await_passed_quietly(50);
	refuse_at = refuse_at < fake_alloc_count() ? refuse_at + 1 : 0;
	fake_alloc_fail(0, false);
	for (int64_t id = 1; id <= 2; id++) {
		assert_state(w, id, "done");
		ck_assert_int_eq(fake_store_find(w->store, id)->attempt, 2);
	}
	return 0;
}

START_TEST (every_order_ends_whichever_allocation_fails) {
	for (refuse_at = 1; refuse_at > 0;) {
		ended = 0;
		world_run(1, await_lives);
	}
}
END_TEST

/* One order through three steps, heavy ones that use results among them; each step fails once. */
static int await_steps(struct world *w)
{
	int failed = 0;

	for (int i = 0; i < 3; i++)
		w->steps[RECIPE_CHAIN][i].retries = 1;
	await_recovered(w);
	fake_alloc_fail(refuse_at, false);
	fake_store_submit(w->store, "chain", 0);
	for (int turns = 0; turns < 400 && fake_store_find(w->store, 1)->state != ORDER_DONE; turns++) {
		const struct job_run *run = fake_pool_job(w->pools, 1);
		const struct step_try *t = fake_steps_find(1);

		await_passed_quietly(100);
		if (t && t == fake_steps_find(1)) {
			fake_steps_end(1, failed == 1 ? CAUSE_HTTP : CAUSE_NONE, NULL);
			failed += failed == 1;
		} else if (run && run == fake_pool_job(w->pools, 1) && !future_is_final(&run->ended)) {
			bool fails = run->try == 0;

			failed += fails;
			fake_pool_end(w->pools, 1, CAUSE_EXIT, fails, NULL);
		}
		await_passed_quietly(50);
	}
	refuse_at = refuse_at < fake_alloc_count() ? refuse_at + 1 : 0;
	fake_alloc_fail(0, false);
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->attempt, 1);
	ck_assert_int_eq(failed, 3);
	return 0;
}

START_TEST (every_step_ends_whichever_allocation_fails) {
	for (refuse_at = 1; refuse_at > 0;)
		world_run(1, await_steps);
}
END_TEST

static int await_new(struct world *w)
{
	struct sched_options o = {.conf = &w->conf, .store = w->store, .pools = w->pools};

	int err = -ENOMEM;

	for (int n = 1; err < 0; n++) {
		struct sched *s = NULL;

		fake_alloc_fail(n, false);
		err = sched_new(&o, &s);
		fake_alloc_fail(0, false);
		ck_assert(err == 0 || (err == -ENOMEM && !s));
		ck_assert(n > 5 || err < 0);
		sched_free(s);
	}
	fake_alloc_fail(0, false);
	return 0;
}

START_TEST (a_scheduler_that_cannot_be_made_leaves_nothing) {
	world_run(1, await_new);
}
END_TEST

static int await_recover_refused(struct world *w)
{
	int err;

	fake_store_leave(w->store, "cake", ORDER_RUNNING, 1);
	fake_alloc_fail(1, true);
	err = await_sched_recover(w->sched);
	fake_alloc_fail(0, false);
	ck_assert_int_eq(err, -ENOMEM);
	return 0;
}

START_TEST (a_recovery_without_memory_says_so) {
	world_run(1, await_recover_refused);
}
END_TEST

enum { CROWD = 64 };

/* Every start fails, and then there is no memory for anything more. */
static int await_starts_again(struct world *w)
{
	await_recovered(w);
	for (int i = 0; i < CROWD; i++)
		fake_store_submit(w->store, i % 2 ? "cake" : "bread", 0);
	fake_store_fail(w->store, FAKE_START, -ENOSPC, false, CROWD);
	fake_store_hold(w->store, FAKE_START, true);
	await_settled();
	fake_alloc_fail(1, true);
	fake_store_hold(w->store, FAKE_START, false);
	await_passed_quietly(10);
	await_passed_quietly(1100);
	fake_alloc_fail(0, false);
	for (int64_t id = 1; id <= CROWD; id++) {
		assert_state(w, id, "running");
		fake_pool_end(w->pools, id, CAUSE_EXIT, 0, NULL);
	}
	await_settled();
	return 0;
}

START_TEST (a_start_that_failed_is_tried_again_without_memory) {
	world_run(CROWD / 2, await_starts_again);
}
END_TEST

static int await_no_haste(struct world *w)
{
	await_recovered(w);
	fake_pool_fail(w->pools, -ENOMEM, 2);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	assert_started(w, "");
	await_passed(100);
	await_passed(100);
	assert_started(w, "1.1");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (an_order_that_could_not_be_sent_is_not_picked_again_at_once) {
	world_run(1, await_no_haste);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("memory");

	tcase_add_test(t, a_set_without_memory_keeps_what_comes_first);
	tcase_add_test(t, every_order_ends_whichever_allocation_fails);
	tcase_add_test(t, every_step_ends_whichever_allocation_fails);
	tcase_add_test(t, a_scheduler_that_cannot_be_made_leaves_nothing);
	tcase_add_test(t, a_recovery_without_memory_says_so);
	tcase_add_test(t, a_start_that_failed_is_tried_again_without_memory);
	tcase_add_test(t, an_order_that_could_not_be_sent_is_not_picked_again_at_once);
	return unit_run();
}
