/* Light steps against a real server, good answers and bad ones. */
#include "daemon/step/step.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/step/printable.h"
#include "tests/unit/step_world.h"
#include "tests/unit/unit.h"

/* ---- sleep ---- */

START_TEST (sleep_gives_way_as_often_as_told) {
	struct trial x;
	trial_init(&x, "/");
	x.step.kind = CONF_STEP_SLEEP;
	x.step.times = (char *)"3";
	for (int ms = 0; ms < 2; ms++) {
		x.step.sleep_ms = ms;
		memset(x.waited, 0, sizeof x.waited);
		trial_run(&x);
		ck_assert_int_eq(x.r, 0);
		ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
		ck_assert_str_eq(x.waited, "sss");
		trial_clear(&x);
	}
}
END_TEST

static int advance(void *arg)
{
	const int64_t *ms = arg;
	int r = await_sleep_ms(1);
	clock_test_advance(*ms * NS_PER_MS, *ms);
	return r;
}

START_TEST (sleep_ends_with_its_time) {
	struct trial x;
	int64_t ms = 1000;
	trial_init(&x, "/");
	x.step.kind = CONF_STEP_SLEEP;
	x.step.times = (char *)"2";
	x.step.sleep_ms = 100000;
	x.step.timeout_ms = 5000;
	x.try.budget_ms = 900;
	world_spawn("clock", advance, &ms);
	expect_failure(&x, CAUSE_TIMEOUT, false, "900 ms");
	ck_assert_int_ge(x.try.used_ms, 900);
}
END_TEST

/* ---- good answers ---- */

START_TEST (bodies_come_whole) {
	static const int sizes[] = {0, 1, 4095, 4096, 4097, 65537, 1 << 20};
	static const char *const kinds[] = {"/bytes", "/chunked", "/until-close"};
	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct trial x;
			char path[64];
			snprintf(path, sizeof path, "%s/%d", kinds[k], sizes[i]);
			trial_init(&x, path);
			expect_result(&x, (size_t)sizes[i]);
			ck_assert_str_eq(x.waited, "h");
		}
	}
}
END_TEST

START_TEST (connections_are_used_again) {
	struct steps_stats stats;
	for (int i = 0; i < 10; i++) {
		struct trial x;
		trial_init(&x, "/bytes/10");
		expect_result(&x, 10);
	}
	struct trial x;
	trial_init(&x, "/status/500");
	expect_failure(&x, CAUSE_HTTP, false, "500");
	ck_assert_int_eq(step_server_counts(world_server).connections, 1);
	ck_assert_int_eq(step_server_counts(world_server).requests, 11);
	steps_stats_get(world_steps, &stats);
	ck_assert_uint_eq(stats.requests, 11);
	ck_assert_uint_eq(stats.reused, 10);
	ck_assert_uint_eq(stats.failed, 1);
	ck_assert_uint_eq(stats.lookups, 0);
}
END_TEST

START_TEST (at_most_once_takes_no_connection_that_may_be_dead) {
	for (int i = 0; i < 3; i++) {
		struct trial x;
		trial_init(&x, "/bytes/10");
		x.recipe.at_most_once = true;
		expect_result(&x, 10);
	}
	ck_assert_int_eq(step_server_counts(world_server).connections, 3);
}
END_TEST

/* The request as the server saw it. */
static void run_echo(struct trial *x, char out[static 8192])
{
	trial_run(x);
	ck_assert_int_eq(x->r, 0);
	ck_assert_msg(x->try.outcome.cause == CAUSE_NONE, "%s", x->try.outcome.message);
	ck_assert_uint_lt(x->try.outcome.result_len, 8192);
	memcpy(out, x->try.outcome.result, x->try.outcome.result_len);
	out[x->try.outcome.result_len] = '\0';
	trial_clear(x);
}

