/* The request parser: the same requests come out however the bytes arrive; limits hold exactly; what is over
 * them is skipped; hostile bytes close. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/request.h"
#include "proto/value.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

static const struct request_limits open_limits = {
    .args = 4096, .arg_bytes = 1 << 20, .request_bytes = 16 << 20, .inline_bytes = 4096, .inline_all = true};
static const struct request_limits tcp_limits = {
    .args = 4096, .arg_bytes = 1 << 20, .request_bytes = 16 << 20, .inline_bytes = 64, .inline_all = false};
static const struct request_limits guest_limits = {
    .args = 10, .arg_bytes = 16384, .request_bytes = 65536, .inline_bytes = 64, .inline_all = false};

static struct request_parser *parser;
static struct buf input;

static void set_up(void)
{
	ck_assert_int_eq(request_parser_new(&parser), 0);
}

static void tear_down(void)
{
	request_parser_free(parser);
	buf_clear(&input);
}

static void restart(void)
{
	tear_down();
	set_up();
}

/* Everything that comes out of the bytes so far, as text: a request is its arguments in <>, "big:" before one
 * over its limit. */
static enum request_status drain(const struct request_limits *limits, struct buf *to)
{
	struct request r;
	enum request_status s;
	while ((s = request_parse(parser, &input, limits, &r)) == REQUEST_READY) {
		if (r.toobig)
			buf_append_text(to, "big:");
		for (uint32_t i = 0; i < r.argc; i++) {
			buf_append_text(to, "<");
			buf_append(to, r.argv[i].data, r.argv[i].len);
			buf_append_text(to, ">");
		}
		buf_append_text(to, ";");
		request_done(parser, &input);
	}
	if (s != REQUEST_MORE)
		buf_append_text(to, s == REQUEST_BROKEN    ? "broken"
				    : s == REQUEST_FOREIGN ? "foreign"
							   : "nomem");
	return s;
}

/* Feeds the bytes in two pieces, or one by one when cut is beyond them. */
static char *parse_in_pieces(const char *bytes, size_t len, size_t cut, const struct request_limits *limits)
{
	static char text[8192];
	struct buf to = {0};
	restart();
	enum request_status s = REQUEST_MORE;
	for (size_t at = 0; at < len && s == REQUEST_MORE;) {
		size_t n = cut > len ? 1 : at < cut ? cut - at : len - at;
		buf_append(&input, bytes + at, n);
		at += n;
		s = drain(limits, &to);
	}
	if (s == REQUEST_MORE && !request_parser_idle(parser, &input))
		buf_append_text(&to, "…");
	ck_assert_uint_lt(to.len, sizeof text);
	memcpy(text, buf_bytes(&to), to.len);
	text[to.len] = '\0';
	buf_clear(&to);
	return text;
}

static char *parse_text(const char *text, const struct request_limits *limits)
{
	return parse_in_pieces(text, strlen(text), 0, limits);
}

static void append_request(struct buf *b, size_t args, size_t arg_bytes)
{
	buf_printf(b, "*%zu\r\n", args);
	for (size_t i = 0; i < args; i++) {
		buf_printf(b, "$%zu\r\n", arg_bytes);
		char *at = buf_reserve(b, arg_bytes);
		memset(at, 'a', arg_bytes);
		buf_commit(b, arg_bytes);
		buf_append_text(b, "\r\n");
	}
}

START_TEST (every_split_gives_the_same) {
	static const char stream[] = "*2\r\n$6\r\nSTATUS\r\n$2\r\n42\r\n"
				     "*0\r\n*-1\r\n\r\n\n"
				     "PING\r\n"
				     "*3\r\n$5\r\nORDER\r\n$0\r\n\r\n$4\r\n\r\n$1\r\n"
				     "STATUS \"4\\x32\" 'a\\'b' \"x y\"\n"
				     "*2\r\n$3\r\nBIG\r\n$1048577\r\n";
	static const char expected[] = "<STATUS><42>;<PING>;<ORDER><><\r\n$1>;<STATUS><42><a'b><x y>;…";
	size_t len = sizeof stream - 1;
	for (size_t cut = 0; cut <= len + 1; cut++)
		ck_assert_str_eq(parse_in_pieces(stream, len, cut, &open_limits), expected);
}
END_TEST

