/*
 * The order's states and the attempt's phases: what the tables allow, and that STATES.md says the same as the code, word for word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/order/attempt.h"
#include "daemon/order/state.h"
#include "tests/unit/unit.h"

/* ---- the document, generated from the tables ---- */

struct text {
	char bytes[32768];
	size_t len;
};

static void add(struct text *t, const char *a)
{
	size_t n = strlen(a);

	ck_assert_uint_lt(t->len + n, sizeof(t->bytes));
	memcpy(t->bytes + t->len, a, n + 1);
	t->len += n;
}

static const struct {
	const char *word, *meaning;
} events[] =
    {
#define EVENT(name, word, meaning) {word, meaning},
#include "daemon/order/event.def"
#undef EVENT
},
  phases[] =
      {
#define PHASE(name, word, meaning) {word, meaning},
#include "daemon/order/attempt.def"
},
  news[] = {
#define NEWS(name, word, meaning) {word, meaning},
#include "daemon/order/attempt.def"
};

static void load(char **out)
{
	FILE *f = fopen(STATES_MD, "r");
	struct text *t = calloc(1, sizeof(*t));

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(t);
	t->len = fread(t->bytes, 1, sizeof(t->bytes) - 1, f);
	ck_assert_uint_lt(t->len, sizeof(t->bytes) - 1);
	fclose(f);
	*out = t->bytes; /* the first member */
}

/* The block of lines that follows the heading line of a table, up to its end, must be exactly `rows`. */
static void assert_table(const char *document, const char *heading, const struct text *rows)
{
	const char *at = strstr(document, heading), *end;

	ck_assert_msg(at != NULL, "no table begins with: %s", heading);
	at += strlen(heading);
	end = strstr(at, "\n\n");
	ck_assert_ptr_nonnull(end);
	end++;
	ck_assert_msg((size_t)(end - at) == rows->len && memcmp(at, rows->bytes, rows->len) == 0,
	    "STATES.md differs from the code; by the code the table is:\n%s%s", heading, rows->bytes);
}

static void add_row(struct text *t, const char *a, const char *b)
{
	add(t, "| ");
	add(t, a);
	add(t, " | ");
	add(t, b);
	add(t, " |\n");
}

static void add_step(struct text *t, bool first, const char *event, const char *to)
{
	if (!first)
		add(t, ", ");
	add(t, event);
	add(t, " → ");
	add(t, to);
}

START_TEST (document_has_every_event_phase_and_news) {
	struct text rows = {.len = 0};
	char *document;

	load(&document);
	for (size_t i = 0; i < ORDER_EVENTS; i++)
		add_row(&rows, events[i].word, events[i].meaning);
	assert_table(document, "| event | meaning |\n| --- | --- |\n", &rows);
	rows.len = 0;
	for (size_t i = 0; i < ATTEMPT_PHASES; i++)
		add_row(&rows, phases[i].word, phases[i].meaning);
	assert_table(document, "| phase | meaning |\n| --- | --- |\n", &rows);
	rows.len = 0;
	for (size_t i = 0; i < ATTEMPT_NEWS; i++)
		add_row(&rows, news[i].word, news[i].meaning);
	assert_table(document, "| news | meaning |\n| --- | --- |\n", &rows);
	free(document);
}
END_TEST

START_TEST (document_has_the_orders_table) {
	static const enum order_row line[] = {ORDER_ROW_NEW, ORDER_ROW_SCHEDULED, ORDER_ROW_BLOCKED,
	    ORDER_ROW_QUEUED, ORDER_ROW_RUNNING, ORDER_ROW_CANCELLING, ORDER_ROW_DONE, ORDER_ROW_FAILED,
	    ORDER_ROW_CANCELLED, ORDER_ROW_EXPIRED};
	struct text rows = {.len = 0};
	char *document;

	ck_assert_int_eq(sizeof(line) / sizeof(line[0]), ORDER_ROWS);
	load(&document);
	for (size_t i = 0; i < ORDER_ROWS; i++) {
		bool first = true;

		for (enum order_event e = 0; e < ORDER_EVENTS; e++) {
			enum order_row to;

			if (order_row_next(line[i], e, &to) < 0)
				continue;
			if (first) {
				add(&rows, "| ");
				add(&rows, order_row_word(line[i]));
				add(&rows, " | ");
			}
			add_step(&rows, first, order_event_word(e), order_row_word(to));
			first = false;
		}
		if (!first)
			add(&rows, " |\n");
	}
	assert_table(document, "| from | what happens → where it goes |\n| --- | --- |\n", &rows);
	free(document);
}
END_TEST

START_TEST (document_has_the_attempts_table) {
	struct text rows = {.len = 0};
	char *document;

	load(&document);
	for (enum attempt_phase p = 0; p < ATTEMPT_PHASES; p++) {
		bool first = true;

		for (enum attempt_news n = 0; n < ATTEMPT_NEWS; n++) {
			enum attempt_phase to;

			if (attempt_next(p, n, &to) < 0)
				continue;
			if (first) {
				add(&rows, "| ");
				add(&rows, attempt_phase_word(p));
				add(&rows, " | ");
			}
			add_step(&rows, first, attempt_news_word(n), attempt_phase_word(to));
			first = false;
		}
		if (!first)
			add(&rows, " |\n");
	}
	assert_table(document, "| in phase | what happens → where it goes |\n| --- | --- |\n", &rows);
	free(document);
}
END_TEST

/* ---- what the tables promise ---- */

