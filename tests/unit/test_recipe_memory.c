/* Memory that is refused while a payload is checked and a command made: -ENOMEM, never a verdict on the payload, and nothing is left behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/recipe.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char *)(s))

static char yaml[] = "listen: [{unix: /tmp/s}]\nstate_dir: /tmp/state\nrecipes:\n"
		     "  a:\n"
		     "    params:\n"
		     "      l: {type: list, default: [x, y]}\n"
		     "      n: {type: number, default: 1}\n"
		     "      s: {type: string, pattern: '[a-z]+'}\n"
		     "    run: [x, \"{l}\", \"{n}\"]\n"
		     "    stdin: \"{n}\"\n"
		     "    env: {A: \"{s}\"}\n"
		     "    chdir: \"/{s}\"\n";
static const struct slice payload = {"{\"s\":\"abc\",\"n\":2.5}", 19};

static struct conf *load(void)
{
	char path[] = "t";
	struct conf *c = NULL;
	struct conf_report report = {0};
	struct conf_source source = {.path = path, .bytes = yaml, .len = strlen(yaml)};
	ck_assert_int_eq(conf_parse(&(struct conf_sources){.items = &source, .count = 1}, &c, &report), 0);
	conf_report_clear(&report);
	return c;
}

START_TEST (checking) {
	struct conf *c = load();
	int r = -ENOMEM;
	long n = 0;
	for (; r == -ENOMEM; n++) {
		struct buf out = {0};
		char why[256];
		refuse_memory_after(n);
		r = recipe_check_payload(&c->recipes[0], payload, &out, why);
		refuse_memory_never();
		ck_assert_msg(r == 0 || r == -ENOMEM, "%ld: %s", n, why);
		ck_assert_int_eq(out.len == 0, r != 0);
		buf_clear(&out);
	}
	ck_assert_int_gt(n, 5);
	conf_free(c);
}
END_TEST

START_TEST (expanding) {
	struct conf *c = load();
	int r = -ENOMEM;
	long n = 0;
	for (; r == -ENOMEM; n++) {
		struct recipe_command command = {0};
		char why[256];
		const struct recipe_values values = {.order = 1, .attempt = 1, .payload = payload};
		refuse_memory_after(n);
		r = recipe_expand(&c->recipes[0], &c->recipes[0].steps[0], &values, &command, why);
		refuse_memory_never();
		ck_assert_msg(r == 0 || r == -ENOMEM, "%ld: %s", n, why);
		recipe_command_clear(&command);
	}
	ck_assert_int_gt(n, 5);
	conf_free(c);
}
END_TEST

/* The same for what is made of a light step. */
START_TEST (expanding_light_steps) {
	struct conf *c = load();
	static char *const texts[] = {TEXT("POST"), TEXT("http://h/{s}?{step.a}"), TEXT("X-Name"),
	    TEXT("<{s}>"), TEXT("{\"{s}\": [\"{l}\", \"{n}\", \"{s}\", \"x{step.a}\", {}, null]}"),
	    TEXT("{n}")};
	struct conf_pair header = {texts[2], texts[3]};
	struct conf_step steps[] = {
	    {.name = texts[0], .kind = CONF_STEP_SLEEP, .times = texts[5]}, {.name = texts[2],
										.kind = CONF_STEP_HTTP,
										.http = {.method = texts[0],
										    .url = texts[1],
										    .headers = &header,
										    .header_count = 1,
										    .json = texts[4]}}};
	const struct recipe_result results[] = {
	    {.present = true, .bytes = {"\xc3\xbc", 2}}, {.present = false}};
	struct conf_recipe recipe = c->recipes[0];
	recipe.steps = steps;
	recipe.step_count = 2;
	steps[0].name = TEXT("a");
	for (int kind = 0; kind < 3; kind++) {
		int r = -ENOMEM;
		long n = 0;
		if (kind == 2) {
			steps[1].http.body = steps[1].http.url;
			steps[1].http.json = NULL;
		}
		for (; r == -ENOMEM; n++) {
			struct recipe_request request = {0};
			int64_t times;
			char why[256] = "";
			struct recipe_values values = {
			    .order = 1, .attempt = 1, .payload = payload, .results = results};
			if (kind == 0)
				values.payload = (struct slice){"{\"n\":2}", 7};
			refuse_memory_after(n);
			r = kind == 0 ? recipe_times(&recipe, &steps[0], &values, &times, why)
				      : recipe_expand_http(&recipe, &steps[1], &values, &request, why);
			refuse_memory_never();
			ck_assert_msg(r == 0 || r == -ENOMEM, "%ld: %s", n, why);
			recipe_request_clear(&request);
		}
		ck_assert_int_gt(n, 5);
	}
	conf_free(c);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("memory");
	tcase_add_test(t, checking);
	tcase_add_test(t, expanding);
	tcase_add_test(t, expanding_light_steps);
	return unit_run();
}
