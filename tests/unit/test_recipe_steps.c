/* Results of earlier steps in commands, how often a sleep step sleeps, and the number that tells recipes apart. */
#include <errno.h>
#include <string.h>

#include "tests/unit/recipe_world.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char *)(s))

static char *run_gather[] = {TEXT("gather"), NULL};
static char *run_mix[] = {TEXT("mix"), TEXT("{step.gather}"), TEXT("--all={step.gather}/{step.weigh}"),
    TEXT("{{step.gather}}"), NULL};
static struct conf_step steps[3];

/* A recipe with the steps gather, weigh and mix, of which the last uses the other two. */
static struct conf_recipe recipe_of_three(void)
{
	steps[0] = (struct conf_step){.name = TEXT("gather"), .run = run_gather};
	steps[1] = (struct conf_step){
	    .name = TEXT("weigh"), .kind = CONF_STEP_SLEEP, .sleep_ms = 10, .times = TEXT("3")};
	steps[2] = (struct conf_step){
	    .name = TEXT("mix"), .run = run_mix, .stdin_text = TEXT("{step.weigh}:{step.gather}"), .uses = 3};
	return (struct conf_recipe){.name = TEXT("cake"), .steps = steps, .step_count = 3};
}

static int expand_mix(const struct recipe_result *results, struct recipe_command *out, char why[static 256])
{
	const struct conf_recipe r = recipe_of_three();
	const struct recipe_values values = {.order = 7, .attempt = 1, .results = results};
	return recipe_expand(&r, &r.steps[2], &values, out, why);
}

START_TEST (results_of_earlier_steps_in_a_command) {
	const struct recipe_result results[3] = {
	    {.present = true, .bytes = slice("2 \"eggs\"\n$(x) {order.id}")}, {.present = true}};
	struct recipe_command c;
	char why[256] = "";
	ck_assert_msg(expand_mix(results, &c, why) == 0, "%s", why);
	ck_assert_str_eq(c.argv[0], "mix");
	ck_assert_str_eq(c.argv[1], "2 \"eggs\"\n$(x) {order.id}");
	ck_assert_str_eq(c.argv[2], "--all=2 \"eggs\"\n$(x) {order.id}/");
	ck_assert_str_eq(c.argv[3], "{step.gather}");
	ck_assert_ptr_null(c.argv[4]);
	ck_assert_uint_eq(c.stdin_len, 25);
	ck_assert_mem_eq(c.stdin_bytes, ":2 \"eggs\"\n$(x) {order.id}", 25);
	recipe_command_clear(&c);
}
END_TEST

START_TEST (a_result_that_is_not_there_or_not_whole) {
	const struct {
		struct recipe_result gather;
		const char *why;
	} rows[] = {
	    {{.present = false}, "step 'gather': it has no result"},
	    {{.present = true, .cut = true, .bytes = {"abcd", 4}},
		"step 'gather': its result was cut after 4 bytes"},
	    {{.present = true, .bytes = {"a\0b", 3}}, "the result of step 'gather' has a byte 0: it cannot "
						      "be in an argument; recipes get it as standard "
						      "input"},
	};
	struct recipe_command c;
	char why[256] = "";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct recipe_result results[3] = {rows[i].gather, {.present = true}};
		ck_assert_int_eq(expand_mix(results, &c, why), -EINVAL);
		ck_assert_str_eq(why, rows[i].why);
	}
	ck_assert_int_eq(expand_mix(NULL, &c, why), -EINVAL);
	ck_assert_str_eq(why, "step 'gather': it has no result");
	const struct recipe_result second_cut[3] = {
	    {.present = true}, {.present = true, .cut = true, .bytes = {"x", 1}}};
	ck_assert_int_eq(expand_mix(second_cut, &c, why), -EINVAL);
	ck_assert_str_eq(why, "step 'weigh': its result was cut after 1 bytes");
}
END_TEST

START_TEST (any_bytes_in_standard_input) {
	static char *run[] = {TEXT("cat"), NULL};
	const struct recipe_result results[3] = {
	    {.present = true, .bytes = {"\0\xff\r\n", 4}}, {.present = true, .bytes = {"a\0", 2}}};
	struct conf_recipe r = recipe_of_three();
	const struct recipe_values values = {.order = 7, .attempt = 1, .results = results};
	struct recipe_command c;
	char why[256] = "";
	steps[2].run = run;
	ck_assert_int_eq(recipe_expand(&r, &r.steps[2], &values, &c, why), 0);
	ck_assert_uint_eq(c.stdin_len, 7);
	ck_assert_mem_eq(c.stdin_bytes, "a\0:\0\xff\r\n", 7);
	recipe_command_clear(&c);
}
END_TEST