START_TEST (arguments_are_not_copied) {
	struct request r;
	buf_append_text(&input, "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n");
	ck_assert_int_eq(request_parse(parser, &input, &open_limits, &r), REQUEST_READY);
	ck_assert_ptr_eq(r.argv[0].data, buf_bytes(&input) + 8);
	ck_assert_ptr_eq(r.argv[1].data, buf_bytes(&input) + 18);
	ck_assert(!request_parser_idle(parser, &input));
	request_done(parser, &input);
	ck_assert(request_parser_idle(parser, &input));
}
END_TEST

START_TEST (limits_are_exact) {
	static const struct {
		size_t args, arg_bytes;
		bool toobig;
	} rows[] = {{10, 5, false}, {11, 5, true}, {1, 16384, false}, {1, 16385, true}, {3, 16384, false},
	    {4, 16384, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct request r;
		restart();
		append_request(&input, rows[i].args, rows[i].arg_bytes);
		buf_append_text(&input, "*1\r\n$4\r\nPING\r\n");
		ck_assert_int_eq(request_parse(parser, &input, &guest_limits, &r), REQUEST_READY);
		ck_assert_int_eq(r.toobig, rows[i].toobig);
		if (!r.toobig)
			ck_assert_uint_eq(r.argc, rows[i].args);
		else
			ck_assert_uint_gt(strlen(r.why), 10);
		request_done(parser, &input);
		ck_assert_int_eq(request_parse(parser, &input, &guest_limits, &r), REQUEST_READY);
		ck_assert(!r.toobig);
		ck_assert_uint_eq(r.argc, 1);
		request_done(parser, &input);
	}
}
END_TEST

START_TEST (the_whole_request_has_a_limit) {
	/* *1 CR LF $len CR LF … CR LF: 65536 bytes in all, and one more. */
	struct request_limits limits = guest_limits;
	limits.arg_bytes = 1 << 20;
	for (size_t over = 0; over < 2; over++) {
		struct request r;
		restart();
		append_request(&input, 1, 65536 - 4 - 8 - 2 + over);
		ck_assert_uint_eq(input.len, 65536 + over);
		ck_assert_int_eq(request_parse(parser, &input, &limits, &r), REQUEST_READY);
		ck_assert_int_eq(r.toobig, over == 1);
		request_done(parser, &input);
		ck_assert_uint_eq(input.len, 0);
	}
}
END_TEST

START_TEST (oversize_is_skipped_byte_for_byte) {
	/* The payload looks like requests; none of them may run, and the next real one must. In pieces of every size. */
	static const char fake[] = "\r\n*1\r\n$8\r\nSHUTDOWN\r\n";
	for (size_t piece = 1; piece < 200; piece++) {
		struct buf bytes = {0}, to = {0};
		restart();
		buf_append_text(&bytes, "*3\r\n$5\r\nORDER\r\n$20000\r\n");
		for (int i = 0; i < 20000 / 20; i++)
			buf_append(&bytes, fake, 20);
		buf_append_text(&bytes, "\r\n$3\r\nend\r\n*1\r\n$4\r\nPING\r\n");
		size_t most = 0;
		for (size_t at = 0; at < bytes.len; at += piece) {
			buf_append(
			    &input, buf_bytes(&bytes) + at, piece < bytes.len - at ? piece : bytes.len - at);
			drain(&guest_limits, &to);
			most = input.len > most ? input.len : most;
		}
		ck_assert_uint_eq(to.len, strlen("big:<ORDER>;<PING>;"));
		ck_assert_mem_eq(buf_bytes(&to), "big:<ORDER>;<PING>;", to.len);
		ck_assert_uint_lt(most, 64); /* nothing of it was kept */
		buf_clear(&bytes);
		buf_clear(&to);
	}
}
END_TEST

START_TEST (oversize_names_the_limit) {
	struct request r;
	append_request(&input, 11, 1);
	ck_assert_int_eq(request_parse(parser, &input, &guest_limits, &r), REQUEST_READY);
	ck_assert_str_eq(r.why, "11 arguments, at most 10 are allowed");
	ck_assert_uint_eq(r.argc, 1);
	request_done(parser, &input);
	append_request(&input, 2, 16385);
	ck_assert_int_eq(request_parse(parser, &input, &guest_limits, &r), REQUEST_READY);
	ck_assert_str_eq(r.why, "argument 1 has 16385 bytes, at most 16384 are allowed");
	ck_assert_uint_eq(r.argc, 0);
	request_done(parser, &input);
	append_request(&input, 9, 8000);
	ck_assert_int_eq(request_parse(parser, &input, &guest_limits, &r), REQUEST_READY);
	ck_assert_str_eq(r.why, "the request has more than 65536 bytes");
	request_done(parser, &input);
}
END_TEST

START_TEST (an_absurd_announcement_is_broken_at_once) {
	static const char *const heads[] = {
	    "*1\r\n$4194304\r\n", "*699051\r\n", "*2147483648\r\n", "*1\r\n$9223372036854775807\r\n"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		ck_assert_msg(strcmp(parse_text(heads[i], &guest_limits), "broken") == 0, "%s", heads[i]);
	ck_assert_str_eq(parse_text("*1\r\n$4194000\r\n", &guest_limits), "…");
	/* It also holds for the sum of many arguments that are fine alone. */
	restart();
	struct buf to = {0};
	buf_append_text(&input, "*600000\r\n");
	enum request_status s = REQUEST_MORE;
	int n = 0;
	for (; n < 1000 && s == REQUEST_MORE; n++) {
		buf_append_text(&input, "$10000\r\n");
		memset(buf_reserve(&input, 10000), 'x', 10000);
		buf_commit(&input, 10000);
		buf_append_text(&input, "\r\n");
		s = drain(&guest_limits, &to);
	}
	ck_assert_int_eq(s, REQUEST_BROKEN);
	ck_assert_int_eq(n, 420); /* 4 MiB / 10,010 */
	buf_clear(&to);
}
END_TEST

START_TEST (broken_framing_is_named) {
	static const struct {
		const char *bytes, *error;
	} rows[] = {
	    {"*1\r\n:5\r\n", "Protocol error: expected '$', got ':'"},
	    {"*1\r\n\x01", "Protocol error: expected '$', got '?'"},
	    {"*1\r\n$-1\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$-\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$+5\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$5 \r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$5\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$5\rx", "Protocol error: invalid bulk length"},
	    {"*1\r\n$99999999999999999999\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$18446744073709551615\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$9223372036854775808\r\n", "Protocol error: invalid bulk length"},
	    {"*1\r\n$00000000000000000000000000", "Protocol error: invalid bulk length"},
	    {"*-2\r\n", "Protocol error: invalid multibulk length"},
	    {"*x\r\n", "Protocol error: invalid multibulk length"},
	    {"*\r\n", "Protocol error: invalid multibulk length"},
	    {"*99999999999999999999\r\n", "Protocol error: invalid multibulk length"},
	    {"*4294967296\r\n", "Protocol error: invalid multibulk length"},
	    {"*1\r\n$4\r\nPINGxx", "Protocol error: expected CRLF after an argument"},
	    {"$4\r\nPING\r\n", "Protocol error: expected '*', got '$'"},
	    {"+OK\r\n", "Protocol error: expected '*', got '+'"},
	    {"\xff\xfe", "Protocol error: expected '*', got '?'"},
	    {"STATUS 'abc\r\n", "Protocol error: unbalanced quotes in request"},
	    {"STATUS \"abc\"d\r\n", "Protocol error: unbalanced quotes in request"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
			size_t len = strlen(rows[i].bytes);
			const char *got = parse_in_pieces(
			    rows[i].bytes, len, one_by_one ? len + 1 : 0, &open_limits);
			ck_assert_msg(strcmp(got, "broken") == 0, "%s: %s", rows[i].bytes, got);
			ck_assert_str_eq(request_error(parser), rows[i].error);
			struct request r;
			buf_append_text(&input, "*1\r\n$4\r\nPING\r\n");
			ck_assert_int_eq(request_parse(parser, &input, &open_limits, &r), REQUEST_BROKEN);
		}
	}
}
END_TEST

START_TEST (broken_framing_is_noticed_while_skipping) {
	struct buf to = {0};
	append_request(&input, 1, 20000);
	input.data[input.off + input.len - 2] = 'x';
	ck_assert_int_eq(drain(&guest_limits, &to), REQUEST_BROKEN);
	ck_assert_uint_eq(to.len, strlen("broken"));
	buf_clear(&to);
}
END_TEST

START_TEST (tls_and_http_run_nothing) {
	static const char *const rows[] = {
	    "\x16\x03\x01\x02",
	    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n*1\r\n$4\r\nPING\r\n",
	    "get /x HTTP/1.0\r\n",
	    "POST / HTTP/1.1\r\n*1\r\n$4\r\nPING\r\n",
	    "POST\r\n",
	    "PUT http://x/ HTTP/1.1\r\n",
	    "OPTIONS * HTTP/1.1\r\n",
	    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	    "BREW /pot HTTP/1.1\r\n",
	    "Host: 127.0.0.1:2253\r\n",
	    "content-length: 5\r\n",
	};
	const struct request_limits *limits[] = {&open_limits, &tcp_limits, &guest_limits};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = strlen(rows[i]);
		for (size_t k = 0; k < 3; k++) {
			for (size_t cut = 0; cut <= len + 1; cut++) {
				const char *got = parse_in_pieces(rows[i], len, cut, limits[k]);
				ck_assert_msg(strcmp(got, "foreign") == 0, "%s: %s", rows[i], got);
			}
		}
	}
	/* A long line is seen for what it is before it ends. */
	char line[5000] = "GET /";
	memset(line + 5, 'a', sizeof line - 6);
	ck_assert_str_eq(parse_text(line, &guest_limits), "foreign");
	ck_assert_str_eq(parse_text(line, &open_limits), "foreign");
	/* After requests that were fine, too. */
	ck_assert_str_eq(parse_text("PING\r\nPOST / HTTP/1.1\r\nPING\r\n", &tcp_limits), "<PING>;foreign");
}
END_TEST

START_TEST (inline_is_for_people) {
	ck_assert_str_eq(
	    parse_text("ping\r\nQuit\nPING hello\r\n", &tcp_limits), "<ping>;<Quit>;<PING><hello>;");
	ck_assert_str_eq(parse_text("STATUS 1\r\n", &tcp_limits), "broken");
	ck_assert_str_eq(request_error(parser), "Protocol error: expected '*', got 'S'");
	ck_assert_str_eq(parse_text("PINGS\r\n", &tcp_limits), "broken");
	ck_assert_str_eq(parse_text("GET foo\r\n", &open_limits), "<GET><foo>;");
	ck_assert_str_eq(parse_text("ORDER run \"\\x41\\n\\t\\q\\\"\" \"\" ''\r\n", &open_limits),
	    "<ORDER><run><A\n\tq\"><><>;");
	ck_assert_str_eq(parse_text("A \"\\x4\" \"\\xzz\"\r\n", &open_limits), "<A><x4><xzz>;");
	struct request_limits none = open_limits;
	none.inline_bytes = 0;
	ck_assert_str_eq(parse_text("PING\r\n", &none), "broken");
	ck_assert_str_eq(parse_text("\r\n*1\r\n$1\r\na\r\n", &none), "<a>;");
}
END_TEST

START_TEST (inline_lines_have_limits) {
	char line[5000];
	for (size_t over = 0; over < 2; over++) {
		memset(line, 'a', sizeof line);
		snprintf(line + 4095 + over, 3, "\r\n");
		const char *got = parse_text(line, &open_limits);
		if (over)
			ck_assert_str_eq(got, "broken");
		else
			ck_assert_uint_eq(strlen(got), 4095 + 3);
	}
	memset(line, 'a', sizeof line);
	line[4100] = '\0';
	ck_assert_str_eq(parse_text(line, &open_limits), "broken");
	ck_assert_str_eq(parse_text("PING 1 2 3 4 5 6 7 8 9\r\nPING\r\n", &guest_limits),
	    "<PING><1><2><3><4><5><6><7><8><9>;<PING>;");
	ck_assert_str_eq(
	    parse_text("PING 1 2 3 4 5 6 7 8 9 10\r\nPING\r\n", &guest_limits), "big:<PING>;<PING>;");
}
END_TEST

START_TEST (memory_follows_what_came) {
	size_t before = request_parser_memory(parser);
	struct buf to = {0};
	buf_append_text(&input, "*4000\r\n$1\r\na\r\n");
	drain(&open_limits, &to);
	ck_assert_uint_le(request_parser_memory(parser), before + 1024);
	for (int i = 1; i < 4000; i++)
		buf_append_text(&input, "$1\r\na\r\n");
	drain(&open_limits, &to);
	ck_assert_uint_eq(to.len, 4000 * 3 + 1);
	ck_assert_uint_le(request_parser_memory(parser), before + 1024);
	buf_clear(&to);
}
END_TEST

START_TEST (refused_memory_is_reported) {
	struct request_parser *none = NULL;
	refuse_memory_after(0);
	int made = request_parser_new(&none);
	refuse_memory_never();
	ck_assert_int_eq(made, -ENOMEM);
	ck_assert_ptr_null(none);
	for (long n = 0;; n++) {
		struct request r;
		restart();
		append_request(&input, 40, 3);
		refuse_memory_after(n);
		enum request_status s = request_parse(parser, &input, &open_limits, &r);
		refuse_memory_never();
		if (s == REQUEST_READY) {
			ck_assert_uint_eq(r.argc, 40);
			ck_assert_int_eq(n, 8);
			break;
		}
		ck_assert_int_eq(s, REQUEST_NOMEM);
		/* With memory it would have gone on from there. */
		ck_assert_int_eq(request_parse(parser, &input, &open_limits, &r), REQUEST_READY);
		ck_assert_uint_eq(r.argc, 40);
	}
}
END_TEST

START_TEST (a_deep_pipeline_in_odd_pieces) {
	struct buf stream = {0}, to = {0};
	for (int i = 0; i < 1000; i++) {
		char text[20];
		int len = snprintf(text, sizeof text, "%d", i);
		struct slice argv[] = {{"STATUS", 6}, {text, (size_t)len}};
		ck_assert_int_eq(request_write(&stream, 2, argv), 0);
	}
	for (size_t piece = 1; piece < 100; piece += 7) {
		restart();
		to.len = 0;
		for (size_t at = 0; at < stream.len; at += piece) {
			buf_append(&input, buf_bytes(&stream) + at,
			    piece < stream.len - at ? piece : stream.len - at);
			ck_assert_int_eq(drain(&open_limits, &to), REQUEST_MORE);
		}
		size_t at = 0;
		for (int i = 0; i < 1000; i++) {
			char expected[40];
			int len = snprintf(expected, sizeof expected, "<STATUS><%d>;", i);
			ck_assert_mem_eq(buf_bytes(&to) + at, expected, (size_t)len);
			at += (size_t)len;
		}
		ck_assert_uint_eq(at, to.len);
	}
	buf_clear(&stream);
	buf_clear(&to);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("request");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, every_split_gives_the_same);
	tcase_add_test(t, arguments_are_not_copied);
	tcase_add_test(t, limits_are_exact);
	tcase_add_test(t, the_whole_request_has_a_limit);
	tcase_add_test(t, oversize_is_skipped_byte_for_byte);
	tcase_add_test(t, oversize_names_the_limit);
	tcase_add_test(t, an_absurd_announcement_is_broken_at_once);
	tcase_add_test(t, broken_framing_is_named);
	tcase_add_test(t, broken_framing_is_noticed_while_skipping);
	tcase_add_test(t, tls_and_http_run_nothing);
	tcase_add_test(t, inline_is_for_people);
	tcase_add_test(t, inline_lines_have_limits);
	tcase_add_test(t, memory_follows_what_came);
	tcase_add_test(t, refused_memory_is_reported);
	tcase_add_test(t, a_deep_pipeline_in_odd_pieces);
	return unit_run();
}
