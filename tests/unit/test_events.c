/* The packed form of events: what went in comes out, and bytes that are not whole are refused. */
#include "daemon/store/events.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/rand.h"
#include "tests/unit/unit.h"

enum { COUNT = 500 };

static struct names *names;
static struct store_event events[COUNT], back[COUNT];
static struct buf packed;

static void setup(void)
{
	const char *recipe, *user;

	rand_init();
	ck_assert_int_eq(names_new(&names), 0);
	recipe = names_intern(names, "cake", 4);
	user = names_intern(names, "shop", 4);
	ck_assert_int_eq(names_assign(names, recipe), 0);
	ck_assert_int_eq(names_assign(names, user), 0);
	for (int i = 0; i < COUNT; i++)
		events[i] = (struct store_event){
		    .seq = 100 + (uint64_t)i,
		    .id = (int64_t)(rand_u64() >> rand_below(63) >> 1),
		    .time_ms = 1795255518712 + (int64_t)rand_below(100),
		    .recipe = recipe,
		    .user = user,
		    .state = (enum order_state)rand_below(ORDER_STATES),
		    .cause = (enum order_cause)rand_below(ORDER_CAUSES),
		    .attempt = (int)rand_below(1000),
		    .exit = (int)rand_below(257) - 1,
		    .signal = (int)rand_below(65),
		};
	ck_assert_int_eq(events_pack(events, COUNT, &packed), 0);
}

static void clear(void)
{
	buf_clear(&packed);
	names_free(names);
}

START_TEST (come_back_as_they_were) {
	struct slice bytes = {buf_bytes(&packed), packed.len};

	ck_assert_int_eq(events_unpack(names, 100, COUNT, bytes, back), 0);
	for (int i = 0; i < COUNT; i++) {
		ck_assert_uint_eq(back[i].seq, events[i].seq);
		ck_assert_int_eq(back[i].id, events[i].id);
		ck_assert_int_eq(back[i].time_ms, events[i].time_ms);
		ck_assert_ptr_eq(back[i].recipe, events[i].recipe);
		ck_assert_ptr_eq(back[i].user, events[i].user);
		ck_assert_int_eq(back[i].state, events[i].state);
		ck_assert_int_eq(back[i].cause, events[i].cause);
		ck_assert_int_eq(back[i].attempt, events[i].attempt);
		ck_assert_int_eq(back[i].exit, events[i].exit);
		ck_assert_int_eq(back[i].signal, events[i].signal);
	}
}
END_TEST

START_TEST (are_small) {
	struct buf small = {0};

	/* A usual commit: new orders, one after the other. */
	for (int i = 0; i < COUNT; i++) {
		events[i].id = 1795255518712 + i;
		events[i].attempt = events[i].signal = 0;
		events[i].exit = -1;
	}
	ck_assert_int_eq(events_pack(events, COUNT, &small), 0);
	ck_assert_uint_lt(small.len / COUNT, 16);
	buf_clear(&small);
}
END_TEST

START_TEST (cut_off_or_too_many_are_refused) {
	for (size_t len = 0; len < packed.len; len++) {
		struct slice bytes = {buf_bytes(&packed), len};

		ck_assert_int_eq(events_unpack(names, 100, COUNT, bytes, back), ERR_CORRUPT);
	}
	struct slice all = {buf_bytes(&packed), packed.len};
	ck_assert_int_eq(events_unpack(names, 100, COUNT - 1, all, back), ERR_CORRUPT);
}
END_TEST

START_TEST (garbage_harms_nobody) {
	char garbage[64];

	for (int i = 0; i < 100000; i++) {
		for (size_t k = 0; k < sizeof garbage; k++)
			garbage[k] = (char)rand_u64();
		garbage[0] = 18; /* nine numbers an event */
		struct slice bytes = {garbage, rand_below(sizeof garbage) + 1};
		int err = events_unpack(names, 1, 1 + rand_below(5), bytes, back);
		ck_assert(err == 0 || err == ERR_CORRUPT);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("events");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, come_back_as_they_were);
	tcase_add_test(t, are_small);
	tcase_add_test(t, cut_off_or_too_many_are_refused);
	tcase_add_test(t, garbage_harms_nobody);
	return unit_run();
}
