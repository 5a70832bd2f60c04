/* Steps of recipes that are right: what is warned of, what is read, what is printed. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/conf_text.h"
#include "tests/unit/unit.h"

/* ---- warnings ---- */

START_TEST (what_is_allowed_but_odd_is_told) {
	conf_text_be_a_person();
	conf_free(
	    conf_text_parse("recipes:\n"
			    "  a:\n"
			    "    timeout: 10s\n"
			    "    pool: nowhere\n"
			    "    params: {n: {type: integer}, m: {type: integer, required: true, min: 0}}\n"
			    "    steps:\n"
			    "    - {sleep: 1s, timeout: 11s, times: '{n}'}\n"
			    "    - {http: {url: 'http://h', timeout: 12s, ca: /no/such/file}}\n"
			    "    - {sleep: 1s, name: s, timeout: 10s, times: '{m}'}\n"
			    "  b: {steps: [{http: {url: 'http://h'}}], timeout: 10s}\n"
			    "  c: {steps: [{sleep: 1s}]}\n"
			    "  d:\n"
			    "    timeout: 10s\n"
			    "    steps:\n"
			    "    - {sleep: 11s}\n"
			    "    - {name: e, sleep: 5s, timeout: 9s, times: 2}\n"
			    "    - {name: f, sleep: 5s, times: 2}\n"
			    "    - {name: g, sleep: 36500d, times: 0}\n"
			    "limits: {connections: 1000000, running: 5}\n"));
	ck_assert(conf_text_warned("t:4:11: recipes.a.pool: no step is done there"));
	ck_assert(
	    conf_text_warned("t:15:15: recipes.d.steps[0].sleep: is more than the time that it has, 10s"));
	ck_assert(
	    conf_text_warned("t:16:24: recipes.d.steps[1].sleep: is more than the time that it has, 9s"));
	for (size_t i = 0; i < conf_text_report.warning_count; i++) {
		ck_assert_ptr_null(strstr(conf_text_report.warnings[i], "d.steps[2]"));
		ck_assert_ptr_null(strstr(conf_text_report.warnings[i], "d.steps[3]"));
	}
	ck_assert(conf_text_warned(
	    "t:7:28: recipes.a.steps[0].timeout: is longer than the recipe's, 10s, which ends "
	    "the attempt before"));
	ck_assert(conf_text_warned(
	    "t:7:40: recipes.a.steps[0].times: an order without n fails: say required: true, "
	    "or a default"));
	ck_assert(conf_text_warned(
	    "t:8:41: recipes.a.steps[1].http.timeout: is longer than the recipe's, 10s, which "
	    "ends the attempt before"));
	ck_assert(
	    conf_text_warned("t:8:50: recipes.a.steps[1].http.ca: /no/such/file: No such file or directory"));
	ck_assert(
	    conf_text_warned("t:9:49: recipes.a.steps[2].times: an order with a m that is not 0 to 1000000 "
			     "fails: give it min and max"));
	ck_assert(
	    conf_text_warned("t:11:3: recipes.c.timeout: is not set: an attempt may take for ever; say how "
			     "long, or none"));
	for (size_t i = 0; i < conf_text_report.warning_count; i++)
		ck_assert_ptr_null(strstr(conf_text_report.warnings[i], "recipes.b"));
}
END_TEST

/* ---- what is read ---- */