START_TEST (a_step_that_the_recipe_has_no_more) {
	static char *run[] = {TEXT("x{step.no}"), NULL};
	struct conf_recipe r = recipe_of_three();
	const struct recipe_values values = {.order = 7, .attempt = 1};
	struct recipe_command c;
	char why[256] = "";
	steps[2].run = run;
	ck_assert_int_eq(recipe_expand(&r, &r.steps[2], &values, &c, why), -EINVAL);
	ck_assert_str_eq(why, "{step.no}: no such step");
}
END_TEST

START_TEST (light_steps_do_not_disturb_the_parameters) {
	struct conf *c = conf_of("    params: {s: {type: string}}\n    run: [x, \"{s}\"]\n");
	struct conf_step two[] = {{.name = TEXT("wait"), .kind = CONF_STEP_SLEEP}, c->recipes[0].steps[0]};
	struct conf_recipe r = c->recipes[0];
	struct buf out = {0};
	char why[256] = "";
	r.steps = two;
	r.step_count = 2;
	ck_assert_int_eq(recipe_check_payload(&r, slice("{\"s\":\"-f\"}"), &out, why), -EINVAL);
	ck_assert_str_eq(why, "parameter 's': may not begin with '-'");
	ck_assert_int_eq(recipe_check_payload(&r, slice("{\"s\":\"f\"}"), &out, why), 0);
	buf_clear(&out);
	conf_free(c);
}
END_TEST

/* ---- sleep ---- */

START_TEST (how_often_it_sleeps) {
	static const struct {
		char *times;
		const char *payload;
		int64_t want; /* −1: refused */
		const char *why;
	} rows[] = {
	    {NULL, "{}", 1, NULL},
	    {TEXT("0"), "{}", 0, NULL},
	    {TEXT("12"), "{}", 12, NULL},
	    {TEXT("1000000"), "{}", 1000000, NULL},
	    {TEXT("{n}"), "{\"n\":5}", 5, NULL},
	    {TEXT("{n}"), "{\"n\":0}", 0, NULL},
	    {TEXT("{n}"), "{\"n\":-1}", -1, "times: expected 0 to 1000000, not '-1'"},
	    {TEXT("{n}"), "{\"n\":1000001}", -1, "times: expected 0 to 1000000, not '1000001'"},
	    {TEXT("{n}"), "{\"n\":9223372036854775807}", -1,
		"times: expected 0 to 1000000, not '9223372036854775807'"},
	    {TEXT("{n}"), "{}", -1, "times: expected 0 to 1000000, not ''"},
	    {TEXT("{n}"), "{\"n\":\"5\"}", -1, "parameter 'n': expected a whole number"},
	};
	struct conf *c = conf_of("    params: {n: {type: integer}}\n    run: [x, \"{n}\"]\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct recipe_values values = {
		    .order = 1, .attempt = 1, .payload = slice(rows[i].payload)};
		const struct conf_step step = {
		    .name = TEXT("wait"), .kind = CONF_STEP_SLEEP, .times = rows[i].times};
		int64_t times = -1;
		char why[256] = "";
		int r = recipe_times(&c->recipes[0], &step, &values, &times, why);
		ck_assert_int_eq(r, rows[i].want < 0 ? -EINVAL : 0);
		ck_assert_int_eq(times, rows[i].want);
		if (r)
			ck_assert_str_eq(why, rows[i].why);
	}
	conf_free(c);
}
END_TEST

/* ---- the digest ---- */

static char *args[3] = {TEXT("x"), TEXT("yz"), NULL};
static struct conf_pair headers[2] = {{TEXT("A"), TEXT("b")}, {TEXT("C"), TEXT("d")}};
static struct conf_pair env[2] = {{TEXT("A"), TEXT("b")}, {TEXT("C"), TEXT("d")}};
static struct conf_step each[3];
static struct conf_param params[2];
static struct conf_recipe r;

static void reset(void)
{
	args[0] = TEXT("x");
	args[1] = TEXT("yz");
	headers[0].name = env[0].name = TEXT("A");
	headers[0].value = env[0].value = TEXT("b");
	each[0] = (struct conf_step){.name = TEXT("one"), .run = args, .pool = TEXT("default")};
	each[1] = (struct conf_step){
	    .name = TEXT("two"), .kind = CONF_STEP_SLEEP, .sleep_ms = 10, .times = TEXT("3")};
	each[2] = (struct conf_step){.name = TEXT("three"),
	    .kind = CONF_STEP_HTTP,
	    .http = {.method = TEXT("GET"),
		.url = TEXT("http://h/"),
		.headers = headers,
		.header_count = 2,
		.expect = {[200] = true}}};
	params[0] = (struct conf_param){.name = TEXT("p"), .max = CONF_NONE};
	params[1] = (struct conf_param){.name = TEXT("q"), .max = CONF_NONE, .type = CONF_PARAM_PATH};
	r = (struct conf_recipe){.name = TEXT("r"),
	    .has_params = true,
	    .params = params,
	    .param_count = 2,
	    .steps = each,
	    .step_count = 3,
	    .env = env,
	    .env_count = 2,
	    .result_max = 5};
}

