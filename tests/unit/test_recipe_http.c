/* HTTP requests made of recipes: each value stays a value, wherever it is put. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/recipe_world.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char *)(s))

static struct conf *conf;
static struct conf_recipe recipe;
static struct conf_step steps[2];
static struct conf_http *const http = &steps[1].http;
static struct recipe_result results[2];
static struct recipe_values values;
static struct recipe_request request;
static char why[256];

/* The recipe's first step is gather, the second is the request of these tests. params: YAML (in {}); NULL: the payload is opaque. */
static void begin(const char *params)
{
	char yaml[1000];
	snprintf(yaml, sizeof yaml, "    %s%s\n    run: [x]\n", params ? "params: " : "description: x",
	    params ? params : "");
	conf = conf_of(yaml);
	recipe = conf->recipes[0];
	recipe.steps = steps;
	recipe.step_count = 2;
	steps[0] = (struct conf_step){.name = TEXT("gather"), .kind = CONF_STEP_SLEEP};
	steps[1] = (struct conf_step){.name = TEXT("post"),
	    .kind = CONF_STEP_HTTP,
	    .http = {.method = TEXT("POST"), .url = TEXT("http://h/")},
	    .uses = 1};
	results[0] = (struct recipe_result){.present = true, .bytes = slice("eggs")};
	values = (struct recipe_values){
	    .order = 1234567890123, .attempt = 2, .worker = 3, .payload = slice("{}"), .results = results};
}

static void expand(void)
{
	why[0] = 0;
	ck_assert_msg(recipe_expand_http(&recipe, &steps[1], &values, &request, why) == 0, "%s", why);
}

static void expect_refused(const char *reason)
{
	ck_assert_int_eq(recipe_expand_http(&recipe, &steps[1], &values, &request, why), -EINVAL);
	ck_assert_str_eq(why, reason);
}

static void expect_url(char *template, const char *payload, const char *url)
{
	http->url = template;
	values.payload = slice(payload);
	expand();
	ck_assert_str_eq(request.url, url);
	recipe_request_clear(&request);
}

static void expect_json(char *template, const char *body)
{
	http->json = template;
	expand();
	ck_assert_ptr_nonnull(request.body);
	ck_assert_msg(request.body_len == strlen(body) && memcmp(request.body, body, request.body_len) == 0,
	    "%s: %.*s, not %s", template, (int)request.body_len, request.body, body);
	recipe_request_clear(&request);
}

START_TEST (a_plain_request) {
	begin("{}");
	http->method = TEXT("GET");
	expand();
	ck_assert_str_eq(request.method, "GET");
	ck_assert_str_eq(request.url, "http://h/");
	ck_assert_ptr_null(request.body);
	ck_assert_uint_eq(request.body_len, 0);
	ck_assert_str_eq(request.headers[0], "Idempotency-Key: 1234567890123-post");
	ck_assert_ptr_null(request.headers[1]);
	recipe_request_clear(&request);
	conf_free(conf);
}
END_TEST

/* ---- the URL ---- */

START_TEST (values_are_percent_encoded) {
	begin(
	    "{s: {type: string}, i: {type: integer, default: -7}, n: {type: number, default: 0.5}, b: {type: "
	    "boolean, default: true}}");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"az AZ-09._~\"}", "http://h/az%20AZ-09._~");
	expect_url(TEXT("http://h/{s}/x"), "{\"s\":\"../..\"}", "http://h/..%2F../x");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"%2F..%2F\"}", "http://h/%252F..%252F");
	expect_url(TEXT("http://h/?a={s}&b=1"), "{\"s\":\"1&b=2#x?y=+\\\\\"}",
	    "http://h/?a=1%26b%3D2%23x%3Fy%3D%2B%5C&b=1");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"@evil:80/\\r\\nHost: x\"}",
	    "http://h/%40evil%3A80%2F%0D%0AHost%3A%20x");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"\\u00fc\\u20ac\"}", "http://h/%C3%BC%E2%82%AC");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"{order.id}\"}", "http://h/%7Border.id%7D");
	expect_url(TEXT("http://h/{s}x"), "{}", "http://h/x");
	expect_url(TEXT("http://h/{i}/{n}/{b}"), "{}", "http://h/-7/0.5/true");
	expect_url(TEXT("http://h/{order.id}.{order.attempt}.{worker}?{step.gather}"), "{}",
	    "http://h/1234567890123.2.3?eggs");
	results[0].bytes = (struct slice){"a\0\xff/", 4};
	expect_url(TEXT("http://h/{step.gather}"), "{}", "http://h/a%00%FF%2F");
	conf_free(conf);

	begin(NULL);
	expect_url(TEXT("http://h/{payload}"), "a/\n", "http://h/a%2F%0A");
	conf_free(conf);
}
END_TEST