START_TEST (requests_are_sent_as_written) {
	struct trial x;
	char seen[8192];
	struct conf_pair headers[] = {{(char *)"X-Empty", (char *)""}, {(char *)"X-Cake", (char *)"sponge"},
	    {(char *)"Transfer-Encoding", (char *)"chunked"}};
	trial_init(&x, "/echo?a=b#c");
	x.step.http.method = (char *)"PUT";
	x.step.http.body = (char *)"flour and eggs";
	x.step.http.headers = headers;
	x.step.http.header_count = 3;
	run_echo(&x, seen);
	ck_assert_ptr_eq(strstr(seen, "PUT /echo?a=b HTTP/1.1\r\n"), seen);
	ck_assert_ptr_nonnull(strstr(seen, "\r\nX-Empty:\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nX-Cake: sponge\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nContent-Length: 14\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nUser-Agent: bakery/"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nIdempotency-Key: 7-http\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\n\r\nflour and eggs"));
	ck_assert_ptr_null(strstr(seen, "Transfer-Encoding"));
	ck_assert_ptr_null(strstr(seen, "Expect"));
	ck_assert_ptr_null(strstr(seen, "Cookie"));

	trial_init(&x, "/echo");
	x.step.http.method = (char *)"POST";
	run_echo(&x, seen);
	ck_assert_ptr_nonnull(strstr(seen, "\r\nContent-Length: 0\r\n"));
	ck_assert_ptr_null(strstr(seen, "Content-Type"));

	trial_init(&x, "/echo");
	x.step.http.method = (char *)"DELETE";
	run_echo(&x, seen);
	ck_assert_ptr_eq(strstr(seen, "DELETE /echo HTTP/1.1\r\n"), seen);
	ck_assert_ptr_null(strstr(seen, "Content-Length"));

	trial_init(&x, "/bytes/99");
	x.step.http.method = (char *)"HEAD";
	expect_result(&x, 0);
}
END_TEST

START_TEST (a_big_body_is_sent_at_once) {
	static char body[200001];
	struct trial x;
	memset(body, 'e', 200000);
	trial_init(&x, "/echo");
	x.step.http.method = (char *)"POST";
	x.step.http.body = body;
	trial_run(&x);
	ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
	ck_assert_uint_gt(x.try.outcome.result_len, 200000);
	ck_assert_mem_eq(x.try.outcome.result + x.try.outcome.result_len - 200000, body, 200000);
	ck_assert_ptr_null(memmem(x.try.outcome.result, 300, "Expect", 6));
	trial_clear(&x);
}
END_TEST

START_TEST (informational_answers_are_passed_over) {
	struct trial x;
	trial_init(&x, "/continue");
	trial_run(&x);
	ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
	ck_assert_uint_eq(x.try.outcome.result_len, 2);
	trial_clear(&x);
}
END_TEST

/* ---- statuses ---- */

START_TEST (each_status_has_its_meaning) {
	for (int status = 200; status < 600; status++) {
		struct trial x;
		char path[64], text[64];
		bool retried = status == 408 || status == 425 || status == 429 || status >= 500;
		snprintf(path, sizeof path, "/status/%d?17", status);
		snprintf(text, sizeof text, "status %d", status);
		trial_init(&x, path);
		if (status < 300) {
			trial_run(&x);
			ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
			trial_clear(&x);
			continue;
		}
		expect_failure(&x, CAUSE_HTTP, !retried, text);
		ck_assert_int_eq(x.try.outcome.retry_after_ms, retried ? 17000 : 0);
	}
}
END_TEST

START_TEST (what_is_expected_is_well) {
	struct trial x;
	trial_init(&x, "/status/404");
	memset(x.step.http.expect, 0, sizeof x.step.http.expect);
	x.step.http.expect[404] = true;
	trial_run(&x);
	ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
	ck_assert_str_eq(x.try.outcome.result_len ? "body" : "", "body");
	trial_clear(&x);
	memset(x.step.http.expect, 0, sizeof x.step.http.expect);
	x.step.http.expect[201] = true;
	expect_failure(&x, CAUSE_HTTP, true, "404: trouble NUMBER <404>");
	trial_init(&x, "/bytes/3");
	memset(x.step.http.expect, 0, sizeof x.step.http.expect);
	expect_failure(&x, CAUSE_HTTP, true, "status 200: abc");
}
END_TEST

START_TEST (retry_after_is_seconds_or_a_date) {
	static const struct {
		const char *value;
		int64_t least, most;
	} cases[] = {{"0", 0, 0}, {"120", 120000, 120000}, {"99999999999999999999", 1000000, INT64_MAX},
	    {"soon", 0, 0}, {"-5", 0, 0}, {"1.5", 0, 0}, {"Sun,+06+Nov+1994+08:49:37+GMT", 0, 0}, {"", 0, 0}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial x;
		char path[128];
		snprintf(path, sizeof path, "/status/503?%s", cases[i].value);
		trial_init(&x, path);
		expect_failure(&x, CAUSE_HTTP, false, "503");
		ck_assert_int_ge(x.try.outcome.retry_after_ms, cases[i].least);
		ck_assert_int_le(x.try.outcome.retry_after_ms, cases[i].most);
	}
	/* A date, two minutes from now. */
	struct trial x;
	char path[128] = "/status/429?";
	time_t then = (time_t)(clock_wall_ms() / 1000 + 120);
	struct tm tm;
	strftime(path + strlen(path), 64, "%a,+%d+%b+%Y+%H:%M:%S+GMT", gmtime_r(&then, &tm));
	trial_init(&x, path);
	expect_failure(&x, CAUSE_HTTP, false, "429");
	ck_assert_int_gt(x.try.outcome.retry_after_ms, 0);
	ck_assert_int_le(x.try.outcome.retry_after_ms, 120000);
}
END_TEST

/* ---- bad answers ---- */

START_TEST (what_is_no_whole_answer_may_be_tried_again) {
	static const char *const cases[][2] = {{"/early", "before the end"}, {"/nothing", "before an answer"},
	    {"/garbage", "not HTTP"}, {"/headers", "headers are too long"}, {"/line", "too long"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial x;
		trial_init(&x, cases[i][0]);
		expect_failure(&x, CAUSE_HTTP, false, cases[i][1]);
	}
}
END_TEST

START_TEST (too_long_an_answer_fails_for_good_and_is_given_up) {
	static const char *const paths[] = {
	    "/bytes/1048577", "/chunked/1048577", "/endless", "/bytes/99999999"};
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct trial x;
		trial_init(&x, paths[i]);
		expect_failure(&x, CAUSE_HTTP, true, "longer than result_max, 1048576 bytes");
	}
	struct trial x;
	trial_init(&x, "/bytes/1");
	x.step.http.result_max = 0;
	expect_failure(&x, CAUSE_HTTP, true, "longer than result_max");
}
END_TEST

START_TEST (nobody_listens) {
	struct trial x;
	trial_init(&x, "http://127.0.0.1:1/");
	expect_failure(&x, CAUSE_HTTP, false, "GET http://127.0.0.1:1/: cannot connect: Connection refused");
	trial_init(&x, "http://[::1]:1/");
	expect_failure(&x, CAUSE_HTTP, false, "GET http://[::1]:1/: cannot connect");
}
END_TEST

START_TEST (only_http) {
	static const char *const urls[] = {
	    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "nonsense"};
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct trial x;
		trial_init(&x, urls[i]);
		expect_failure(&x, CAUSE_PARAMS, true, "URL");
	}
}
END_TEST

START_TEST (secrets_of_the_url_are_not_told) {
	struct trial x;
	char url[256];
	snprintf(url, sizeof url, "http://me:secret@127.0.0.1:%u/status/404?key=secret",
	    step_server_port(world_server));
	trial_init(&x, url);
	trial_run(&x);
	ck_assert_ptr_nonnull(strstr(x.try.outcome.message, "/status/404: status 404"));
	ck_assert_ptr_null(strstr(x.try.outcome.message, "secret"));
	trial_clear(&x);
}
END_TEST

/* ---- redirects ---- */

START_TEST (redirects_are_off_unless_asked_for) {
	struct trial x;
	trial_init(&x, "/to/302?/bytes/5");
	expect_failure(&x, CAUSE_HTTP, true, "status 302 to http://127.0.0.1:");
	ck_assert_int_eq(step_server_counts(world_server).requests, 1);
}
END_TEST

START_TEST (redirects_are_followed) {
	static const char *const paths[] = {"/to/301?/bytes/5", "/to/302?bytes/../../bytes/5",
	    "/to/303?/bytes/5", "/to/307?/bytes/5", "/to/308?/to/307?/bytes/5"};
	char url[256];
	struct trial x;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		trial_init(&x, paths[i]);
		x.step.http.redirects = 2;
		expect_result(&x, 5);
	}
	snprintf(url, sizeof url, "/to/302?http://127.0.0.1:%u/bytes/5", step_server_port(world_server));
	trial_init(&x, url);
	x.step.http.redirects = 1;
	expect_result(&x, 5);
}
END_TEST

