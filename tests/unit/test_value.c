/* Replies come out as trees, in any number of pieces; what is not RESP, too deep or too large is refused
 * without harm. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/value.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

/* A value as text, so that trees can be compared: +OK :1 "bulk" nil [..] {..} true >[..] -ERR */
static void describe(const struct value *v, struct buf *to)
{
	static const char *const open[] = {[VALUE_ARRAY] = "[", [VALUE_MAP] = "{", [VALUE_PUSH] = ">["};
	switch (v->type) {
	case VALUE_SIMPLE:
		buf_printf(to, "+%s", v->text);
		break;
	case VALUE_ERROR:
		buf_printf(to, "-%s", v->text);
		break;
	case VALUE_BULK:
		buf_printf(to, "\"%s\"%zu", v->text, v->len);
		break;
	case VALUE_INT:
		buf_printf(to, "%lld", (long long)v->number);
		break;
	case VALUE_NULL:
		buf_printf(to, "nil");
		break;
	case VALUE_BOOL:
		buf_printf(to, v->number ? "true" : "false");
		break;
	default:
		buf_printf(to, "%s", open[v->type]);
		for (size_t i = 0; i < v->count; i++) {
			buf_printf(to, i ? " " : "");
			describe(&v->items[i], to);
		}
		buf_printf(to, v->type == VALUE_MAP ? "}" : "]");
	}
}

/* Feeds bytes in pieces that end at `cut` and then of `piece` bytes; describes every value, "; " between; "!"
 * when refused. */
static char *parse_all(const char *bytes, size_t len, size_t cut, size_t piece)
{
	static char text[4096];
	struct value_parser *p;
	struct buf in = {0}, to = {0};
	ck_assert_int_eq(value_parser_new(&p), 0);
	size_t at = 0;
	int r = 0;
	while (at < len && r >= 0) {
		size_t n = at < cut ? cut - at : piece;
		n = n < len - at ? n : len - at;
		buf_append(&in, bytes + at, n);
		at += n;
		struct value *v;
		while ((r = value_parse(p, &in, &v)) > 0) {
			describe(v, &to);
			buf_append_text(&to, "; ");
			value_free(v);
		}
	}
	if (r < 0) {
		ck_assert_int_eq(r, -EPROTO);
		struct value *v;
		ck_assert_int_eq(value_parse(p, &in, &v), -EPROTO);
		buf_append_text(&to, "!");
	} else if (in.len) {
		buf_append_text(&to, "…");
	}
	snprintf(text, sizeof text, "%.*s", (int)to.len, buf_bytes(&to));
	value_parser_free(p);
	buf_clear(&in);
	buf_clear(&to);
	return text;
}

static const char every_kind[] =
    "+OK\r\n-ERR no\r\n:-5\r\n$3\r\na\0b\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n*0\r\n%0\r\n"
    "*2\r\n*1\r\n:1\r\n%1\r\n+k\r\n*2\r\n_\r\n$1\r\nx\r\n>2\r\n+message\r\n:9223372036854775807\r\n+\r\n";
static const char every_kind_described[] =
    "+OK; -ERR no; -5; \"a\"3; \"\"0; nil; nil; nil; true; false; []; {}; "
    "[[1] {+k [nil \"x\"1]}]; >[+message 9223372036854775807]; +; ";

START_TEST (every_kind_in_any_pieces) {
	size_t len = sizeof every_kind - 1;
	for (size_t cut = 0; cut <= len; cut++)
		ck_assert_str_eq(parse_all(every_kind, len, cut, len), every_kind_described);
	ck_assert_str_eq(parse_all(every_kind, len, 0, 1), every_kind_described);
}
END_TEST

START_TEST (what_is_not_resp_is_refused) {
	static const char *const bad[] = {"x\r\n", "\r\n", "+OK\n", "\n", ":\r\n", ":-\r\n", ":1x\r\n",
	    ":9223372036854775808\r\n", ":+1\r\n", "$-2\r\n", "$3x\r\n", "$3\r\nabcde",
	    "$99999999999999999999\r\n", "$2000000000\r\n", "*-2\r\n", "*99999999999\r\n", "%-1\r\n",
	    ">-1\r\n", "_x\r\n", "#\r\n", "#x\r\n", "#tt\r\n", "*1\r\n>1\r\n:1\r\n", "(123\r\n",
	    "=3\r\nabc\r\n", "!3\r\nabc\r\n", "|1\r\n", "~1\r\n", "$?\r\n", "*?\r\n", ",1.5\r\n",
	    "HTTP/1.1 400 Bad Request\r\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t len = strlen(bad[i]);
		ck_assert_msg(strcmp(parse_all(bad[i], len, 0, len), "!") == 0, "%s", bad[i]);
		ck_assert_msg(strcmp(parse_all(bad[i], len, 0, 1), "!") == 0, "%s", bad[i]);
	}
}
END_TEST

START_TEST (nesting_has_an_end) {
	struct buf b = {0};
	for (int i = 0; i < 100000; i++)
		buf_append_text(&b, "*1\r\n");
	ck_assert_str_eq(parse_all(buf_bytes(&b), b.len, 0, b.len), "!");
	buf_clear(&b);
	for (int i = 0; i < 16; i++)
		buf_append_text(&b, "%1\r\n+k\r\n");
	buf_append_text(&b, ":1\r\n");
	ck_assert_str_eq(parse_all(buf_bytes(&b), b.len, 0, b.len),
	    "{+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k {+k 1}}}}}}}}}}}}}}}}; ");
	buf_clear(&b);
}
END_TEST