START_TEST (a_value_cannot_climb_out_of_its_path) {
	static char *const urls[] = {TEXT("http://h/{s}"), TEXT("http://h/cakes/{s}/eat"),
	    TEXT("http://h/cakes/{s}?x"), TEXT("http://h/cakes/{s}#x"), TEXT("http://h/cakes/{s}{t}"),
	    TEXT("http://h/cakes/.{t}"), TEXT("http://h/cakes/%2e{t}"), TEXT("http://h/cakes/%2E{s}/eat")};
	begin("{s: {type: string}, t: {type: string, default: ''}}");
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		http->url = urls[i];
		values.payload = slice(i < 4 ? "{\"s\":\"..\"}" : "{\"s\":\".\",\"t\":\".\"}");
		expect_refused("url: a part of its path is '.' or '..', which would be another path");
	}
	/* Where there is no path any more, and where it is only part of a name. */
	expect_url(TEXT("http://h/a?x/{s}/y"), "{\"s\":\"..\"}", "http://h/a?x/../y");
	expect_url(TEXT("http://h/a{s}"), "{\"s\":\"..\"}", "http://h/a..");
	expect_url(TEXT("http://h/{s}"), "{\"s\":\"...\"}", "http://h/...");
	conf_free(conf);
}
END_TEST

START_TEST (a_path_is_checked_wherever_it_is_put) {
	char params[400], payload[400], expected[900];
	const char *dir = unit_dir();
	snprintf(params, sizeof params, "{f: {type: path, under: [%s]}}", dir);
	begin(params);
	snprintf(payload, sizeof payload, "{\"f\":\"%s/./x\"}", dir);
	values.payload = slice(payload);
	http->url = TEXT("http://h/");
	http->body = TEXT("<{f}>");
	expand();
	snprintf(expected, sizeof expected, "<%s/x>", dir);
	ck_assert_str_eq(request.body, expected);
	recipe_request_clear(&request);
	http->body = NULL;
	snprintf(expected, sizeof expected, "[\"%s/x\"]", dir);
	expect_json(TEXT("[\"{f}\"]"), expected);

	struct conf_pair header = {TEXT("X-File"), TEXT("{f}")};
	static const char reason[] = "parameter 'f': /etc/passwd is not under a folder that is allowed";
	values.payload = slice("{\"f\":\"/etc/passwd\"}");
	expect_refused(reason);
	http->json = NULL;
	http->body = TEXT("{f}");
	expect_refused(reason);
	http->body = NULL;
	http->url = TEXT("http://h/{f}");
	expect_refused(reason);
	http->url = TEXT("http://h/");
	http->headers = &header;
	http->header_count = 1;
	expect_refused(reason);
	conf_free(conf);
}
END_TEST

/* ---- headers ---- */

