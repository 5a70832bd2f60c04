/* NAME=VALUE becomes the JSON that the recipe's types ask for; replies become the JSON and the exit statuses
 * that are promised. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/params.h"
#include "client/status.h"
#include "client/text.h"
#include "tests/unit/unit.h"

static const struct command command = {.name = "order", .usage = "…"};

static struct value *parse(const char *resp)
{
	struct value_parser *p;
	struct buf in = {0};
	struct value *v;
	ck_assert_int_eq(value_parser_new(&p), 0);
	ck_assert_int_eq(buf_append_text(&in, resp), 0);
	ck_assert_int_eq(value_parse(p, &in, &v), 1);
	value_parser_free(p);
	buf_clear(&in);
	return v;
}

static const char recipe[] = "%2\r\n+name\r\n+cake\r\n+params\r\n*6\r\n"
			     "%2\r\n+name\r\n+s\r\n+type\r\n+string\r\n"
			     "%2\r\n+name\r\n+i\r\n+type\r\n+integer\r\n"
			     "%2\r\n+name\r\n+n\r\n+type\r\n+number\r\n"
			     "%2\r\n+name\r\n+b\r\n+type\r\n+boolean\r\n"
			     "%2\r\n+name\r\n+p\r\n+type\r\n+path\r\n"
			     "%2\r\n+name\r\n+l\r\n+type\r\n+list\r\n";

static char payload[1000];

static int build(const char *about, const char **words)
{
	struct cli c = {.command = &command};
	struct value *v = parse(about);
	struct buf out = {0};
	int count = 0;
	while (words[count])
		count++;
	int status = params_build(&c, v, count, (char **)words, &out);
	snprintf(payload, sizeof payload, "%.*s", (int)out.len, buf_bytes(&out));
	buf_clear(&out);
	value_free(v);
	return status;
}

#define BUILD(...) build(recipe, (const char *[]){__VA_ARGS__, NULL})

START_TEST (values_get_the_types_of_the_recipe) {
	static const struct {
		const char *word;
		const char *json;
	} rows[] = {
	    {"s=3", "{\"s\":\"3\"}"},
	    {"s=", "{\"s\":\"\"}"},
	    {"s=a=b", "{\"s\":\"a=b\"}"},
	    {"s=@@x", "{\"s\":\"@x\"}"},
	    {"s=\"\\", "{\"s\":\"\\\"\\\\\"}"},
	    {"i=3", "{\"i\":3}"},
	    {"i=-9223372036854775807", "{\"i\":-9223372036854775807}"},
	    {"n=3", "{\"n\":3}"},
	    {"n=2.5e3", "{\"n\":2500.0}"},
	    {"b=yes", "{\"b\":true}"},
	    {"b=FALSE", "{\"b\":false}"},
	    {"b=0", "{\"b\":false}"},
	    {"p=/etc/hosts", "{\"p\":\"/etc/hosts\"}"},
	    {"l=one", "{\"l\":[\"one\"]}"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_int_eq(BUILD(rows[i].word), 0);
		ck_assert_str_eq(payload, rows[i].json);
	}
	ck_assert_int_eq(BUILD("l=one", "i=1", "l=two"), 0);
	ck_assert_str_eq(payload, "{\"l\":[\"one\",\"two\"],\"i\":1}");
	ck_assert_int_eq(build(recipe, (const char *[]){NULL}), 0);
	ck_assert_str_eq(payload, "{}");
}
END_TEST

START_TEST (what_is_none_is_refused) {
	static const char *const words[] = {"i=", "i=1x", "i=1.0", "i=0x10", "i=9223372036854775808",
	    "n=", "n=nan", "n=0x1p3", "n=1 ", "b=", "b=maybe", "x=1", "novalue", "=1",
	    "s=@/nonexistent/file"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		ck_assert_msg(BUILD(words[i]) == STATUS_USAGE, "%s", words[i]);
	ck_assert_int_eq(BUILD("s=1", "s=2"), STATUS_USAGE);
	ck_assert_int_eq(
	    build("%2\r\n+name\r\n+raw\r\n+params\r\n_\r\n", (const char *[]){"s=1", NULL}), STATUS_USAGE);
}
END_TEST

START_TEST (relative_paths_become_absolute) {
	char here[500], expected[600];
	ck_assert_int_eq(chdir(unit_dir()), 0);
	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	static const struct {
		const char *word;
		const char *tail;
	} rows[] = {{"p=a/b", "/a/b"}, {"p=./a", "/a"}, {"p=.//./a", "/a"}, {"p=.", ""}, {"p=./", ""},
	    {"p=../x", "/../x"}, {"p=.a", "/.a"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_int_eq(BUILD(rows[i].word), 0);
		snprintf(expected, sizeof expected, "{\"p\":\"%s%s\"}", here, rows[i].tail);
		ck_assert_str_eq(payload, expected);
	}
}
END_TEST

START_TEST (values_come_from_files) {
	char path[500], word[520];
	snprintf(path, sizeof path, "%s/value", unit_dir());
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("two\nlines\n", f);
	fclose(f);
	snprintf(word, sizeof word, "s=@%s", path);
	ck_assert_int_eq(BUILD(word), 0);
	ck_assert_str_eq(payload, "{\"s\":\"two\\nlines\\n\"}");
}
END_TEST

static char *json_of(const char *resp)
{
	struct value *v = parse(resp);
	json_t *o = json_from_value(v);
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	snprintf(payload, sizeof payload, "%s", text);
	free(text);
	json_decref(o);
	value_free(v);
	return payload;
}

START_TEST (replies_become_json) {
	ck_assert_str_eq(
	    json_of(
		"%4\r\n+id\r\n$2\r\n17\r\n+created\r\n:1795251000017\r\n+due\r\n_\r\n+result_cut\r\n#f\r\n"),
	    "{\"id\":\"17\",\"created\":\"2026-11-21T08:50:00.017Z\",\"due\":null,\"result_cut\":false}");
	/* Beside the other states "queued" is a count. */
	ck_assert_str_eq(
	    json_of("%2\r\n+queued\r\n:5\r\n+running\r\n:2\r\n"), "{\"queued\":5,\"running\":2}");
}
END_TEST

