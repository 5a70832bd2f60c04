/* The heap of timers against a plain sorted truth. */
#include <stdlib.h>

#include "daemon/base/rand.h"
#include "daemon/loop/timer.h"
#include "tests/unit/unit.h"

enum { COUNT = 500 };

static struct timer_heap heap;
static struct loop_timer timers[COUNT];

static void setup(void)
{
	timer_heap_init(&heap);
	for (int i = 0; i < COUNT; i++)
		timers[i] = (struct loop_timer){0};
}

static void clear(void)
{
	timer_heap_clear(&heap);
}

static struct loop_timer *take(void)
{
	struct loop_timer *t = timer_heap_first(&heap);
	if (t)
		timer_heap_remove(&heap, t);
	return t;
}

START_TEST (the_earliest_comes_first) {
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(timer_heap_set(&heap, &timers[i], (i * 7919) % COUNT), 0);
	for (int i = 0; i < COUNT; i++) {
		struct loop_timer *t = take();
		ck_assert_int_eq(t->due_ns, i);
		ck_assert_uint_eq(t->place, 0);
	}
	ck_assert_ptr_null(take());
}
END_TEST

START_TEST (those_of_the_same_time_keep_their_order) {
	for (int i = 0; i < COUNT; i++)
		timer_heap_set(&heap, &timers[i], i % 3);
	int before = -1;
	int64_t due = 0;
	struct loop_timer *t;
	while ((t = take())) {
		if (t->due_ns == due)
			ck_assert_int_gt(t - timers, before);
		due = t->due_ns;
		before = (int)(t - timers);
	}
}
END_TEST

START_TEST (set_again_moves_and_remove_takes_out) {
	for (int round = 0; round < 5000; round++) {
		struct loop_timer *t = &timers[rand_below(COUNT)];
		if (rand_below(3) == 0)
			timer_heap_remove(&heap, t);
		else
			timer_heap_set(&heap, t, (int64_t)rand_below(1000));
	}
	uint32_t in = 0;
	for (int i = 0; i < COUNT; i++)
		in += timers[i].place != 0;
	ck_assert_uint_eq(in, heap.count);
	int64_t last = -1;
	struct loop_timer *t;
	for (; (t = take()); in--) {
		ck_assert_int_ge(t->due_ns, last);
		last = t->due_ns;
	}
	ck_assert_uint_eq(in, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("timer");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, the_earliest_comes_first);
	tcase_add_test(t, those_of_the_same_time_keep_their_order);
	tcase_add_test(t, set_again_moves_and_remove_takes_out);
	return unit_run();
}
