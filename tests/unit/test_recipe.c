/* Payloads against parameters, and commands made of them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/recipe_world.h"
#include "tests/unit/unit.h"

static const char all_types[] = "    params:\n"
				"      s: {type: string, max: 3, default: abc}\n"
				"      w: {type: string, one_of: [x, y]}\n"
				"      p: {type: string, pattern: '[a-z]+|[0-9]'}\n"
				"      i: {type: integer, min: -5, max: 9007199254740992}\n"
				"      n: {type: number, min: 0.5}\n"
				"      b: {type: boolean}\n"
				"      f: {type: path}\n"
				"      l: {type: list, default: [a, \"b\\\"\"]}\n"
				"    run: [echo, \"{s}\"]\n    timeout: 1s\n";

START_TEST (good_payloads_become_canonical) {
	static const struct {
		const char *payload, *canonical;
	} rows[] = {
	    {"{}", "{\"l\":[\"a\",\"b\\\"\"],\"s\":\"abc\"}"},
	    {" { \"s\" : \"\\u00fc\\u00fc\\u00fc\", \"l\": [] } ", "{\"l\":[],\"s\":\"üüü\"}"},
	    {"{\"w\":\"y\",\"i\":-5,\"l\":[],\"s\":\"\"}", "{\"i\":-5,\"l\":[],\"s\":\"\",\"w\":\"y\"}"},
	    {"{\"p\":\"abc\",\"b\":false,\"l\":[]}", "{\"b\":false,\"l\":[],\"p\":\"abc\",\"s\":\"abc\"}"},
	    {"{\"n\":1,\"f\":\"/etc\",\"l\":[]}", "{\"f\":\"/etc\",\"l\":[],\"n\":1,\"s\":\"abc\"}"},
	    {"{\"i\":9007199254740992,\"l\":[]}", "{\"i\":9007199254740992,\"l\":[],\"s\":\"abc\"}"},
	};
	struct conf *c = conf_of(all_types);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = {0};
		char why[256] = "";
		ck_assert_msg(
		    recipe_check_payload(&c->recipes[0], slice(rows[i].payload), &out, why) == 0, "%s", why);
		ck_assert_uint_eq(out.len, strlen(rows[i].canonical));
		ck_assert_mem_eq(buf_bytes(&out), rows[i].canonical, out.len);
		buf_clear(&out);
	}
	conf_free(c);
}
END_TEST

START_TEST (bad_payloads_are_refused_by_name) {
	static const struct {
		const char *payload, *why;
	} rows[] = {
	    {"", "the payload is no JSON object: "},
	    {"[]", "the payload is no JSON object but another value"},
	    {"7", "the payload is no JSON object: "},
	    {"{\"s\":\"a\",\"s\":\"b\"}", "the payload is no JSON object: duplicate object key"},
	    {"{\"s\":\"a\\u0000b\"}", "the payload has a text with a NUL in it"},
	    {"{\"ss\":1}", "no parameter 'ss'"},
	    {"{\"\x7f\\n\":1}", "no parameter '?\?'"},
	    {"{\"s\":1}", "parameter 's': expected a string"},
	    {"{\"s\":null}", "parameter 's': expected a string"},
	    {"{\"s\":\"abcd\"}", "parameter 's': longer than 3 characters"},
	    {"{\"s\":\"-a\"}", "parameter 's': may not begin with '-'"},
	    {"{\"w\":\"z\"}", "parameter 'w': expected one of x, y"},
	    {"{\"p\":\"ab1\"}", "parameter 'p': expected the form "},
	    {"{\"p\":\"\"}", "parameter 'p': expected the form "},
	    {"{\"i\":1.0}", "parameter 'i': expected a whole number"},
	    {"{\"i\":\"1\"}", "parameter 'i': expected a whole number"},
	    {"{\"i\":-6}", "parameter 'i': expected at least -5"},
	    {"{\"i\":9007199254740994}", "parameter 'i': expected at most 9007199254740992"},
	    {"{\"i\":99999999999999999999}", "the payload is no JSON object: too big integer"},
	    {"{\"n\":0}", "parameter 'n': expected at least 0.5"},
	    {"{\"b\":1}", "parameter 'b': expected true or false"},
	    {"{\"f\":\"etc\"}", "parameter 'f': expected an absolute path"},
	    {"{\"l\":\"a\"}", "parameter 'l': expected a list of strings"},
	    {"{\"l\":[1]}", "parameter 'l': expected a list of strings"},
	};
	struct conf *c = conf_of(all_types);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = {0};
		char why[256] = "";
		ck_assert_int_eq(
		    recipe_check_payload(&c->recipes[0], slice(rows[i].payload), &out, why), -EINVAL);
		ck_assert_msg(
		    strncmp(why, rows[i].why, strlen(rows[i].why)) == 0, "%s: %s", rows[i].payload, why);
		ck_assert_uint_eq(out.len, 0);
		buf_clear(&out);
	}
	conf_free(c);
}
END_TEST

START_TEST (required_means_given) {
	struct conf *c = conf_of(
	    "    params: {file: {type: path, required: true}}\n    run: [cat, \"{file}\"]\n");
	struct buf out = {0};
	char why[256] = "";
	ck_assert_int_eq(recipe_check_payload(&c->recipes[0], slice("{}"), &out, why), -EINVAL);
	ck_assert_str_eq(why, "parameter 'file' is missing");
	ck_assert_int_eq(
	    recipe_check_payload(&c->recipes[0], slice("{\"fiel\":\"/x\"}"), &out, why), -EINVAL);
	ck_assert_str_eq(why, "no parameter 'fiel'; did you mean 'file'?");
	conf_free(c);
}
END_TEST

START_TEST (depth_is_bounded_before_parsing) {
	struct conf *c = conf_of("    params: {}\n    run: [cat]\n");
	char deep[5000], why[256] = "";
	memset(deep, '[', sizeof deep);
	struct buf out = {0};
	ck_assert_int_eq(
	    recipe_check_payload(&c->recipes[0], (struct slice){deep, sizeof deep}, &out, why), -EINVAL);
	ck_assert_str_eq(why, "the payload nests deeper than 32");
	/* Brackets in a string are no depth. */
	memcpy(deep, "{\"a\":\"\\\"", 8);
	memcpy(deep + sizeof deep - 2, "\"}", 2);
	ck_assert_int_eq(
	    recipe_check_payload(&c->recipes[0], (struct slice){deep, sizeof deep}, &out, why), -EINVAL);
	ck_assert_str_eq(why, "no parameter 'a'");
	conf_free(c);
}
END_TEST