static const char cake[] =
    "pools: {ovens: {}}\n"
    "recipes:\n"
    "  cake:\n"
    "    params:\n"
    "      flavour: {type: string, required: true}\n"
    "      eggs: {type: integer, min: 0, max: 12, default: 3}\n"
    "      toppings: {type: list, default: []}\n"
    "    timeout: 1m\n"
    "    result_max: 64KiB\n"
    "    pool: ovens\n"
    "    env: {OVEN: '{worker}'}\n"
    "    steps:\n"
    "      - {name: gather, http: {url: 'http://127.0.0.1:8000/{flavour}.json?n={order.id}', timeout: 10s}}\n"
    "      - {name: mix, sleep: 200ms, times: '{eggs}'}\n"
    "      - {sleep: 0}\n"
    "      - {name: shape, run: [shape, '{toppings}', '{worker}'], timeout: 5s, retries: 2}\n"
    "      - name: bake\n"
    "        run: [bake, '--flavour={flavour}']\n"
    "        stdin: '{step.gather}{step.shape}'\n"
    "        pool: default\n"
    "      - retries: 1000\n"
    "        http:\n"
    "          url: https://h/\n"
    "          headers: {Host: other, X-Order: '{order.id}', 'true': '', Idempotency-Key: k}\n"
    "          json: {s: '{step.bake}', list: '{toppings}', n: [1, -0.5e+3, true, ~, 'x\"y'], 'a{b}': {}}\n"
    "          expect: [200, 3xx, 404]\n"
    "          redirects: 20\n"
    "          result_max: 1KiB\n"
    "          ca: /dev/null\n"
    "      - {name: say, http: {url: 'http://h', body: 'a {flavour} cake', method: PUT, timeout: none}}\n"
    "      - {name: again, sleep: 1d, times: 1000000, timeout: none}\n"
    "  light: {steps: [{sleep: 1s}], timeout: none}\n"
    "  opaque: {timeout: none, steps: [{http: {url: 'http://h/{payload}', body: '{payload}'}}, {run: [x], "
    "stdin: payload}]}\n";

START_TEST (every_key_of_every_kind_is_read) {
	conf_text_be_a_person();
	struct conf *c = conf_text_parse(cake);
	const struct conf_recipe *r = &c->recipes[0];
	const struct conf_step *s = r->steps;
	ck_assert_int_eq(c->limits.http_per_host, 100);
	ck_assert_uint_eq(r->step_count, 8);

	ck_assert_str_eq(s[0].name, "gather");
	ck_assert_int_eq(s[0].kind, CONF_STEP_HTTP);
	ck_assert(!conf_step_is_heavy(&s[0]));
	ck_assert_str_eq(s[0].http.method, "GET");
	ck_assert_str_eq(s[0].http.url, "http://127.0.0.1:8000/{flavour}.json?n={order.id}");
	ck_assert_int_eq(s[0].timeout_ms, 10000);
	ck_assert_int_eq(s[0].retries, 0);
	ck_assert_int_eq(s[0].http.redirects, 0);
	ck_assert_uint_eq(s[0].http.result_max, 64 << 10);
	ck_assert_uint_eq(s[0].http.header_count, 0);
	ck_assert_ptr_null(s[0].http.body);
	ck_assert_ptr_null(s[0].http.json);
	ck_assert_ptr_null(s[0].http.ca);
	ck_assert_ptr_null(s[0].run);
	ck_assert_ptr_null(s[0].pool);
	for (int i = 0; i < 600; i++)
		ck_assert_int_eq(s[0].http.expect[i], i >= 200 && i < 300);

	ck_assert_int_eq(s[1].kind, CONF_STEP_SLEEP);
	ck_assert_int_eq(s[1].sleep_ms, 200);
	ck_assert_str_eq(s[1].times, "{eggs}");
	ck_assert_int_eq(s[1].timeout_ms, CONF_NONE);
	ck_assert_str_eq(s[2].name, "sleep");
	ck_assert_int_eq(s[2].sleep_ms, 0);
	ck_assert_str_eq(s[2].times, "1");

	ck_assert(conf_step_is_heavy(&s[3]));
	ck_assert_str_eq(s[3].pool, "ovens");
	ck_assert_int_eq(s[3].timeout_ms, 5000);
	ck_assert_int_eq(s[3].retries, 2);
	ck_assert_uint_eq(s[3].uses, 0);
	ck_assert_str_eq(s[4].pool, "default");
	ck_assert_uint_eq(s[4].uses, 1 << 0 | 1 << 3);

	ck_assert_str_eq(s[5].name, "http");
	ck_assert_str_eq(s[5].http.method, "POST");
	ck_assert_int_eq(s[5].timeout_ms, 30000);
	ck_assert_int_eq(s[5].retries, 1000);
	ck_assert_uint_eq(s[5].uses, 1 << 4);
	ck_assert_uint_eq(s[5].http.header_count, 4);
	ck_assert_str_eq(s[5].http.headers[1].name, "X-Order");
	ck_assert_str_eq(s[5].http.headers[1].value, "{order.id}");
	ck_assert_str_eq(s[5].http.headers[2].value, "");
	ck_assert_str_eq(s[5].http.json,
	    "{\"s\": \"{step.bake}\", \"list\": \"{toppings}\", \"n\": [1, -0.5e+3, true, null, "
	    "\"x\\\"y\"], \"a{b}\": {}}");
	ck_assert(s[5].http.expect[200] && !s[5].http.expect[201] && s[5].http.expect[399] &&
		  s[5].http.expect[404]);
	ck_assert_int_eq(s[5].http.redirects, 20);
	ck_assert_uint_eq(s[5].http.result_max, 1024);
	ck_assert_str_eq(s[5].http.ca, "/dev/null");
	ck_assert_str_eq(s[6].http.method, "PUT");
	ck_assert_str_eq(s[6].http.body, "a {flavour} cake");
	ck_assert_int_eq(s[6].timeout_ms, CONF_NONE);
	ck_assert_str_eq(s[7].times, "1000000");
	conf_free(c);
}
END_TEST

