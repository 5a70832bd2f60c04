#include "daemon/worker/message.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "tests/unit/unit.h"

static void write_worker_ended(struct buf *out)
{
	struct message_writer w;
	message_begin(&w, out, MESSAGE_WORKER_ENDED);
	message_add_text(&w, "ovens");
	message_add_int(&w, 3);
	message_add_int(&w, INT64_MAX);
	message_add_int(&w, -1);
	ck_assert_int_eq(message_finish(&w), 0);
}

static void check_worker_ended(struct message *m)
{
	char pool[16];
	ck_assert_int_eq(m->type, MESSAGE_WORKER_ENDED);
	message_get_text(m, pool, sizeof pool);
	ck_assert_str_eq(pool, "ovens");
	ck_assert_int_eq(message_get_int(m, 0, 10), 3);
	ck_assert_int_eq(message_get_int(m, 0, INT64_MAX), INT64_MAX);
	ck_assert_int_eq(message_get_int(m, -1, 0), -1);
	ck_assert_int_eq(message_end(m), 0);
}

START_TEST (what_is_written_is_read) {
	struct buf b = {0};
	write_worker_ended(&b);
	struct message m;
	size_t bytes;
	ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
	ck_assert_uint_eq(bytes, b.len);
	check_worker_ended(&m);
	buf_clear(&b);
}
END_TEST

START_TEST (bytes_may_hold_anything) {
	struct buf b = {0};
	struct message_writer w;
	message_begin(&w, &b, MESSAGE_JOB);
	message_add_bytes(&w, "a\0b", 3);
	message_add_bytes(&w, "", 0);
	ck_assert_int_eq(message_finish(&w), 0);
	struct message m;
	size_t bytes;
	ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
	struct slice s = message_get_bytes(&m);
	ck_assert_uint_eq(s.len, 3);
	ck_assert_mem_eq(s.data, "a\0b", 3);
	ck_assert_uint_eq(message_get_bytes(&m).len, 0);
	ck_assert_int_eq(message_end(&m), 0);
	buf_clear(&b);
}
END_TEST

START_TEST (every_split_waits_for_the_rest) {
	struct buf whole = {0};
	write_worker_ended(&whole);
	for (size_t split = 0; split < whole.len; split++) {
		struct buf part = {0};
		struct message m;
		size_t bytes;
		ck_assert_int_eq(buf_append(&part, buf_bytes(&whole), split), 0);
		ck_assert_int_eq(message_parse(&part, &m, &bytes), 0);
		ck_assert_int_eq(buf_append(&part, buf_bytes(&whole) + split, whole.len - split), 0);
		ck_assert_int_eq(message_parse(&part, &m, &bytes), 1);
		check_worker_ended(&m);
		buf_clear(&part);
	}
	buf_clear(&whole);
}
END_TEST

/* A body that was cut anywhere, with its length corrected, is never taken for whole. */
START_TEST (every_short_body_is_refused) {
	struct buf whole = {0};
	write_worker_ended(&whole);
	for (uint32_t body = 0; body < whole.len - MESSAGE_HEADER_BYTES; body++) {
		struct buf part = {0};
		ck_assert_int_eq(buf_append(&part, buf_bytes(&whole), MESSAGE_HEADER_BYTES + body), 0);
		memcpy(part.data + part.off, &body, sizeof body);
		struct message m;
		size_t bytes;
		ck_assert_int_eq(message_parse(&part, &m, &bytes), 1);
		char pool[16];
		message_get_text(&m, pool, sizeof pool);
		message_get_int(&m, INT64_MIN, INT64_MAX);
		message_get_int(&m, INT64_MIN, INT64_MAX);
		message_get_int(&m, INT64_MIN, INT64_MAX);
		ck_assert_int_eq(message_end(&m), ERR_PROTOCOL);
		buf_clear(&part);
	}
	buf_clear(&whole);
}
END_TEST

START_TEST (what_is_left_over_is_refused) {
	struct buf b = {0};
	write_worker_ended(&b);
	struct message m;
	size_t bytes;
	ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
	char pool[16];
	message_get_text(&m, pool, sizeof pool);
	ck_assert_int_eq(message_end(&m), ERR_PROTOCOL);
	buf_clear(&b);
}
END_TEST

START_TEST (numbers_out_of_range_are_refused) {
	static const struct {
		int64_t value, min, max;
		int result;
	} cases[] = {{0, 1, 5, ERR_PROTOCOL}, {1, 1, 5, 0}, {5, 1, 5, 0}, {6, 1, 5, ERR_PROTOCOL},
	    {INT64_MIN, -1, 5, ERR_PROTOCOL}, {INT64_MAX, 0, INT_MAX, ERR_PROTOCOL}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = {0};
		struct message_writer w;
		message_begin(&w, &b, MESSAGE_PING);
		message_add_int(&w, cases[i].value);
		ck_assert_int_eq(message_finish(&w), 0);
		struct message m;
		size_t bytes;
		ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
		int64_t got = message_get_int(&m, cases[i].min, cases[i].max);
		ck_assert(got >= cases[i].min && got <= cases[i].max);
		ck_assert_int_eq(message_end(&m), cases[i].result);
		buf_clear(&b);
	}
}
END_TEST

