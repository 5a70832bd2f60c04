#include "tests/unit/recipe_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

struct conf *conf_of(const char *recipe)
{
	char *text = NULL;
	struct conf *c = NULL;
	struct conf_report report = {0};
	ck_assert_int_gt(
	    asprintf(&text, "listen: [{unix: /x}]\nstate_dir: /x\nrecipes:\n  r:\n%s", recipe), 0);
	struct conf_source source = {.path = (char[]){"t.yaml"}, .bytes = text, .len = strlen(text)};
	const struct conf_sources sources = {.items = &source, .count = 1};
	int r = conf_parse(&sources, &c, &report);
	ck_assert_msg(r == 0, "%s", report.error_count ? report.errors[0] : "memory");
	conf_report_clear(&report);
	free(text);
	return c;
}

struct slice slice(const char *text)
{
	return (struct slice){text, strlen(text)};
}