START_TEST (headers_hold_one_line) {
	struct conf_pair headers[] = {
	    {TEXT("X-Name"), TEXT("<{s}>")}, {TEXT("X-Step"), TEXT("{step.gather}")}};
	begin("{s: {type: string}}");
	http->headers = headers;
	http->header_count = 2;
	values.payload = slice("{\"s\":\"a: \\\"b\\\"\\t\\u00fc\"}");
	expand();
	ck_assert_str_eq(request.headers[0], "X-Name: <a: \"b\"\t\xc3\xbc>");
	ck_assert_str_eq(request.headers[1], "X-Step: eggs");
	ck_assert_str_eq(request.headers[2], "Idempotency-Key: 1234567890123-post");
	ck_assert_ptr_null(request.headers[3]);
	recipe_request_clear(&request);
	values.payload = slice("{}");
	results[0].bytes = slice("");
	expand();
	ck_assert_str_eq(request.headers[1], "X-Step: ");
	recipe_request_clear(&request);

	values.payload = slice("{\"s\":\"a\\nX: y\"}");
	expect_refused("header 'X-Name': a value with a line break cannot be in a header");
	values.payload = slice("{\"s\":\"a\\r\"}");
	expect_refused("header 'X-Name': a value with a line break cannot be in a header");
	values.payload = slice("{}");
	results[0].bytes = slice("eggs\n");
	expect_refused("header 'X-Step': a value with a line break cannot be in a header");
	results[0].bytes = (struct slice){"a\0b", 3};
	expect_refused("header 'X-Step': a value with a byte 0 cannot be in a header");
	static char long_value[(64 << 10) + 1];
	memset(long_value, 'x', sizeof long_value);
	results[0].bytes = (struct slice){long_value, sizeof long_value - 1};
	expand();
	ck_assert_uint_eq(strlen(request.headers[1]), strlen("X-Step: ") + sizeof long_value - 1);
	recipe_request_clear(&request);
	results[0].bytes = (struct slice){long_value, sizeof long_value};
	expect_refused("header 'X-Step': a value has at most 65536 bytes");
	/* Servers differ in what they make of these; to libcurl a value of them alone is none, and it leaves out the header. */
	results[0].bytes = slice("\v");
	expect_refused("header 'X-Step': a value with a control character cannot be in a header");
	results[0].bytes = slice("\x7f");
	expect_refused("header 'X-Step': a value with a control character cannot be in a header");
	conf_free(conf);
}
END_TEST

START_TEST (headers_that_the_recipe_has_are_its_own) {
	struct conf_pair headers[] = {
	    {TEXT("content-TYPE"), TEXT("text/plain")}, {TEXT("idempotency-key"), TEXT("{order.id}")}};
	begin(NULL);
	http->headers = headers;
	http->header_count = 2;
	http->body = TEXT("x");
	expand();
	ck_assert_str_eq(request.headers[0], "content-TYPE: text/plain");
	ck_assert_str_eq(request.headers[1], "idempotency-key: 1234567890123");
	ck_assert_ptr_null(request.headers[2]);
	recipe_request_clear(&request);
	conf_free(conf);
}
END_TEST

/* ---- the body ---- */

START_TEST (a_body_of_any_bytes) {
	begin(NULL);
	http->body = TEXT("[{payload}|{step.gather}]");
	values.payload = (struct slice){"\0\xff", 2};
	results[0].bytes = (struct slice){"\r\n\0", 3};
	expand();
	ck_assert_uint_eq(request.body_len, 8);
	ck_assert_mem_eq(request.body, "[\0\xff|\r\n\0]", 8);
	ck_assert_str_eq(request.headers[0], "Content-Type: application/octet-stream");
	ck_assert_str_eq(request.headers[1], "Idempotency-Key: 1234567890123-post");
	recipe_request_clear(&request);
	http->body = TEXT("");
	expand();
	ck_assert_ptr_nonnull(request.body);
	ck_assert_uint_eq(request.body_len, 0);
	ck_assert_str_eq(request.headers[0], "Content-Type: application/octet-stream");
	recipe_request_clear(&request);
	conf_free(conf);
}
END_TEST

