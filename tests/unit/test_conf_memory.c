/* Memory that is refused while a configuration is read: -ENOMEM, nothing half-made, nothing left behind (the sanitizer looks). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

static char yaml[] = "listen: [{unix: /tmp/s}, {tcp: \"[::1]:2253\"}]\n"
		     "state_dir: /tmp/state\n"
		     "recipes:\n"
		     "  a:\n"
		     "    params: {l: {type: list, default: [x, y]}, n: {type: number, default: 1}}\n"
		     "    run: [x, \"{l}\"]\n"
		     "    stdin: \"{n}\"\n"
		     "    env: {A: b}\n"
		     "    no_retry: [1, 2]\n"
		     "users: [{name: u, password: \"…\", unix: [a], allow: [order a]}]\n";
static char steps_yaml[] =
    "recipes:\n"
    "  a:\n"
    "    params: {l: {type: list}, n: {type: integer, default: 1}}\n"
    "    steps:\n"
    "      - {sleep: 1s, times: \"{n}\"}\n"
    "      - {http: {url: \"http://h/{n}\", headers: {A: b}, json: {a: [1, \"{l}\"]}}}\n"
    "      - {name: b, http: {url: \"http://h\", body: x, expect: [200]}, retries: 1}\n"
    "      - {run: [x, \"{step.http}\", \"{l}\"], stdin: \"{step.b}\", pool: default}\n"
    "      - {name: c, http: {url: \"http://h\", json: "
    "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}}\n";
static char wrong_steps_yaml[] =
    "recipes: {a: {steps: [{}, {sleep: 1s, times: x}, {run: [\"{step.x}\"], timeout: 1}, {http: "
    "{json: 01}}, {sleep: 1s}, {sleep: 1s}, {http: {url: x, headers: {Host: a, host: b}, method: get}}]}}\n";
static char wrong_yaml[] = "recipes: {a: {run: [x, \"{y}\"], zebra: 1}, a: {}}\nlog: 7\n";

static void parse_with_less_and_less(char *text, int expected)
{
	char path[] = "t";
	struct conf_source source = {.path = path, .bytes = text, .len = strlen(text)};
	const struct conf_sources sources = {.items = &source, .count = 1};
	int r = -ENOMEM;
	long n = 0;
	for (; r == -ENOMEM; n++) {
		struct conf *c = NULL;
		struct conf_report report = {0};
		refuse_memory_after(n);
		r = conf_parse(&sources, &c, &report);
		refuse_memory_never();
		ck_assert(r == -ENOMEM || r == expected);
		ck_assert((c != NULL) == (r == 0));
		conf_free(c);
		conf_report_clear(&report);
	}
	ck_assert_int_gt(n, 5);
}

START_TEST (a_good_one) {
	parse_with_less_and_less(yaml, 0);
}
END_TEST

START_TEST (a_wrong_one) {
	parse_with_less_and_less(wrong_yaml, -EINVAL);
}
END_TEST

/* Before it stand more and more bytes, so that the arena asks for memory now at this piece, now at that. */
static void parse_at_many_places(const char *text, int expected)
{
	enum { ARENA_CHUNK = 8192, STEP = 16 };
	for (int before = 0; before < ARENA_CHUNK; before += STEP) {
		char *all;
		ck_assert_int_gt(asprintf(&all, "state_dir: /%0*d\n%s", before / 4 + 1, 0, text), 0);
		parse_with_less_and_less(all, expected);
		free(all);
	}
}

START_TEST (steps) {
	parse_at_many_places(steps_yaml, 0);
}
END_TEST

START_TEST (wrong_steps) {
	parse_at_many_places(wrong_steps_yaml, -EINVAL);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("memory");
	tcase_add_test(t, a_good_one);
	tcase_add_test(t, a_wrong_one);
	tcase_add_test(t, steps);
	tcase_add_test(t, wrong_steps);
	return unit_run();
}