START_TEST (a_pool_is_needed_by_run_steps_only) {
	conf_text_be_a_person();
	struct conf *c = conf_text_parse(
	    "pools: {ovens: {}}\n"
	    "recipes: {a: {steps: [{sleep: 1s}]}, b: {steps: [{run: [x], pool: ovens}]}}\n");
	ck_assert_uint_eq(c->pool_count, 1);
	ck_assert(!conf_recipe_needs_pool(&c->recipes[0]));
	ck_assert(!conf_recipe_needs_pool(&c->recipes[1]));
	conf_free(c);
	c = conf_text_parse(
	    "pools: {ovens: {}}\n"
	    "recipes: {b: {pool: ovens, steps: [{run: [x]}, {run: [x], name: y, pool: default}]}}\n");
	ck_assert_uint_eq(c->pool_count, 2);
	ck_assert(conf_recipe_needs_pool(&c->recipes[0]));
	conf_free(c);
}
END_TEST

/* ---- what is printed ---- */

START_TEST (what_is_printed_of_steps_means_the_same) {
	conf_text_be_a_person();
	char *text = conf_text_print(cake);
	struct conf *first = conf_text_parse(cake), *second = conf_text_parse(text);
	for (size_t i = 0; i < first->recipe_count; i++) {
		const struct conf_recipe *a = &first->recipes[i], *b = &second->recipes[i];
		ck_assert_uint_eq(a->step_count, b->step_count);
		for (size_t j = 0; j < a->step_count; j++) {
			ck_assert_str_eq(a->steps[j].name, b->steps[j].name);
			ck_assert_int_eq(a->steps[j].kind, b->steps[j].kind);
			ck_assert_uint_eq(a->steps[j].uses, b->steps[j].uses);
			ck_assert_int_eq(a->steps[j].timeout_ms, b->steps[j].timeout_ms);
			ck_assert_pstr_eq(a->steps[j].http.json, b->steps[j].http.json);
			ck_assert_mem_eq(a->steps[j].http.expect, b->steps[j].http.expect, 600);
		}
	}
	conf_free(first);
	conf_free(second);
	free(text);
	/* All that JSON can hold, and YAML not as it is. */
	free(conf_text_print(
	    "recipes: {r: {steps: [{http: {url: 'http://h', json: "
	    "{\"\\x01\\x7f\\x85\\u2028\\ufffe\\U0001F370\": "
	    "\"\\x01\\x7f\\x85\\u2028\\ufffe\\U0001F370\", ? 'c: {d}' : [[], {}, '', ' ', null]}}}]}}\n"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("warnings");
	tcase_add_test(t, what_is_allowed_but_odd_is_told);
	t = unit_case("read");
	tcase_add_test(t, every_key_of_every_kind_is_read);
	tcase_add_test(t, a_pool_is_needed_by_run_steps_only);
	t = unit_case("printed");
	tcase_add_test(t, what_is_printed_of_steps_means_the_same);
	return unit_run();
}