START_TEST (a_line_without_end_is_refused) {
	struct value_parser *p;
	struct buf in = {0};
	struct value *v;
	ck_assert_int_eq(value_parser_new(&p), 0);
	int r = 0;
	buf_append_text(&in, "+");
	for (int i = 0; i < 1000 && r == 0; i++) {
		buf_append(&in,
		    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
		    "890123456789",
		    100);
		r = value_parse(p, &in, &v);
	}
	ck_assert_int_eq(r, -EPROTO);
	value_parser_free(p);
	buf_clear(&in);
}
END_TEST

START_TEST (announcements_allocate_nothing) {
	/* Each of these promises a million items; only what came is kept, so eight nested ones fit in nothing. */
	char text[200] = "";
	for (int i = 0; i < 8; i++)
		strcat(text, "*1000000\r\n");
	struct value_parser *p;
	struct buf in = {0};
	struct value *v;
	ck_assert_int_eq(value_parser_new(&p), 0);
	buf_append_text(&in, text);
	refuse_memory_after(20);
	int r = value_parse(p, &in, &v);
	refuse_memory_never();
	ck_assert_int_eq(r, 0);
	value_parser_free(p);
	buf_clear(&in);
}
END_TEST

START_TEST (too_many_items_are_refused) {
	struct value_parser *p;
	struct buf in = {0};
	struct value *v;
	ck_assert_int_eq(value_parser_new(&p), 0);
	buf_append_text(&in, "*2\r\n*2000000\r\n");
	for (int i = 0; i < 2000000; i++)
		buf_append(&in, "_\r\n", 3);
	buf_append_text(&in, "*100000\r\n");
	int r = value_parse(p, &in, &v);
	ck_assert_int_eq(r, 0);
	for (int i = 0; i < 100000; i++)
		buf_append(&in, "_\r\n", 3);
	ck_assert_int_eq(value_parse(p, &in, &v), -EPROTO);
	value_parser_free(p);
	buf_clear(&in);
}
END_TEST

START_TEST (maps_are_read_by_name_in_both_dialects) {
	static const char *const texts[] = {
	    "%2\r\n$2\r\nid\r\n$1\r\n7\r\n+state\r\n_\r\n", "*4\r\n$2\r\nid\r\n$1\r\n7\r\n+state\r\n$-1\r\n"};
	for (int i = 0; i < 2; i++) {
		struct value_parser *p;
		struct buf in = {0};
		struct value *v;
		ck_assert_int_eq(value_parser_new(&p), 0);
		buf_append_text(&in, texts[i]);
		ck_assert_int_eq(value_parse(p, &in, &v), 1);
		ck_assert_str_eq(value_get(v, "id")->text, "7");
		ck_assert_int_eq(value_get(v, "state")->type, VALUE_NULL);
		ck_assert_ptr_null(value_get(v, "7"));
		ck_assert_ptr_null(value_get(v, "i"));
		ck_assert_ptr_null(value_get(&v->items[0], "id"));
		value_free(v);
		value_parser_free(p);
		buf_clear(&in);
	}
}
END_TEST

START_TEST (refused_memory_is_reported_and_leaks_nothing) {
	for (long n = 0;; n++) {
		struct buf in = {0};
		struct value_parser *p = NULL;
		struct value *v = NULL;
		buf_append(&in, every_kind, sizeof every_kind - 1);
		refuse_memory_after(n);
		int r = value_parser_new(&p), count = 0;
		while (r == 0 && (r = value_parse(p, &in, &v)) == 1) {
			value_free(v);
			count++;
			r = 0;
			if (!in.len)
				break;
		}
		refuse_memory_never();
		value_parser_free(p);
		buf_clear(&in);
		if (r == 0) {
			ck_assert_int_eq(count, 15);
			ck_assert_int_gt(n, 20);
			return;
		}
		ck_assert_int_eq(r, -ENOMEM);
	}
}
END_TEST

START_TEST (requests_are_written_as_arrays) {
	struct buf out = {0};
	struct slice argv[] = {{"ORDER", 5}, {"", 0}, {"a\0b", 3}};
	ck_assert_int_eq(request_write(&out, 3, argv), 0);
	static const char expected[] = "*3\r\n$5\r\nORDER\r\n$0\r\n\r\n$3\r\na\0b\r\n";
	ck_assert_uint_eq(out.len, sizeof expected - 1);
	ck_assert_mem_eq(buf_bytes(&out), expected, out.len);
	char big[1000] = {0};
	argv[2] = (struct slice){big, sizeof big};
	refuse_memory_after(0);
	int r = request_write(&out, 3, argv);
	refuse_memory_never();
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(out.len, sizeof expected - 1);
	buf_clear(&out);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("value");
	tcase_add_test(t, every_kind_in_any_pieces);
	tcase_add_test(t, what_is_not_resp_is_refused);
	tcase_add_test(t, nesting_has_an_end);
	tcase_add_test(t, a_line_without_end_is_refused);
	tcase_add_test(t, announcements_allocate_nothing);
	tcase_add_test(t, too_many_items_are_refused);
	tcase_add_test(t, maps_are_read_by_name_in_both_dialects);
	tcase_add_test(t, refused_memory_is_reported_and_leaks_nothing);
	tcase_add_test(t, requests_are_written_as_arrays);
	return unit_run();
}