START_TEST (json_keeps_its_shape) {
	begin(
	    "{s: {type: string}, i: {type: integer}, n: {type: number}, b: {type: boolean}, f: {type: path}, "
	    "l: {type: list}, none: {type: string}, nolist: {type: list}, nopath: {type: path}}");
	values.payload = slice("{\"s\":\"\\\"},{\\\"x\\\":\\\"\\n\\u00fc{order.id}\",\"i\":9007199254740993,"
			       "\"n\":0.1,\"b\":false,\"f\":\"/etc\",\"l\":[\"a\",\"\\\"\"]}");
	expect_json(TEXT("\"{s}\""), "\"\\\"},{\\\"x\\\":\\\"\\n\xc3\xbc{order.id}\"");
	expect_json(TEXT("{\"{s}\": \"-{i}-\"}"), "{\"{s}\":\"-9007199254740993-\"}");
	expect_json(TEXT("[\"{i}\", \"{n}\", \"{b}\", \"{f}\", \"{l}\"]"),
	    "[9007199254740993,0.1,false,\"/etc\",[\"a\",\"\\\"\"]]");
	expect_json(TEXT("[\"{none}\", \"{nolist}\", \"{nopath}\", \"x{none}\"]"), "[null,null,null,\"x\"]");
	expect_json(TEXT("[\"{order.id}\", \"{order.attempt}\", \"{worker}\", \"{order.id}x\"]"),
	    "[1234567890123,2,3,\"1234567890123x\"]");
	expect_json(TEXT("{\"b\": {}, \"a\": [], \"c\": [[1, 0.2, true, null, \"{{}}\"]]}"),
	    "{\"b\":{},\"a\":[],\"c\":[[1,0.2,true,null,\"{}\"]]}");
	expect_json(TEXT("7"), "7");
	results[0].bytes = slice("{\"not\": \"parsed\"}\x01");
	expect_json(TEXT("{\"r\": \"{step.gather}\"}"), "{\"r\":\"{\\\"not\\\": \\\"parsed\\\"}\\u0001\"}");
	results[0].bytes = (struct slice){"a\0b", 3};
	expect_json(TEXT("[\"{step.gather}!\"]"), "[\"a\\u0000b!\"]");
	results[0].bytes = slice("17");
	expect_json(TEXT("[\"{step.gather}\"]"), "[\"17\"]");
	http->json = TEXT("[]");
	expand();
	ck_assert_str_eq(request.headers[0], "Content-Type: application/json");
	recipe_request_clear(&request);
	conf_free(conf);
}
END_TEST

START_TEST (json_holds_utf_8_only) {
	static const struct slice rows[] = {{"\xff", 1}, {"a\xc3", 2}, {"\xed\xa0\x80", 3}, {"\xc0\x80", 2},
	    {"\xe0\x9f\xbf", 3}, {"\xf4\x90\x80\x80", 4}, {"\xf0\x8f\xbf\xbf", 4}, {"\xe2\x82", 2},
	    {"\xf5\x80\x80\x80", 4}, {"\x80", 1}};
	begin(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		values.payload = rows[i];
		http->json = TEXT("[1, \"{payload}\"]");
		expect_refused("json: a value is no UTF-8: it cannot be in JSON");
		http->json = TEXT("{\"a\": \"<{payload}>\"}");
		expect_refused("json: a value is no UTF-8: it cannot be in JSON");
	}
	values.payload = slice("\x7f\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf0\x9f\x8d\xb0\xf4\x8f\xbf\xbf");
	expect_json(TEXT("[\"{payload}\"]"),
	    "[\"\x7f\xc2\x80\xed\x9f\xbf\xee\x80\x80\xf0\x9f\x8d\xb0\xf4\x8f\xbf\xbf\"]");
	conf_free(conf);
}
END_TEST

/* ---- results ---- */

START_TEST (a_cut_result_is_used_nowhere) {
	struct conf_pair header = {TEXT("X"), TEXT("{step.gather}")};
	begin(NULL);
	results[0].cut = true;
	for (int i = 0; i < 4; i++) {
		*http = (struct conf_http){.method = TEXT("POST"), .url = TEXT("http://h/")};
		if (i == 0)
			http->url = TEXT("http://h/{step.gather}");
		if (i == 1)
			http->body = TEXT("{step.gather}");
		if (i == 2)
			http->json = TEXT("\"{step.gather}\"");
		if (i == 3) {
			http->headers = &header;
			http->header_count = 1;
		}
		expect_refused("step 'gather': its result was cut after 4 bytes");
	}
	conf_free(conf);
}
END_TEST

START_TEST (big_values) {
	enum { BIG = 5 << 20 };
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	memset(big, '"', BIG);
	begin(NULL);
	results[0].bytes = (struct slice){big, BIG};
	http->json = TEXT("[\"{step.gather}\"]");
	expand();
	ck_assert_uint_eq(request.body_len, 2 * (size_t)BIG + 4);
	recipe_request_clear(&request);
	http->json = NULL;
	http->body = TEXT("{step.gather}{step.gather}");
	http->url = TEXT("http://h/{step.gather}/end");
	expand();
	ck_assert_uint_eq(request.body_len, 2 * (size_t)BIG);
	ck_assert_uint_eq(strlen(request.url), 3 * (size_t)BIG + 13);
	ck_assert_str_eq(request.url + strlen(request.url) - 10, "%22%22/end");
	recipe_request_clear(&request);
	conf_free(conf);
	free(big);
}
END_TEST