START_TEST (texts_with_nul_or_too_long_are_refused) {
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {{"ov\0ens", 6}, {"longer than it", 14}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = {0};
		struct message_writer w;
		message_begin(&w, &b, MESSAGE_WORKER);
		message_add_bytes(&w, cases[i].bytes, cases[i].len);
		ck_assert_int_eq(message_finish(&w), 0);
		struct message m;
		size_t bytes;
		ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
		char out[14] = "before";
		message_get_text(&m, out, sizeof out);
		ck_assert_str_eq(out, "");
		ck_assert_int_eq(message_end(&m), ERR_PROTOCOL);
		buf_clear(&b);
	}
}
END_TEST

static int parse_header(uint32_t body, uint16_t type, uint16_t descriptors)
{
	struct buf b = {0};
	ck_assert_int_eq(
	    buf_append(&b, &body, 4) | buf_append(&b, &type, 2) | buf_append(&b, &descriptors, 2), 0);
	struct message m;
	size_t bytes;
	int r = message_parse(&b, &m, &bytes);
	buf_clear(&b);
	return r;
}

START_TEST (hostile_headers_are_refused_before_anything_is_stored) {
	ck_assert_int_eq(parse_header(16, MESSAGE_PING, 0), 0);
	ck_assert_int_eq(parse_header(17, MESSAGE_PING, 0), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(UINT32_MAX, MESSAGE_JOB, 0), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(MESSAGE_BODY_MAX, MESSAGE_JOB, 0), 0);
	ck_assert_int_eq(parse_header(0, MESSAGE_TYPES, 0), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(0, UINT16_MAX, 0), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(0, MESSAGE_PING, 1), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(0, MESSAGE_LOCK, 0), ERR_PROTOCOL);
	ck_assert_int_eq(parse_header(0, MESSAGE_LOCK, 2), ERR_PROTOCOL);
}
END_TEST

START_TEST (a_body_over_its_limit_is_not_written) {
	struct buf b = {0};
	write_worker_ended(&b);
	size_t before = b.len;
	struct message_writer w;
	char big[2000] = {0};
	message_begin(&w, &b, MESSAGE_WORKER);
	message_add_bytes(&w, big, sizeof big);
	ck_assert_int_eq(message_finish(&w), ERR_TOOBIG);
	ck_assert_uint_eq(b.len, before);
	/* Each within the limit, together over it. */
	message_begin(&w, &b, MESSAGE_WORKER);
	message_add_bytes(&w, big, 600);
	message_add_bytes(&w, big, 600);
	ck_assert_int_eq(message_finish(&w), ERR_TOOBIG);
	ck_assert_uint_eq(b.len, before);
	struct message m;
	size_t bytes;
	ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
	check_worker_ended(&m);
	buf_clear(&b);
}
END_TEST

START_TEST (names_of_jobs) {
	static const struct {
		int64_t numbers[4];
		bool good;
	} rows[] = {
	    {{1, 1, 0, 0}, true},
	    {{INT64_MAX, INT_MAX, CONF_STEPS_MAX - 1, INT_MAX}, true},
	    {{0, 1, 0, 0}, false},
	    {{1, 0, 0, 0}, false},
	    {{1, 1, -1, 0}, false},
	    {{1, 1, CONF_STEPS_MAX, 0}, false},
	    {{1, 1, 0, -1}, false},
	    {{1, 1, 0, (int64_t)INT_MAX + 1}, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = {0};
		struct message_writer w;
		struct message m;
		size_t bytes;
		message_begin(&w, &b, MESSAGE_JOB_ACK);
		for (int j = 0; j < 4; j++)
			message_add_int(&w, rows[i].numbers[j]);
		ck_assert_int_eq(message_finish(&w), 0);
		ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
		struct job_name name = message_get_job(&m), again;
		ck_assert_int_eq(message_end(&m), rows[i].good ? 0 : ERR_PROTOCOL);
		if (rows[i].good) {
			buf_consume(&b, b.len);
			message_begin(&w, &b, MESSAGE_JOB_ACK);
			message_add_job(&w, &name);
			ck_assert_int_eq(message_finish(&w), 0);
			ck_assert_int_eq(message_parse(&b, &m, &bytes), 1);
			again = message_get_job(&m);
			ck_assert(job_name_equal(&name, &again));
			again.try ^= 1;
			ck_assert(!job_name_equal(&name, &again));
		}
		buf_clear(&b);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("message");
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, bytes_may_hold_anything);
	tcase_add_test(t, every_split_waits_for_the_rest);
	tcase_add_test(t, every_short_body_is_refused);
	tcase_add_test(t, what_is_left_over_is_refused);
	tcase_add_test(t, numbers_out_of_range_are_refused);
	tcase_add_test(t, texts_with_nul_or_too_long_are_refused);
	tcase_add_test(t, hostile_headers_are_refused_before_anything_is_stored);
	tcase_add_test(t, a_body_over_its_limit_is_not_written);
	tcase_add_test(t, names_of_jobs);
	return unit_run();
}
