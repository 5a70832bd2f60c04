/* The exact bytes of every kind of reply in both dialects. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/reply.h"
#include "tests/unit/unit.h"

static struct buf out;

static struct reply_writer writer(int version)
{
	buf_clear(&out);
	return (struct reply_writer){.out = &out, .version = version};
}

static void check_bytes(const char *expected)
{
	ck_assert_int_eq(buf_append(&out, "", 1), 0);
	ck_assert_str_eq(buf_bytes(&out), expected);
	buf_clear(&out);
}

#define BOTH(call, resp2, resp3)                   \
	do {                                       \
		struct reply_writer w = writer(2); \
		ck_assert_int_eq(call, 0);         \
		check_bytes(resp2);                \
		w = writer(3);                     \
		ck_assert_int_eq(call, 0);         \
		check_bytes(resp3);                \
	} while (0)

START_TEST (golden_bytes) {
	BOTH(reply_simple(&w, "OK"), "+OK\r\n", "+OK\r\n");
	BOTH(reply_error(&w, "NOTFOUND", "no order %d", 7), "-NOTFOUND no order 7\r\n",
	    "-NOTFOUND no order 7\r\n");
	BOTH(reply_int(&w, 0), ":0\r\n", ":0\r\n");
	BOTH(reply_int(&w, -12), ":-12\r\n", ":-12\r\n");
	BOTH(reply_int(&w, INT64_MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n");
	BOTH(reply_int(&w, INT64_MAX), ":9223372036854775807\r\n", ":9223372036854775807\r\n");
	BOTH(reply_bulk(&w, "", 0), "$0\r\n\r\n", "$0\r\n\r\n");
	BOTH(reply_text(&w, "abc"), "$3\r\nabc\r\n", "$3\r\nabc\r\n");
	BOTH(reply_id(&w, 1795251000017), "$13\r\n1795251000017\r\n", "$13\r\n1795251000017\r\n");
	BOTH(reply_null(&w), "$-1\r\n", "_\r\n");
	BOTH(reply_null_array(&w), "*-1\r\n", "_\r\n");
	BOTH(reply_array(&w, 0), "*0\r\n", "*0\r\n");
	BOTH(reply_array(&w, UINT32_MAX), "*4294967295\r\n", "*4294967295\r\n");
	BOTH(reply_map(&w, 21), "*42\r\n", "%21\r\n");
	BOTH(reply_map(&w, UINT32_MAX), "*8589934590\r\n", "%4294967295\r\n");
	BOTH(reply_bool(&w, true), ":1\r\n", "#t\r\n");
	BOTH(reply_bool(&w, false), ":0\r\n", "#f\r\n");
	BOTH(reply_push(&w, 3), "*3\r\n", ">3\r\n");
}
END_TEST

START_TEST (bulk_strings_are_binary) {
	struct reply_writer w = writer(2);
	ck_assert_int_eq(reply_bulk(&w, "a\0\r\nb", 5), 0);
	ck_assert_uint_eq(out.len, 4 + 5 + 2);
	ck_assert_mem_eq(buf_bytes(&out), "$5\r\na\0\r\nb\r\n", 11);
	buf_clear(&out);
}
END_TEST

START_TEST (errors_stay_on_one_line) {
	struct reply_writer w = writer(2);
	ck_assert_int_eq(reply_error(&w, "ERR", "unknown command '%s'", "x\r\n+OK\x1b[2J\x7f\t"), 0);
	check_bytes("-ERR unknown command 'x\?\?+OK?[2J\?\?'\r\n");
}
END_TEST

START_TEST (errors_are_utf8) {
	static const struct {
		const char *text, *sent;
	} rows[] = {
	    {"caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x8d\xb0", "caf\xc3\xa9 \xe2\x80\xa6 \xf0\x9f\x8d\xb0"},
	    {"caf\xe9!", "caf?!"},
	    {"\xc0\xaf\xed\xa0\x80\xff", "\?\?\?\?\?\?"}, /* overlong, a surrogate, nothing at all */
	    {"\xc2\x9b"
	     "2J",
		"\?\?2J"}, /* a control character, in UTF-8 */
	    {"half \xe2\x80", "half \?\?"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char expected[100];
		struct reply_writer w = writer(2);
		ck_assert_int_eq(reply_error(&w, "ERR", "%s", rows[i].text), 0);
		snprintf(expected, sizeof expected, "-ERR %s\r\n", rows[i].sent);
		check_bytes(expected);
	}
	/* The cut halves a character. */
	struct reply_writer w = writer(2);
	ck_assert_int_eq(reply_error(&w, "ERR", "%251s\xc3\xa9", ""), 0);
	ck_assert_uint_eq(out.len, 1 + 256 + 2);
	ck_assert_mem_eq(buf_bytes(&out) + out.len - 3, "?\r\n", 3);
	buf_clear(&out);
}
END_TEST

START_TEST (errors_are_cut_at_256_bytes) {
	char text[400];
	memset(text, 'e', sizeof text);
	for (int len = 200; len < 300; len++) {
		struct reply_writer w = writer(2);
		ck_assert_int_eq(reply_error(&w, "CODE", "%.*s", len, text), 0);
		size_t whole = 5 + (size_t)len;
		ck_assert_uint_eq(out.len, 1 + (whole < 256 ? whole : 256) + 2);
		ck_assert_mem_eq(buf_bytes(&out) + out.len - 3, "e\r\n", 3);
	}
	buf_clear(&out);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("reply");
	tcase_add_test(t, golden_bytes);
	tcase_add_test(t, bulk_strings_are_binary);
	tcase_add_test(t, errors_stay_on_one_line);
	tcase_add_test(t, errors_are_utf8);
	tcase_add_test(t, errors_are_cut_at_256_bytes);
	return unit_run();
}
