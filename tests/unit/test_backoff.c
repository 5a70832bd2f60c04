#include "daemon/ops/backoff.h"

#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/rand.h"
#include "tests/unit/unit.h"

static int64_t pause_ms(struct backoff *b, int64_t start_ns, int64_t lived_ms)
{
	backoff_started(b, start_ns);
	int64_t end_ns = start_ns + lived_ms * NS_PER_MS;
	return (backoff_ended(b, end_ns) - end_ns) / NS_PER_MS;
}

START_TEST (pauses_double_up_to_a_limit_with_jitter) {
	struct backoff b = {0};
	int64_t now = NS_PER_S, expected = 50;
	for (int i = 0; i < 20; i++) {
		int64_t ms = pause_ms(&b, now, 1);
		ck_assert_int_ge(ms, expected * 80 / 100 - 1);
		ck_assert_int_le(ms, expected * 120 / 100 + 1);
		expected = expected * 2 > 10000 ? 10000 : expected * 2;
		now += NS_PER_S;
	}
}
END_TEST

START_TEST (what_has_lived_starts_again_at_once) {
	struct backoff b = {0};
	for (int i = 0; i < 5; i++)
		ck_assert_int_gt(pause_ms(&b, NS_PER_S, 5), 0);
	ck_assert_int_eq(pause_ms(&b, NS_PER_S, 10000), 0);
	int64_t ms = pause_ms(&b, NS_PER_S, 5);
	ck_assert_int_ge(ms, 39);
	ck_assert_int_le(ms, 61);
}
END_TEST

START_TEST (five_ends_within_a_minute_are_a_loop) {
	struct backoff b = {0};
	int64_t now = NS_PER_S;
	for (int i = 1; i <= BACKOFF_LOOP_ENDS; i++) {
		(void)pause_ms(&b, now, 1);
		ck_assert_int_eq(backoff_is_loop(&b, now), i == BACKOFF_LOOP_ENDS);
		now += NS_PER_S;
	}
	/* The same number, slower, is none. */
	now += 60 * NS_PER_S;
	for (int i = 0; i < 20; i++) {
		(void)pause_ms(&b, now, 1);
		ck_assert(!backoff_is_loop(&b, now));
		now += 20 * NS_PER_S;
	}
}
END_TEST

int main(void)
{
	setenv("BAKERY_SEED", "7", 1);
	rand_init();
	TCase *t = unit_case("backoff");
	tcase_add_test(t, pauses_double_up_to_a_limit_with_jitter);
	tcase_add_test(t, what_has_lived_starts_again_at_once);
	tcase_add_test(t, five_ends_within_a_minute_are_a_loop);
	return unit_run();
}