START_TEST (opaque_payloads_pass_as_they_are) {
	struct conf *c = conf_of("    run: [cat]\n");
	struct buf out = {0};
	char why[256] = "";
	ck_assert_int_eq(recipe_check_payload(&c->recipes[0], (struct slice){"a\0[b", 4}, &out, why), 0);
	ck_assert_mem_eq(buf_bytes(&out), "a\0[b", 4);
	buf_clear(&out);
	conf_free(c);
}
END_TEST

/* ---- commands ---- */

static int expand(
    const struct conf *c, struct slice payload, struct recipe_command *out, char why[static 256])
{
	const struct recipe_values values = {
	    .order = 1234567890123, .attempt = 2, .worker = 3, .payload = payload};
	return recipe_expand(&c->recipes[0], &c->recipes[0].steps[0], &values, out, why);
}

static void assert_argv(const struct recipe_command *command, const char *const *want)
{
	char *const *argv = command->argv;
	for (; *want; want++, argv++) {
		ck_assert_ptr_nonnull(*argv);
		ck_assert_str_eq(*argv, *want);
	}
	ck_assert_ptr_null(*argv);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST (placeholders_never_split_an_argument) {
	struct conf *c = conf_of("    params:\n"
				 "      s: {type: string, required: true}\n"
				 "      i: {type: integer, default: 3}\n"
				 "      n: {type: number, default: 0.1}\n"
				 "      b: {type: boolean, default: true}\n"
				 "      none: {type: string}\n"
				 "      l: {type: list, default: []}\n"
				 "    run: [prog, \"--s={s}\", \"{i}/{n}/{b}\", \"{none}\", \"{l}\", "
				 "\"{{{order.id}.{order.attempt}.{worker}}}\"]\n"
				 "    stdin: \"<{s}>\"\n"
				 "    env: {WHO: \"w{worker}\", S: \"{s}\"}\n"
				 "    chdir: \"/tmp/{i}\"\n");
	struct recipe_command command;
	char why[256] = "";
	ck_assert_msg(
	    expand(c, slice("{\"s\":\"a 'b' $(c) *\\n\",\"l\":[\"x\",\"\",\"y z\"]}"), &command, why) == 0,
	    "%s", why);
	assert_argv(&command,
	    ARGV("prog", "--s=a 'b' $(c) *\n", "3/0.1/true", "", "x", "", "y z", "{1234567890123.2.3}"));
	ck_assert_uint_eq(command.stdin_len, 15);
	ck_assert_mem_eq(command.stdin_bytes, "<a 'b' $(c) *\n>", 15);
	ck_assert_uint_eq(command.env_count, 2);
	ck_assert_str_eq(command.env[0].name, "WHO");
	ck_assert_str_eq(command.env[0].value, "w3");
	ck_assert_str_eq(command.env[1].value, "a 'b' $(c) *\n");
	ck_assert_str_eq(command.chdir, "/tmp/3");
	recipe_command_clear(&command);
	ck_assert_int_eq(expand(c, slice("{\"s\":\"a\"}"), &command, why), 0);
	assert_argv(&command, ARGV("prog", "--s=a", "3/0.1/true", "", "{1234567890123.2.3}"));
	recipe_command_clear(&command);
	conf_free(c);
}
END_TEST

START_TEST (standard_input_is_the_opaque_payload) {
	struct conf *c = conf_of("    run: [cat, \"{payload}\"]\n");
	struct recipe_command command;
	char why[256] = "";
	ck_assert_int_eq(expand(c, slice("-x"), &command, why), 0);
	assert_argv(&command, ARGV("cat", "-x"));
	ck_assert_uint_eq(command.stdin_len, 2);
	recipe_command_clear(&command);
	ck_assert_int_eq(expand(c, (struct slice){"a\0b", 3}, &command, why), -EINVAL);
	ck_assert_msg(strstr(why, "byte 0") != NULL, "%s", why);
	conf_free(c);

	c = conf_of("    params: {a: {type: string}}\n    run: [cat]\n");
	ck_assert_int_eq(expand(c, slice("{\"a\":\"x\"}"), &command, why), 0);
	ck_assert_uint_eq(command.stdin_len, 0);
	ck_assert_ptr_null(command.stdin_bytes);
	recipe_command_clear(&command);
	conf_free(c);

	c = conf_of("    params: {a: {type: string}}\n    run: [cat]\n    stdin: payload\n");
	ck_assert_int_eq(expand(c, slice("{\"a\":\"x\"}"), &command, why), 0);
	ck_assert_uint_eq(command.stdin_len, 9);
	recipe_command_clear(&command);
	conf_free(c);
}
END_TEST

START_TEST (a_dash_is_refused_where_it_would_be_an_option) {
	struct conf *c = conf_of("    params:\n"
				 "      whole: {type: string}\n"
				 "      part: {type: string}\n"
				 "      free: {type: string, allow_dash: true}\n"
				 "      list: {type: list}\n"
				 "    run: [prog, \"{whole}\", \"x{part}\", \"{free}\", \"{list}\"]\n");
	struct recipe_command command;
	char why[256] = "";
	ck_assert_int_eq(expand(c, slice("{\"whole\":\"-rf\"}"), &command, why), -EINVAL);
	ck_assert_str_eq(why, "parameter 'whole': may not begin with '-'");
	ck_assert_int_eq(expand(c, slice("{\"list\":[\"a\",\"-b\"]}"), &command, why), -EINVAL);
	ck_assert_str_eq(why, "parameter 'list': may not begin with '-'");
	ck_assert_int_eq(expand(c, slice("{\"part\":\"-b\",\"free\":\"-c\"}"), &command, why), 0);
	assert_argv(&command, ARGV("prog", "", "x-b", "-c"));
	recipe_command_clear(&command);
	conf_free(c);
}
END_TEST

START_TEST (an_empty_command_is_refused) {
	struct conf *c = conf_of("    params: {argv: {type: list, allow_dash: true}, dir: {type: path}}\n    "
				 "run: [\"{argv}\"]\n    chdir: \"{dir}\"\n");
	struct recipe_command command;
	char why[256] = "";
	ck_assert_int_eq(expand(c, slice("{}"), &command, why), -EINVAL);
	ck_assert_int_eq(expand(c, slice("{\"argv\":[\"\"]}"), &command, why), -EINVAL);
	ck_assert_int_eq(expand(c, slice("{\"argv\":[\"ls\",\"-l\"]}"), &command, why), 0);
	assert_argv(&command, ARGV("ls", "-l"));
	ck_assert_ptr_null(command.chdir);
	recipe_command_clear(&command);
	ck_assert_int_eq(expand(c, slice("{\"argv\":[\"ls\"],\"dir\":\"/etc\"}"), &command, why), 0);
	ck_assert_str_eq(command.chdir, "/etc");
	recipe_command_clear(&command);
	conf_free(c);
}
END_TEST

static char *write_file(const char *name)
{
	char *path;
	ck_assert_int_gt(asprintf(&path, "%s/%s", unit_dir(), name), 0);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	return path;
}

/* What recipe_expand() says of a path, with `under` the folder "in". */
static int under(const struct conf *c, const char *name, char got[static 512], char why[static 256])
{
	struct recipe_command command;
	char payload[600];
	snprintf(payload, sizeof payload, "{\"f\":\"%s/%s\"}", unit_dir(), name);
	int r = expand(c, slice(payload), &command, why);
	if (r == 0) {
		snprintf(got, 512, "%s", command.argv[1] + strlen(unit_dir()));
		recipe_command_clear(&command);
	}
	return r;
}

START_TEST (paths_stay_under_their_folders) {
	char path[512], yaml[700], got[512], why[256];
	snprintf(path, sizeof path, "%s/in", unit_dir());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/in-not", unit_dir());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	free(write_file("in/file"));
	free(write_file("in-not/file"));
	char *secret = write_file("secret");
	snprintf(path, sizeof path, "%s/in/link", unit_dir());
	ck_assert_int_eq(symlink(secret, path), 0);
	snprintf(path, sizeof path, "%s/in/dangling", unit_dir());
	ck_assert_int_eq(symlink("/nowhere/at/all", path), 0);
	free(secret);
	snprintf(yaml, sizeof yaml,
	    "    params: {f: {type: path, under: [%s/in]}}\n    run: [cat, \"{f}\"]\n", unit_dir());
	struct conf *c = conf_of(yaml);

	ck_assert_int_eq(under(c, "in/file", got, why), 0);
	ck_assert_str_eq(got, "/in/file");
	ck_assert_int_eq(under(c, "in/../in/./file", got, why), 0);
	ck_assert_str_eq(got, "/in/file");
	ck_assert_int_eq(under(c, "in/new", got, why), 0);
	ck_assert_str_eq(got, "/in/new");
	ck_assert_int_eq(under(c, "secret", got, why), -EINVAL);
	ck_assert_int_eq(under(c, "in/link", got, why), -EINVAL);
	ck_assert_int_eq(under(c, "in/../secret", got, why), -EINVAL);
	ck_assert_int_eq(under(c, "in-not/file", got, why), -EINVAL);
	ck_assert_int_eq(under(c, "in/dangling", got, why), -EINVAL);
	ck_assert_int_eq(under(c, "in/nowhere/file", got, why), -EINVAL);
	conf_free(c);
}
END_TEST

START_TEST (what_no_longer_fits_is_refused_when_it_starts) {
	struct conf *c = conf_of(
	    "    params: {file: {type: path, required: true}}\n    run: [cat, \"{file}\"]\n");
	struct recipe_command command;
	char why[256] = "";
	ck_assert_int_eq(expand(c, slice("{\"old\":\"x\"}"), &command, why), -EINVAL);
	ck_assert_str_eq(why, "no parameter 'old'");
	conf_free(c);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("payloads");
	tcase_add_test(t, good_payloads_become_canonical);
	tcase_add_test(t, bad_payloads_are_refused_by_name);
	tcase_add_test(t, required_means_given);
	tcase_add_test(t, depth_is_bounded_before_parsing);
	tcase_add_test(t, opaque_payloads_pass_as_they_are);
	t = unit_case("commands");
	tcase_add_test(t, placeholders_never_split_an_argument);
	tcase_add_test(t, standard_input_is_the_opaque_payload);
	tcase_add_test(t, a_dash_is_refused_where_it_would_be_an_option);
	tcase_add_test(t, an_empty_command_is_refused);
	tcase_add_test(t, paths_stay_under_their_folders);
	tcase_add_test(t, what_no_longer_fits_is_refused_when_it_starts);
	return unit_run();
}