START_TEST (nothing_but_retry_leads_out_of_a_final_state) {
	for (enum order_state s = 0; s < ORDER_STATES; s++) {
		for (enum order_event e = 0; e < ORDER_EVENTS; e++) {
			enum order_state to = s;
			int err = order_state_next(s, false, e, &to);

			if (!order_state_final(s))
				continue;
			if (e == ORDER_EVENT_RETRY && s != ORDER_DONE)
				ck_assert_int_eq(to, ORDER_QUEUED);
			else
				ck_assert_int_eq(err, ERR_STATE);
		}
	}
}
END_TEST

START_TEST (every_order_that_is_not_final_can_be_cancelled) {
	for (enum order_state s = 0; s < ORDER_STATES; s++) {
		enum order_state to;

		if (!order_state_final(s)) {
			ck_assert_int_eq(order_state_next(s, false, ORDER_EVENT_CANCEL, &to), 0);
			ck_assert_int_eq(to, s == ORDER_RUNNING ? ORDER_RUNNING : ORDER_CANCELLED);
		}
	}
}
END_TEST

START_TEST (no_attempt_follows_a_committed_cancel) {
	static const enum order_state ends[] = {
	    ORDER_DONE, ORDER_FAILED, ORDER_CANCELLED, ORDER_QUEUED, ORDER_SCHEDULED};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		enum order_event e;
		enum order_state to;

		ck_assert_int_eq(order_end_event(ends[i], &e), 0);
		ck_assert_int_eq(order_state_next(ORDER_RUNNING, false, e, &to), 0);
		ck_assert_int_eq(to, ends[i]);
		ck_assert_int_eq(order_state_next(ORDER_RUNNING, true, e, &to), 0);
		ck_assert_int_eq(to, ORDER_CANCELLED);
	}
}
END_TEST

START_TEST (only_a_queued_order_starts) {
	for (enum order_state s = 0; s < ORDER_STATES; s++) {
		enum order_state to = ORDER_STATES;

		ck_assert_int_eq(
		    order_state_next(s, false, ORDER_EVENT_START, &to), s == ORDER_QUEUED ? 0 : ERR_STATE);
		ck_assert_int_eq(to, s == ORDER_QUEUED ? ORDER_RUNNING : ORDER_STATES);
	}
}
END_TEST

START_TEST (end_events_are_only_for_what_an_attempt_can_come_to) {
	enum order_event e = ORDER_EVENT_SUBMIT;

	ck_assert_int_eq(order_end_event(ORDER_RUNNING, &e), ERR_STATE);
	ck_assert_int_eq(order_end_event(ORDER_BLOCKED, &e), ERR_STATE);
	ck_assert_int_eq(order_end_event(ORDER_EXPIRED, &e), ERR_STATE);
	ck_assert_int_eq(e, ORDER_EVENT_SUBMIT);
}
END_TEST

START_TEST (what_ran_is_over_only_when_the_store_knows) {
	for (enum attempt_phase p = 0; p < ATTEMPT_PHASES; p++) {
		for (enum attempt_news n = 0; n < ATTEMPT_NEWS; n++) {
			enum attempt_phase to;

			if (attempt_next(p, n, &to) < 0 || to != ATTEMPT_OVER)
				continue;
			if (p == ATTEMPT_BETWEEN)
				ck_assert_int_eq(n, ATTEMPT_NEWS_ABANDON);
			else
				ck_assert(p == ATTEMPT_PICKED || p == ATTEMPT_ENDED);
			if (p == ATTEMPT_ENDED)
				ck_assert(n == ATTEMPT_NEWS_DURABLE || n == ATTEMPT_NEWS_STALE ||
					  n == ATTEMPT_NEWS_ABANDON);
		}
	}
}
END_TEST

START_TEST (words_go_both_ways) {
	for (enum order_state s = 0; s < ORDER_STATES; s++) {
		enum order_state back;

		ck_assert_int_eq(
		    order_state_parse(order_state_word(s), strlen(order_state_word(s)), &back), 0);
		ck_assert_int_eq(back, s);
	}
	for (enum order_cause c = CAUSE_NONE + 1; c < ORDER_CAUSES; c++) {
		enum order_cause back;

		ck_assert_int_eq(
		    order_cause_parse(order_cause_word(c), strlen(order_cause_word(c)), &back), 0);
		ck_assert_int_eq(back, c);
	}
	{
		enum order_state s = ORDER_BLOCKED;
		enum order_cause c = CAUSE_HTTP;

		ck_assert_int_eq(order_state_parse("Done", 4, &s), -EINVAL);
		ck_assert_int_eq(order_state_parse("don", 3, &s), -EINVAL);
		ck_assert_int_eq(order_state_parse("donee", 5, &s), -EINVAL);
		ck_assert_int_eq(order_cause_parse("", 0, &c), -EINVAL);
		ck_assert_int_eq(s, ORDER_BLOCKED);
		ck_assert_int_eq(c, CAUSE_HTTP);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("document");

	tcase_add_test(t, document_has_every_event_phase_and_news);
	tcase_add_test(t, document_has_the_orders_table);
	tcase_add_test(t, document_has_the_attempts_table);
	t = unit_case("states");
	tcase_add_test(t, nothing_but_retry_leads_out_of_a_final_state);
	tcase_add_test(t, every_order_that_is_not_final_can_be_cancelled);
	tcase_add_test(t, no_attempt_follows_a_committed_cancel);
	tcase_add_test(t, only_a_queued_order_starts);
	tcase_add_test(t, end_events_are_only_for_what_an_attempt_can_come_to);
	tcase_add_test(t, what_ran_is_over_only_when_the_store_knows);
	tcase_add_test(t, words_go_both_ways);
	return unit_run();
}
