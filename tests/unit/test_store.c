/* The store as the rooms above use it: requests handed over on a loop, answers after the commit, events before answers. */
#include "daemon/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/task.h"
#include "tests/unit/store_world.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static int64_t before_ms;

static void whole_life(void)
{
	struct store_finish finish;
	const struct store_event *events;
	struct store_order o;
	int64_t id = await_order("flour");

	/* Ids of a store that was wiped are below those of the next one. */
	ck_assert_int_gt(id, before_ms);
	ck_assert_uint_eq(store_world_events(&events), 1);
	ck_assert_int_eq(events[0].id, id);
	ck_assert_int_eq(events[0].state, ORDER_QUEUED);
	ck_assert_ptr_eq(events[0].recipe, world_recipe);
	ck_assert_ptr_nonnull(events[0].head);
	ck_assert(events[0].head->has_payload);
	ck_assert_uint_eq(events[0].head->payload_len, 5);
	ck_assert_int_eq(memcmp(events[0].head->payload, "flour", 5), 0);

	ck_assert_int_eq(await_start(id, 1), 0);
	finish = a_finish(id, 1, ORDER_DONE);
	finish.outcome.result = "a cake";
	finish.outcome.result_len = finish.outcome.result_total = 6;
	finish.outcome.message = "crumbs";
	finish.outcome.message_len = 6;
	ck_assert_int_eq(await_finish(&finish), 0);

	ck_assert_int_eq(await_get(id, &o), 0);
	ck_assert_int_eq(o.state, ORDER_DONE);
	ck_assert_int_eq(o.cause, CAUSE_EXIT);
	ck_assert_int_eq(o.attempt, 1);
	ck_assert(o.has_result);
	ck_assert_uint_eq(o.result_bytes, 6);
	ck_assert_str_eq(o.message, "crumbs");
	ck_assert_uint_eq(store_world_events(&events), 3);
	ck_assert_uint_eq(o.seq, events[2].seq);
	ck_assert_uint_eq(events[2].seq, events[0].seq + 2);
	store_order_clear(&o);
}

START_TEST (lives_a_whole_life) {
	before_ms = clock_wall_ms();
	store_world_run(whole_life);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("store");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_test(t, lives_a_whole_life);
	return unit_run();
}