START_TEST (strange_bytes_stay_valid_json) {
	json_t *text = json_text("a\xff\0\xc3\xa9\xed\xa0\x80", 8);
	char *dump = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	ck_assert_str_eq(dump, "\"a\\uFFFD\\uFFFD\\u00E9\\uFFFD\\uFFFD\\uFFFD\"");
	free(dump);
	json_decref(text);
	static const struct {
		const char *bytes;
		size_t len;
		const char *json;
	} rows[] = {
	    {"plain\n", 6, "{\"result\":\"plain\\n\"}"},
	    {"", 0, "{\"result\":\"\"}"},
	    {"\xff", 1, "{\"result_b64\":\"/w==\"}"},
	    {"\xff\xfe", 2, "{\"result_b64\":\"//4=\"}"},
	    {"\0\1\2", 3, "{\"result_b64\":\"AAEC\"}"},
	    {"\0\1\2\3", 4, "{\"result_b64\":\"AAECAw==\"}"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *o = json_object();
		json_add_result(o, rows[i].bytes, rows[i].len);
		dump = json_dumps(o, JSON_COMPACT);
		ck_assert_str_eq(dump, rows[i].json);
		free(dump);
		json_decref(o);
	}
}
END_TEST

START_TEST (exit_statuses) {
	static const struct {
		const char *resp;
		int status;
	} rows[] = {
	    {"%2\r\n+state\r\n+done\r\n+cause\r\n+exit\r\n", 0},
	    {"%3\r\n+state\r\n+failed\r\n+cause\r\n+exit\r\n+exit\r\n:3\r\n", 3},
	    {"%3\r\n+state\r\n+failed\r\n+cause\r\n+exit\r\n+exit\r\n:0\r\n", 125},
	    {"%3\r\n+state\r\n+failed\r\n+cause\r\n+signal\r\n+signal\r\n:11\r\n", 139},
	    {"%3\r\n+state\r\n+failed\r\n+cause\r\n+timeout\r\n+signal\r\n:9\r\n", 125},
	    {"%2\r\n+state\r\n+failed\r\n+cause\r\n+spawn\r\n", 125},
	    {"%2\r\n+state\r\n+cancelled\r\n+cause\r\n+cancelled\r\n", 125},
	    {"%2\r\n+state\r\n+expired\r\n+cause\r\n_\r\n", 125},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct value *v = parse(rows[i].resp);
		ck_assert_int_eq(status_exit(v), rows[i].status);
		ck_assert(status_is_final(v));
		value_free(v);
	}
}
END_TEST

START_TEST (durations_for_people) {
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {{-5, "0 s"}, {0, "0.00 s"}, {1239, "1.23 s"}, {59999, "59.99 s"}, {60000, "1m 0s"},
	    {3661000, "1h 1m"}, {90000000, "1d 1h"}};
	char out[TEXT_TIME_MAX];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(text_duration(rows[i].ms, out), rows[i].text);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("params");
	tcase_add_test(t, values_get_the_types_of_the_recipe);
	tcase_add_test(t, what_is_none_is_refused);
	tcase_add_test(t, relative_paths_become_absolute);
	tcase_add_test(t, values_come_from_files);
	tcase_add_test(t, replies_become_json);
	tcase_add_test(t, strange_bytes_stay_valid_json);
	tcase_add_test(t, exit_statuses);
	tcase_add_test(t, durations_for_people);
	return unit_run();
}