START_TEST (what_no_longer_fits_is_refused) {
	begin("{s: {type: string, required: true}}");
	expect_refused("parameter 's' is missing");
	values.payload = slice("{\"s\":\"x\"}");
	http->url = TEXT("http://h/{t}");
	expect_refused("{t}: no such parameter");
	conf_free(conf);
}
END_TEST

START_TEST (as_the_configuration_has_it) {
	struct conf *c = conf_of(
	    "    params: {size: {type: integer, default: 3}, shop: {type: string, required: true}}\n"
	    "    steps:\n"
	    "      - {name: wait, sleep: 5ms, times: \"{size}\"}\n"
	    "      - name: gather\n"
	    "        http: {url: \"http://h/{shop}/eggs\", headers: {X-Order: \"{order.id}\"}}\n"
	    "      - name: tell\n"
	    "        http: {url: http://h/, method: POST, json: {n: \"{size}\", got: [\"{step.gather}\", "
	    "0.1]}}\n"
	    "      - {name: bake, run: [bake, \"--of={step.gather}\"], stdin: \"{step.tell}\"}\n");
	const struct conf_recipe *r = &c->recipes[0];
	const struct recipe_result of_steps[] = {{.present = false},
	    {.present = true, .bytes = {"6 \"eggs\"", 8}}, {.present = true, .bytes = {"told", 4}},
	    {.present = false}};
	const struct recipe_values v = {
	    .order = 9, .attempt = 1, .payload = slice("{\"shop\":\"a/b\"}"), .results = of_steps};
	int64_t times = 0;
	ck_assert_int_eq(recipe_times(r, &r->steps[0], &v, &times, why), 0);
	ck_assert_int_eq(times, 3);

	ck_assert_msg(recipe_expand_http(r, &r->steps[1], &v, &request, why) == 0, "%s", why);
	ck_assert_str_eq(request.method, "GET");
	ck_assert_str_eq(request.url, "http://h/a%2Fb/eggs");
	ck_assert_str_eq(request.headers[0], "X-Order: 9");
	ck_assert_str_eq(request.headers[1], "Idempotency-Key: 9-gather");
	ck_assert_ptr_null(request.body);
	recipe_request_clear(&request);

	ck_assert_msg(recipe_expand_http(r, &r->steps[2], &v, &request, why) == 0, "%s", why);
	ck_assert_str_eq(request.method, "POST");
	ck_assert_str_eq(request.body, "{\"n\":3,\"got\":[\"6 \\\"eggs\\\"\",0.1]}");
	recipe_request_clear(&request);

	struct recipe_command command;
	ck_assert_msg(recipe_expand(r, &r->steps[3], &v, &command, why) == 0, "%s", why);
	ck_assert_str_eq(command.argv[1], "--of=6 \"eggs\"");
	ck_assert_uint_eq(command.stdin_len, 4);
	ck_assert_uint_eq(r->steps[3].uses, 6);
	recipe_command_clear(&command);
	conf_free(c);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("requests");
	tcase_add_test(t, a_plain_request);
	tcase_add_test(t, values_are_percent_encoded);
	tcase_add_test(t, a_value_cannot_climb_out_of_its_path);
	tcase_add_test(t, a_path_is_checked_wherever_it_is_put);
	tcase_add_test(t, headers_hold_one_line);
	tcase_add_test(t, headers_that_the_recipe_has_are_its_own);
	tcase_add_test(t, a_body_of_any_bytes);
	tcase_add_test(t, json_keeps_its_shape);
	tcase_add_test(t, json_holds_utf_8_only);
	tcase_add_test(t, a_cut_result_is_used_nowhere);
	tcase_add_test(t, big_values);
	tcase_add_test(t, what_no_longer_fits_is_refused);
	tcase_add_test(t, as_the_configuration_has_it);
	return unit_run();
}
