/*
 * Which recipe of a pool may start next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/base/rand.h"
#include "daemon/sched/pick.h"
#include "tests/unit/unit.h"

enum { ITEMS = 50 };

START_TEST (highest_priority_then_lowest_id) {
	struct pick p;
	struct pick_item a = {.at = 0}, b = {.at = 0}, c = {.at = 0};

	ck_assert_int_eq(pick_init(&p, 3), 0);
	ck_assert_ptr_null(pick_first(&p));
	pick_set(&p, &a, (struct place){0, 10});
	pick_set(&p, &b, (struct place){0, 9});
	pick_set(&p, &c, (struct place){1, 11});
	ck_assert_ptr_eq(pick_first(&p), &c);
	pick_unset(&p, &c);
	ck_assert_ptr_eq(pick_first(&p), &b);
	pick_set(&p, &b, (struct place){0, 12});
	ck_assert_ptr_eq(pick_first(&p), &a);
	pick_clear(&p);
}
END_TEST

START_TEST (one_that_may_not_start_holds_up_nobody) {
	struct pick p;
	struct pick_item held = {.at = 0}, other = {.at = 0};

	ck_assert_int_eq(pick_init(&p, 2), 0);
	pick_set(&p, &held, (struct place){100, 1});
	pick_set(&p, &other, (struct place){-100, 2});
	pick_unset(&p, &held);
	pick_unset(&p, &held);
	ck_assert_ptr_eq(pick_first(&p), &other);
	pick_set(&p, &held, (struct place){100, 1});
	ck_assert_ptr_eq(pick_first(&p), &held);
	pick_clear(&p);
}
END_TEST

START_TEST (random_changes_against_a_search_of_all) {
	struct pick p;
	struct pick_item items[ITEMS] = {{.at = 0}};
	char seed[16];

	snprintf(seed, sizeof(seed), "%d", _i + 1);
	setenv("BAKERY_SEED", seed, 1);
	rand_init();
	ck_assert_int_eq(pick_init(&p, ITEMS), 0);
	for (int64_t i = 0; i < 5000; i++) {
		struct pick_item *best = NULL, *item = &items[rand_below(ITEMS)];

		if (rand_below(3) == 0)
			pick_unset(&p, item);
		else
			pick_set(&p, item, (struct place){(int)rand_below(5), i});
		for (size_t j = 0; j < ITEMS; j++) {
			if (items[j].at && (!best || place_before(items[j].head, best->head)))
				best = &items[j];
		}
		ck_assert_ptr_eq(pick_first(&p), best);
	}
	pick_clear(&p);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("pick");

	tcase_add_test(t, highest_priority_then_lowest_id);
	tcase_add_test(t, one_that_may_not_start_holds_up_nobody);
	tcase_add_loop_test(t, random_changes_against_a_search_of_all, 0, 4);
	return unit_run();
}
