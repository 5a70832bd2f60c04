/* Durations, sizes and whole numbers as people write them. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/units.h"
#include "tests/unit/unit.h"

static int duration(const char *text, int64_t *out)
{
	return units_parse_duration(text, strlen(text), 0, out);
}

START_TEST (durations_have_a_unit) {
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"500ms", 500}, {"10s", 10000}, {"5m", 300000}, {"2h", 7200000},
	    {"7d", 604800000}, {"0s", 0}, {"36500d", (int64_t)36500 * 86400000}};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int64_t ms = -1;
		ck_assert_int_eq(duration(good[i].text, &ms), 0);
		ck_assert_int_eq(ms, good[i].ms);
	}
	static const char *const bad[] = {
	    "", "300", "s", "1.5s", "-1s", "1 s", "1S", "1sec", "10s ", "+1s", "1w"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t ms = 77;
		ck_assert_int_eq(duration(bad[i], &ms), -EINVAL);
		ck_assert_int_eq(ms, 77);
	}
}
END_TEST

START_TEST (bare_numbers_are_milliseconds_on_the_wire) {
	int64_t ms;
	ck_assert_int_eq(units_parse_duration("1500", 4, 1, &ms), 0);
	ck_assert_int_eq(ms, 1500);
}
END_TEST

START_TEST (what_does_not_fit_is_out_of_range) {
	int64_t ms, n;
	uint64_t bytes;
	ck_assert_int_eq(duration("36501d", &ms), -ERANGE);
	ck_assert_int_eq(duration("99999999999999999999s", &ms), -ERANGE);
	ck_assert_int_eq(units_parse_size("9223372036854775808", 19, &bytes), -ERANGE);
	ck_assert_int_eq(units_parse_size("8589934592GiB", 13, &bytes), -ERANGE);
	ck_assert_int_eq(units_parse_int("101", 3, -100, 100, &n), -ERANGE);
	ck_assert_int_eq(units_parse_int("-101", 4, -100, 100, &n), -ERANGE);
	ck_assert_int_eq(units_parse_int("-100", 4, -100, 100, &n), 0);
	ck_assert_int_eq(n, -100);
}
END_TEST

START_TEST (sizes) {
	uint64_t bytes;
	ck_assert_int_eq(units_parse_size("65536", 5, &bytes), 0);
	ck_assert_uint_eq(bytes, 65536);
	ck_assert_int_eq(units_parse_size("1MiB", 4, &bytes), 0);
	ck_assert_uint_eq(bytes, 1048576);
	ck_assert_int_eq(units_parse_size("1MB", 3, &bytes), -EINVAL);
	ck_assert_int_eq(units_parse_size("MiB", 3, &bytes), -EINVAL);
}
END_TEST

START_TEST (numbers_are_nothing_else) {
	int64_t n;
	static const char *const bad[] = {"", "-", "1x", " 1", "0x10", "1.0", "+1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(units_parse_int(bad[i], strlen(bad[i]), INT64_MIN, INT64_MAX, &n), -EINVAL);
}
END_TEST

START_TEST (formats_are_read_again) {
	static const int64_t times[] = {0, 1, 999, 1000, 1500, 60000, 90000, 3600000, 86400000, 90061001};
	static const uint64_t byte_counts[] = {0, 1, 1023, 1024, 1536, 1048576, 1073741824, 1073741825};
	char text[32];
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int64_t ms = -1;
		units_format_duration(times[i], text);
		ck_assert_int_eq(duration(text, &ms), 0);
		ck_assert_int_eq(ms, times[i]);
	}
	for (size_t i = 0; i < sizeof byte_counts / sizeof *byte_counts; i++) {
		uint64_t bytes = 1;
		units_format_size(byte_counts[i], text);
		ck_assert_int_eq(units_parse_size(text, strlen(text), &bytes), 0);
		ck_assert_uint_eq(bytes, byte_counts[i]);
	}
	ck_assert_str_eq(units_format_duration(90000, text), "90s");
	ck_assert_str_eq(units_format_duration(1500, text), "1500ms");
	ck_assert_str_eq(units_format_size(1 << 20, text), "1MiB");
	ck_assert_str_eq(units_format_number(0.8, text), "0.8");
	ck_assert_str_eq(units_format_number(1e15, text), "1000000000000000");
	ck_assert_str_eq(units_format_number(-9007199254740992.0, text), "-9007199254740992");
	ck_assert_double_eq(strtod(units_format_number(1.0 / 3, text), NULL), 1.0 / 3);
	ck_assert_double_eq(strtod(units_format_number(1.5e300, text), NULL), 1.5e300);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("units");
	tcase_add_test(t, durations_have_a_unit);
	tcase_add_test(t, bare_numbers_are_milliseconds_on_the_wire);
	tcase_add_test(t, what_does_not_fit_is_out_of_range);
	tcase_add_test(t, sizes);
	tcase_add_test(t, numbers_are_nothing_else);
	tcase_add_test(t, formats_are_read_again);
	return unit_run();
}
