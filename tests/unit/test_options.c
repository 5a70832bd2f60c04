/* Options of verbs: any order, any case, each once, within their bounds; and times as clients write them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/session/moment.h"
#include "daemon/session/options.h"
#include "tests/unit/unit.h"

struct given {
	struct slice key;
	int64_t count, delay, since;
	bool all;
};

static const struct option rows[] = {
    {"KEY", OPTION_TEXT, offsetof(struct given, key), 0, 4},
    {"COUNT", OPTION_INT, offsetof(struct given, count), 1, 10},
    {"DELAY", OPTION_DURATION, offsetof(struct given, delay), 0, 60000},
    {"SINCE", OPTION_TIME, offsetof(struct given, since), 0, 0},
    {"ALL", OPTION_FLAG, offsetof(struct given, all), 0, 0},
};

static struct buf out;

static void tear_down(void)
{
	buf_clear(&out);
}

/* Parses words parted by blanks. */
static int parse(const char *text, struct given *g)
{
	static char copy[256];
	struct slice argv[16];
	size_t argc = 0;
	strncpy(copy, text, sizeof copy - 1);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = (struct slice){word, strlen(word)};
	struct reply_writer w = {.out = &out, .version = 2};
	out.len = out.off = 0;
	return options_parse(rows, sizeof rows / sizeof *rows, argv, argc, g, &w);
}

START_TEST (reads_all_kinds) {
	struct given g = {0};
	ck_assert_int_eq(parse("delay 2s ALL Key abc since 2026-11-21T09:00:00Z count 7", &g), 0);
	ck_assert_int_eq(g.delay, 2000);
	ck_assert(g.all);
	ck_assert_mem_eq(g.key.data, "abc", 3);
	ck_assert_int_eq(g.since, INT64_C(1795251600000));
	ck_assert_int_eq(g.count, 7);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST (leaves_what_is_not_given) {
	struct given g = {.count = 5, .delay = -1};
	ck_assert_int_eq(parse("", &g), 0);
	ck_assert_int_eq(g.count, 5);
	ck_assert_int_eq(g.delay, -1);
}
END_TEST

static const struct {
	const char *text, *reply;
} wrong[] = {
    {"BAKE 1", "-ERR unknown option 'BAKE'\r\n"},
    {"KEYS abc", "-ERR unknown option 'KEYS'\r\n"},
    {"KEY a KEY b", "-ERR KEY is given twice\r\n"},
    {"ALL ALL", "-ERR ALL is given twice\r\n"},
    {"COUNT", "-ERR COUNT needs a value\r\n"},
    {"COUNT 7x", "-ERR COUNT: expected a number, got '7x'\r\n"},
    {"COUNT 99999999999999999999", "-BADARG COUNT: expected 1 to 10\r\n"},
    {"COUNT 11", "-BADARG COUNT: expected 1 to 10\r\n"},
    {"COUNT 0", "-BADARG COUNT: expected 1 to 10\r\n"},
    {"DELAY soon", "-ERR DELAY: expected a duration such as 500ms, 10s or 5m, got 'soon'\r\n"},
    {"DELAY 2m", "-BADARG DELAY: expected 0s to 1m\r\n"},
    {"KEY abcde", "-TOOBIG KEY has 5 bytes, at most 4 are allowed\r\n"},
    {"SINCE yesterday", "-ERR SINCE: expected a time such as 2026-11-21T09:00:00Z, or Unix milliseconds, got "
			"'yesterday'\r\n"},
};

START_TEST (says_what_is_wrong) {
	struct given g = {0};
	ck_assert_int_eq(parse(wrong[_i].text, &g), 1);
	buf_append(&out, "", 1);
	ck_assert_str_eq(buf_bytes(&out), wrong[_i].reply);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;
} moments[] = {
    {"0", 0},
    {"1795251600123", INT64_C(1795251600123)},
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-21T09:00:00Z", INT64_C(1795251600000)},
    {"2026-11-21t09:00:00.5z", INT64_C(1795251600500)},
    {"2026-11-21T09:00:00.123456789Z", INT64_C(1795251600123)},
    {"2026-11-21T10:30:00+01:30", INT64_C(1795251600000)},
    {"2026-11-21T04:00:00-05:00", INT64_C(1795251600000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
};

START_TEST (times) {
	int64_t ms = -1;
	ck_assert_int_eq(moment_parse(moments[_i].text, strlen(moments[_i].text), &ms), 0);
	ck_assert_int_eq(ms, moments[_i].ms);
}
END_TEST

static const char *const no_moments[] = {"", "-1", "2026-11-21", "2026-11-21T09:00:00",
    "2026-11-21 09:00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
    "2026-11-21T09:00:00.Z", "2026-11-21T09:00:00Zx", "2026-11-21T09:00:00+1:00", "1969-12-31T00:00:00Z",
    "1970-01-01T00:00:00+01:00"};

START_TEST (no_times) {
	int64_t ms = -7;
	ck_assert_int_lt(moment_parse(no_moments[_i], strlen(no_moments[_i]), &ms), 0);
	ck_assert_int_eq(ms, -7);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("options");
	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, reads_all_kinds);
	tcase_add_test(t, leaves_what_is_not_given);
	tcase_add_loop_test(t, says_what_is_wrong, 0, sizeof wrong / sizeof *wrong);
	tcase_add_loop_test(t, times, 0, sizeof moments / sizeof *moments);
	tcase_add_loop_test(t, no_times, 0, sizeof no_moments / sizeof *no_moments);
	return unit_run();
}