START_TEST (redirects_that_lead_nowhere_fail_for_good) {
	static const char *const cases[][2] = {{"/to/302?file:///etc/passwd", "only http and https"},
	    {"/to/302?ftp://127.0.0.1/", "only http"},
	    {"/to/302?/to/302?/to/302?/to/302?/bytes/1", "more than 2 times"},
	    {"/to/304?/bytes/1", "status 304"}, {"/to/302?", "302"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial x;
		trial_init(&x, cases[i][0]);
		x.step.http.redirects = 2;
		expect_failure(&x, CAUSE_HTTP, true, cases[i][1]);
	}
}
END_TEST

/* A circle: to where it came from. */
START_TEST (a_circle_ends) {
	struct trial x;
	trial_init(&x, "/to/302?http://");
	x.step.http.redirects = 5;
	expect_failure(&x, CAUSE_HTTP, false, "redirected to what is no URL");
	trial_init(&x, "/to/302?302?");
	x.step.http.redirects = 5;
	expect_failure(&x, CAUSE_HTTP, true, "");
}
END_TEST

/* What another origin sees: it has its own server. */
START_TEST (another_origin_is_not_told_secrets) {
	struct step_server *other = step_server_start();
	struct conf_pair headers[] = {{(char *)"Authorization", (char *)"Bearer secret"},
	    {(char *)"Cookie", (char *)"secret=1"}, {(char *)"X-Api-Key", (char *)"secret"},
	    {(char *)"Host", (char *)"secret.example"}, {(char *)"Accept", (char *)"text/x-cake"}};
	struct trial x;
	char path[256], seen[8192];
	snprintf(path, sizeof path, "/to/307?http://127.0.0.1:%u/echo", step_server_port(other));
	trial_init(&x, path);
	x.step.http.redirects = 1;
	x.step.http.method = (char *)"POST";
	x.step.http.body = (char *)"eggs";
	x.step.http.headers = headers;
	x.step.http.header_count = 5;
	run_echo(&x, seen);
	ck_assert_ptr_eq(strstr(seen, "POST /echo"), seen);
	ck_assert_ptr_nonnull(strstr(seen, "\r\n\r\neggs"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nAccept: text/x-cake\r\n"));
	ck_assert_ptr_null(strstr(seen, "secret"));

	trial_init(&x, "/to/307?/echo");
	x.step.http.redirects = 1;
	x.step.http.headers = headers;
	x.step.http.header_count = 5;
	run_echo(&x, seen);
	ck_assert_ptr_nonnull(strstr(seen, "\r\nAuthorization: Bearer secret\r\n"));
	step_server_stop(other);
}
END_TEST

START_TEST (methods_change_as_they_must) {
	static const struct {
		const char *method, *path, *becomes;
	} cases[] = {{"POST", "/to/301?/echo", "GET"}, {"POST", "/to/302?/echo", "GET"},
	    {"POST", "/to/303?/echo", "GET"}, {"POST", "/to/307?/echo", "POST"},
	    {"POST", "/to/308?/echo", "POST"}, {"PUT", "/to/301?/echo", "PUT"},
	    {"PUT", "/to/303?/echo", "GET"}, {"DELETE", "/to/302?/echo", "DELETE"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial x;
		char seen[8192];
		trial_init(&x, cases[i].path);
		x.step.http.redirects = 1;
		x.step.http.method = (char *)cases[i].method;
		x.step.http.body = (char *)"eggs";
		run_echo(&x, seen);
		ck_assert_msg(strncmp(seen, cases[i].becomes, strlen(cases[i].becomes)) == 0, "%s: %s",
		    cases[i].path, seen);
		bool keeps = strcmp(cases[i].method, cases[i].becomes) == 0;
		ck_assert_int_eq(strstr(seen, "eggs") != NULL, keeps);
		ck_assert_int_eq(strstr(seen, "Content-Type") != NULL, keeps);
		ck_assert_int_eq(strstr(seen, "Content-Length") != NULL, keeps);
	}
}
END_TEST

/* ---- what people read ---- */

START_TEST (bodies_are_made_printable) {
	static const struct {
		const char *bytes;
		size_t n;
		const char *text;
	} cases[] = {{"", 0, ""}, {" \r\n\t ", 5, ""}, {"  a\n\n b\t", 8, "a b"},
	    {"a\0b\x7f"
	     "c",
		5, "a b c"},
	    {"\033[31mred", 8, "[31mred"},
	    {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\x82", 14, "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8E\x82"},
	    {"\xC3", 1, "?"}, {"\xC0\x80", 2, "??"}, {"\xC2\x85", 2, "??"}, {"\xED\xA0\x80", 3, "???"},
	    {"\xF4\x90\x80\x80", 4, "????"}, {"\xE2\x82", 2, "??"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[PRINTABLE_MAX(64)];
		printable(cases[i].bytes, cases[i].n, out);
		ck_assert_str_eq(out, cases[i].text);
	}
}
END_TEST

/* The most that these tasks used of their stacks: the highest mark must leave half. */
static void check_mark(void *arg, const char *name, uint32_t stack_bytes, uint32_t used_bytes)
{
	*(bool *)arg = true;
	ck_assert_msg(used_bytes <= stack_bytes / 2, "%s used %u of %u", name, used_bytes, stack_bytes);
}

START_TEST (half_of_the_stack_is_left) {
	static const char *const paths[] = {"/bytes/100000", "/to/302?/status/503", "/garbage"};
	bool seen = false;
	task_measure_stacks(true);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct trial x;
		char url[128];
		snprintf(url, sizeof url, "http://localhost:%u%s", step_server_port(world_server), paths[i]);
		trial_init(&x, url);
		x.step.http.redirects = 1;
		trial_run(&x);
		trial_clear(&x);
	}
	task_each_mark(check_mark, &seen);
	ck_assert(seen);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("sleep");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, sleep_gives_way_as_often_as_told);
	tcase_add_test(t, sleep_ends_with_its_time);
	t = unit_case("answers");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, bodies_come_whole);
	tcase_add_test(t, connections_are_used_again);
	tcase_add_test(t, at_most_once_takes_no_connection_that_may_be_dead);
	tcase_add_test(t, requests_are_sent_as_written);
	tcase_add_test(t, a_big_body_is_sent_at_once);
	tcase_add_test(t, informational_answers_are_passed_over);
	tcase_add_test(t, each_status_has_its_meaning);
	tcase_add_test(t, what_is_expected_is_well);
	tcase_add_test(t, retry_after_is_seconds_or_a_date);
	tcase_add_test(t, bodies_are_made_printable);
	tcase_add_test(t, half_of_the_stack_is_left);
	t = unit_case("bad answers");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, what_is_no_whole_answer_may_be_tried_again);
	tcase_add_test(t, too_long_an_answer_fails_for_good_and_is_given_up);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, only_http);
	tcase_add_test(t, secrets_of_the_url_are_not_told);
	t = unit_case("redirects");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, redirects_are_off_unless_asked_for);
	tcase_add_test(t, redirects_are_followed);
	tcase_add_test(t, redirects_that_lead_nowhere_fail_for_good);
	tcase_add_test(t, a_circle_ends);
	tcase_add_test(t, another_origin_is_not_told_secrets);
	tcase_add_test(t, methods_change_as_they_must);
	return unit_run();
}