/* Each changes one thing. */
#define CHANGE(name, what)     \
	static void name(void) \
	{                      \
		what;          \
	}
CHANGE(another_name, each[0].name = TEXT("One"))
CHANGE(text_moves_between_arguments, (args[0] = TEXT("xy"), args[1] = TEXT("z")))
CHANGE(argument_less, args[1] = NULL)
CHANGE(empty_argument, args[1] = TEXT(""))
CHANGE(input, each[0].stdin_text = TEXT("payload"))
CHANGE(empty_input, each[0].stdin_text = TEXT(""))
CHANGE(longer, each[1].sleep_ms = 11)
CHANGE(oftener, each[1].times = TEXT("4"))
CHANGE(once, each[1].times = NULL)
CHANGE(kind, each[1].kind = CONF_STEP_HTTP)
CHANGE(method, each[2].http.method = TEXT("PUT"))
CHANGE(url, each[2].http.url = TEXT("http://h/x"))
CHANGE(header_name, headers[0].name = TEXT("B"))
CHANGE(header_value, headers[0].value = TEXT("c"))
CHANGE(header_moves, (headers[0].name = TEXT("Ab"), headers[0].value = TEXT("")))
CHANGE(header_less, each[2].http.header_count = 1)
CHANGE(body, each[2].http.body = TEXT("1"))
CHANGE(json, each[2].http.json = TEXT("1"))
CHANGE(expect, each[2].http.expect[404] = true)
CHANGE(expect_less, each[2].http.expect[200] = false)
CHANGE(redirects, each[2].http.redirects = 1)
CHANGE(answer_max, each[2].http.result_max = 1)
CHANGE(authorities, each[2].http.ca = TEXT("/ca"))
CHANGE(step_less, r.step_count = 2)
CHANGE(env_value, env[0].value = TEXT("c"))
CHANGE(env_less, r.env_count = 1)
CHANGE(folder, r.chdir = TEXT("/"))
CHANGE(result, r.result = CONF_RESULT_NONE)
CHANGE(result_max, r.result_max = 6)

CHANGE(param_name, params[0].name = TEXT("o"))
CHANGE(param_type, params[0].type = CONF_PARAM_INTEGER)
CHANGE(param_default, params[0].default_json = TEXT("\"x\""))
CHANGE(param_under, params[1].under = args)
CHANGE(param_less, r.param_count = 1)
CHANGE(no_param, r.param_count = 0)
CHANGE(no_params, (r.has_params = false, r.param_count = 0))

CHANGE(param_bounds, (params[0].max = 5, params[0].required = true))
CHANGE(other_recipe_name, r.name = TEXT("s"))
CHANGE(pool, each[0].pool = TEXT("other"))
CHANGE(time_limit, each[0].timeout_ms = 5)
CHANGE(retries, each[0].retries = 5)

START_TEST (the_digest_tells_recipes_apart) {
	static void (*const changes[])(void) = {another_name, text_moves_between_arguments, argument_less,
	    empty_argument, input, empty_input, longer, oftener, once, kind, method, url, header_name,
	    header_value, header_moves, header_less, body, json, expect, expect_less, redirects, answer_max,
	    authorities, step_less, env_value, env_less, folder, result, result_max, param_name, param_type,
	    param_default, param_under, param_less, no_param, no_params};
	enum { COUNT = sizeof changes / sizeof *changes };
	uint64_t seen[COUNT + 1];
	reset();
	seen[COUNT] = recipe_digest(&r);
	ck_assert_uint_ne(seen[COUNT], 0);
	for (size_t i = 0; i < COUNT; i++) {
		reset();
		changes[i]();
		seen[i] = recipe_digest(&r);
		ck_assert_msg(seen[i] != seen[COUNT], "change %zu", i);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(seen[j] != seen[i], "changes %zu and %zu", i, j);
	}
}
END_TEST

START_TEST (the_digest_stays_when_the_steps_do) {
	static void (*const changes[])(void) = {
	    reset, param_bounds, other_recipe_name, pool, time_limit, retries};
	reset();
	uint64_t digest = recipe_digest(&r);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		reset();
		changes[i]();
		ck_assert_uint_eq(recipe_digest(&r), digest);
	}
	/* It is in databases: another number would make steps be done again. */
	ck_assert_uint_eq(digest, 0x01efe0f386299aefULL);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("commands");
	tcase_add_test(t, results_of_earlier_steps_in_a_command);
	tcase_add_test(t, a_result_that_is_not_there_or_not_whole);
	tcase_add_test(t, any_bytes_in_standard_input);
	tcase_add_test(t, a_step_that_the_recipe_has_no_more);
	tcase_add_test(t, light_steps_do_not_disturb_the_parameters);
	t = unit_case("sleep");
	tcase_add_test(t, how_often_it_sleeps);
	t = unit_case("digest");
	tcase_add_test(t, the_digest_tells_recipes_apart);
	tcase_add_test(t, the_digest_stays_when_the_steps_do);
	return unit_run();
}
