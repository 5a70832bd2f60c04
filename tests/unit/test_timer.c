/* The heap of timers against a plain sorted truth. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/rand.h"
#include "daemon/loop/timer.h"
#include "tests/unit/refuse.h"
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

/* After four thousand million settings. */
START_TEST (their_order_survives_the_end_of_the_numbers) {
	heap.sequence = UINT32_MAX - COUNT / 2;
	for (int i = 0; i < COUNT; i++)
		timer_heap_set(&heap, &timers[(i * 7) % COUNT], 1);
	ck_assert_uint_lt(heap.sequence, COUNT);
	for (int i = 0; i < COUNT; i++)
		ck_assert_ptr_eq(take(), &timers[(i * 7) % COUNT]);
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

START_TEST (what_is_reserved_can_be_set_without_memory) {
	for (int i = 0; i < COUNT; i += 2)
		ck_assert_int_eq(timer_heap_reserve(&heap, &timers[i]), 0);
	/* Others fill what is free, and cannot take what is kept. */
	refuse_memory_after(0);
	int refused = 0, failed = 0;
	for (int i = 1; i < COUNT; i += 2)
		refused += timer_heap_set(&heap, &timers[i], i) < 0;
	for (int i = 0; i < COUNT; i += 2)
		failed += timer_heap_set(&heap, &timers[i], i) < 0;
	for (int i = 0; i < COUNT; i += 2)
		failed += timer_heap_reserve(&heap, &timers[i]) < 0;
	refuse_memory_never();
	ck_assert_int_gt(refused, 0);
	ck_assert_int_lt(refused, COUNT / 2);
	ck_assert_int_eq(failed, 0);
	int64_t last = -1;
	struct loop_timer *t;
	for (; (t = take()); last = t->due_ns)
		ck_assert_int_gt(t->due_ns, last);
}
END_TEST

START_TEST (a_reservation_that_is_refused_changes_nothing) {
	int n = 0;
	refuse_memory_after(0);
	int r = timer_heap_reserve(&heap, &timers[0]);
	refuse_memory_never();
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert(!timers[0].reserved);
	while (n < COUNT && timer_heap_set(&heap, &timers[n], n) == 0 && heap.count + 1 < heap.room)
		n++;
	refuse_memory_after(0);
	r = timer_heap_reserve(&heap, &timers[n + 1]);
	/* One that is set has its place, and keeps it. */
	int of_set = timer_heap_reserve(&heap, &timers[0]);
	timer_heap_remove(&heap, &timers[0]);
	int of_other = timer_heap_set(&heap, &timers[n + 1], 1);
	int of_reserved = timer_heap_set(&heap, &timers[0], 1);
	refuse_memory_never();
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_int_eq(of_set, 0);
	ck_assert_int_eq(of_other, -ENOMEM);
	ck_assert_int_eq(of_reserved, 0);
	/* Released it is out, and its place is anybody's. */
	timer_heap_release(&heap, &timers[0]);
	timer_heap_release(&heap, &timers[0]);
	ck_assert_uint_eq(timers[0].place, 0);
	refuse_memory_after(0);
	of_other = timer_heap_set(&heap, &timers[n + 1], 1);
	refuse_memory_never();
	ck_assert_int_eq(of_other, 0);
}
END_TEST

START_TEST (reserved_and_not_in_any_order) {
	bool kept[COUNT] = {0};
	for (int round = 0; round < 20000; round++) {
		int i = (int)rand_below(COUNT);
		switch (rand_below(5)) {
		case 0:
			ck_assert_int_eq(timer_heap_reserve(&heap, &timers[i]), 0);
			kept[i] = true;
			break;
		case 1:
			timer_heap_release(&heap, &timers[i]);
			kept[i] = false;
			break;
		case 2:
			timer_heap_remove(&heap, &timers[i]);
			break;
		default:
			refuse_memory_after(kept[i] ? 0 : -1);
			int r = timer_heap_set(&heap, &timers[i], (int64_t)rand_below(1000));
			refuse_memory_never();
			ck_assert_int_eq(r, 0);
		}
	}
	for (int i = 0; i < COUNT; i++)
		timer_heap_release(&heap, &timers[i]);
	ck_assert_uint_eq(heap.count, 0);
	ck_assert_uint_eq(heap.reserved, 0);
	ck_assert_uint_eq(heap.unreserved, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("timer");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, the_earliest_comes_first);
	tcase_add_test(t, those_of_the_same_time_keep_their_order);
	tcase_add_test(t, their_order_survives_the_end_of_the_numbers);
	tcase_add_test(t, set_again_moves_and_remove_takes_out);
	tcase_add_test(t, what_is_reserved_can_be_set_without_memory);
	tcase_add_test(t, a_reservation_that_is_refused_changes_nothing);
	tcase_add_test(t, reserved_and_not_in_any_order);
	return unit_run();
}
