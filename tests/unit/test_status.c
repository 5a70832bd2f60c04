/* What a STATUS map means: exit statuses, words, the step of a running order; and times of the daemon as people here have them. */
#include <stdlib.h>
#include <string.h>

#include "client/status.h"
#include "client/text.h"
#include "tests/unit/unit.h"

static struct value text_value(const char *text)
{
	if (!text)
		return (struct value){.type = VALUE_NULL};
	return (struct value){.type = VALUE_BULK, .text = (char *)text, .len = strlen(text)};
}

/* A STATUS map with the members that matter here; negative numbers are null. */
struct status {
	struct value items[14];
	struct value map;
};

static const struct value *status(struct status *s, const char *state, const char *cause, int64_t exit,
    int64_t signal, const char *step, const char *waits_for)
{
	const struct value all[] = {text_value("state"), text_value(state), text_value("cause"),
	    text_value(cause), text_value("exit"),
	    {.type = exit < 0 ? VALUE_NULL : VALUE_INT, .number = exit}, text_value("signal"),
	    {.type = signal < 0 ? VALUE_NULL : VALUE_INT, .number = signal}, text_value("step"),
	    text_value(step), text_value("waits_for"), text_value(waits_for)};
	memcpy(s->items, all, sizeof all);
	s->map = (struct value){.type = VALUE_MAP, .items = s->items, .count = sizeof all / sizeof *all};
	return &s->map;
}

START_TEST (exit_statuses) {
	static const struct {
		const char *state, *cause;
		int64_t exit, signal;
		int status;
	} rows[] = {
	    {"done", "exit", 0, -1, 0},
	    {"done", NULL, -1, -1, 0}, /* the last step was a light one */
	    {"failed", "exit", 3, -1, 3},
	    {"failed", "signal", -1, 9, 137},
	    {"failed", "http", -1, -1, 125},
	    {"failed", "timeout", -1, -1, 125},
	    {"failed", "timeout", -1, 15, 125},
	    {"cancelled", "cancelled", -1, -1, 125},
	    {"cancelled", "exit", 7, -1, 125},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct status s;
		ck_assert_int_eq(status_exit(status(&s, rows[i].state, rows[i].cause, rows[i].exit,
				     rows[i].signal, NULL, NULL)),
		    rows[i].status);
	}
}
END_TEST

START_TEST (words) {
	char out[STATUS_WORDS_MAX];
	struct status s;
	ck_assert_str_eq(
	    status_words(status(&s, "failed", "http", -1, -1, NULL, NULL), out), "an HTTP request failed");
	ck_assert_str_eq(
	    status_words(status(&s, "failed", "exit", 3, -1, NULL, NULL), out), "exited with status 3");
	ck_assert_str_eq(status_words(status(&s, "done", NULL, -1, -1, NULL, NULL), out), "");
	/* One that this client does not know is said as it is. */
	ck_assert_str_eq(status_words(status(&s, "failed", "hunger", -1, -1, NULL, NULL), out), "hunger");
	ck_assert_str_eq(status_cause(status(&s, "failed", "http", -1, -1, NULL, NULL), out), "http");
}
END_TEST

START_TEST (steps) {
	static const struct {
		const char *step, *waits_for, *said;
	} rows[] = {
	    {NULL, NULL, ""},
	    {"mix", NULL, "mix"},
	    {"mix", "sleep", "mix (sleep)"},
	    {"sleep", "sleep", "sleep"},
	    {"run", "job", ""},
	    {"run", "worker", "run (worker)"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[STATUS_STEP_MAX];
		struct status s;
		ck_assert_str_eq(
		    status_step(status(&s, "running", NULL, -1, -1, rows[i].step, rows[i].waits_for), out),
		    rows[i].said);
	}
}
END_TEST

START_TEST (times_are_local) {
	static const struct {
		const char *text, *local;
	} rows[] = {
	    {"", ""},
	    {"It ended at 2026-11-21T23:30:00.123Z.", "It ended at 2026-11-22 00:30:00."},
	    {"2026-11-21T09:00:00.000Z2026-11-21T10:00:00.000Z", "2026-11-21 10:00:002026-11-21 11:00:00"},
	    {"2026-11-21T09:00:00.12Z", "2026-11-21T09:00:00.12Z"},
	    {"2026-11-21T09:00:00Z and 2026-11-21", "2026-11-21T09:00:00Z and 2026-11-21"},
	    {"caf\xc3\xa9 12", "caf\xc3\xa9 12"},
	};
	setenv("TZ", "BAK-1", 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *local = text_localize(rows[i].text);
		ck_assert_str_eq(local, rows[i].local);
		free(local);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("status");
	tcase_add_test(t, exit_statuses);
	tcase_add_test(t, words);
	tcase_add_test(t, steps);
	tcase_add_test(t, times_are_local);
	return unit_run();
}
