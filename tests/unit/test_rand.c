/* A seed repeats a run; a bound is kept, and every value below it comes. */
#include <stdlib.h>

#include "daemon/base/rand.h"
#include "tests/unit/unit.h"

START_TEST (a_seed_repeats_the_run) {
	setenv("BAKERY_SEED", "42", 1);
	ck_assert_uint_eq(rand_init(), 42);
	uint64_t first = rand_u64(), second = rand_u64();
	ck_assert_uint_ne(first, second);
	rand_init();
	ck_assert_uint_eq(rand_u64(), first);
	ck_assert_uint_eq(rand_u64(), second);
	setenv("BAKERY_SEED", "43", 1);
	rand_init();
	ck_assert_uint_ne(rand_u64(), first);
}
END_TEST

START_TEST (the_bound_is_kept_and_reached_evenly) {
	setenv("BAKERY_SEED", "7", 1);
	rand_init();
	int seen[6] = {0};
	for (int i = 0; i < 60000; i++) {
		uint64_t n = rand_below(6);
		ck_assert_uint_lt(n, 6);
		seen[n]++;
	}
	for (int i = 0; i < 6; i++) {
		ck_assert_int_gt(seen[i], 9500);
		ck_assert_int_lt(seen[i], 10500);
	}
	ck_assert_uint_eq(rand_below(1), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("rand");
	tcase_add_test(t, a_seed_repeats_the_run);
	tcase_add_test(t, the_bound_is_kept_and_reached_evenly);
	return unit_run();
}
