/* The two clocks, set by the process and by a file; deadlines that cannot overflow; times as people read them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "tests/unit/unit.h"

START_TEST (advance_moves_both_clocks_by_what_is_said) {
	ck_assert(!clock_is_test());
	int64_t mono = clock_mono_ns(), wall = clock_wall_ms();
	clock_test_advance(3600 * NS_PER_S, 7200 * 1000);
	ck_assert(clock_is_test());
	ck_assert_int_ge(clock_mono_ns(), mono + 3600 * NS_PER_S);
	ck_assert_int_ge(clock_wall_ms(), wall + 7200 * 1000);
	ck_assert_int_lt(clock_mono_ns(), mono + 3700 * NS_PER_S);
}
END_TEST

START_TEST (held_the_clocks_move_by_what_is_said_only) {
	clock_test_hold(true);
	ck_assert(clock_is_test());
	int64_t mono = clock_mono_ns(), wall = clock_wall_ms();
	struct timespec before, now;
	clock_gettime(CLOCK_MONOTONIC, &before);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
	ck_assert_int_eq(clock_mono_ns(), mono);
	ck_assert_int_eq(clock_wall_ms(), wall);
	clock_test_advance(5, 7);
	ck_assert_int_eq(clock_mono_ns(), mono + 5);
	ck_assert_int_eq(clock_wall_ms(), wall + 7);
	clock_test_hold(false);
	ck_assert_int_gt(clock_mono_ns(), mono + 5);
}
END_TEST

START_TEST (a_file_moves_the_clock_while_we_run) {
	char path[512];
	int64_t offsets[2] = {0, 0};
	snprintf(path, sizeof path, "%s/clock", unit_dir());
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	ck_assert_int_eq(write(fd, offsets, 8), 8);
	setenv("BAKERY_CLOCK", path, 1);
	ck_assert_int_eq(clock_init(), -EINVAL);
	ck_assert_int_eq(pwrite(fd, offsets, sizeof offsets, 0), sizeof offsets);
	ck_assert_int_eq(clock_init(), 0);
	ck_assert(clock_is_test());
	int64_t mono = clock_mono_ns(), wall = clock_wall_ms();
	offsets[0] = 1000 * NS_PER_S;
	offsets[1] = -86400 * 1000;
	ck_assert_int_eq(pwrite(fd, offsets, sizeof offsets, 0), sizeof offsets);
	ck_assert_int_ge(clock_mono_ns(), mono + 1000 * NS_PER_S);
	ck_assert_int_lt(clock_wall_ms(), wall);
	close(fd);
}
END_TEST

START_TEST (a_clock_file_that_is_not_there_is_an_error) {
	char path[512];
	snprintf(path, sizeof path, "%s/none", unit_dir());
	setenv("BAKERY_CLOCK", path, 1);
	ck_assert_int_eq(clock_init(), -ENOENT);
	ck_assert(!clock_is_test());
}
END_TEST

START_TEST (deadlines_do_not_overflow) {
	ck_assert_int_eq(clock_deadline_ms(-1), CLOCK_NEVER);
	ck_assert_int_eq(clock_deadline_ms(INT64_MAX), CLOCK_NEVER);
	ck_assert_int_eq(clock_deadline_ms(INT64_MAX / NS_PER_MS), CLOCK_NEVER);
	int64_t now = clock_mono_ns(), in_a_second = clock_deadline_ms(1000);
	ck_assert_int_ge(in_a_second, now + NS_PER_S);
	ck_assert_int_le(in_a_second, clock_mono_ns() + NS_PER_S);
}
END_TEST

START_TEST (times_are_written_in_utc) {
	char text[25];
	clock_format_utc(0, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:00.000Z");
	clock_format_utc(1795252800123, text);
	ck_assert_str_eq(text, "2026-11-21T09:20:00.123Z");
	clock_format_utc(-1, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
	clock_format_utc(INT64_MAX, text);
	ck_assert_uint_eq(text[24], '\0');
	clock_format_utc(INT64_MIN, text);
	ck_assert_uint_eq(text[24], '\0');
}
END_TEST

int main(void)
{
	TCase *t = unit_case("clock");
	tcase_add_test(t, advance_moves_both_clocks_by_what_is_said);
	tcase_add_test(t, held_the_clocks_move_by_what_is_said_only);
	tcase_add_test(t, a_file_moves_the_clock_while_we_run);
	tcase_add_test(t, a_clock_file_that_is_not_there_is_an_error);
	tcase_add_test(t, deadlines_do_not_overflow);
	tcase_add_test(t, times_are_written_in_utc);
	return unit_run();
}
