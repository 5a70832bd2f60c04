#include "tests/unit/conf_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

struct conf_report conf_text_report;

/* A directory of our own is home and runtime directory. */
void conf_text_be_a_person(void)
{
	setenv("HOME", unit_dir(), 1);
	setenv("XDG_RUNTIME_DIR", unit_dir(), 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("STATE_DIRECTORY");
	unsetenv("BAKERY_CONF");
}

int conf_text_parse_as(const char *path, const char *text, struct conf **out)
{
	char *name = strdup(path), *bytes = strdup(text);
	struct conf_source source = {.path = name, .bytes = bytes, .len = strlen(text)};
	const struct conf_sources sources = {.items = &source, .count = 1};
	conf_report_clear(&conf_text_report);
	int r = conf_parse(&sources, out, &conf_text_report);
	free(name);
	free(bytes);
	return r;
}

/* What is right, with all errors in the message when it is not. */
struct conf *conf_text_parse(const char *text)
{
	struct conf *c = NULL;
	int r = conf_text_parse_as("t", text, &c);
	ck_assert_msg(r == 0, "%d: %s", r, conf_text_report.error_count ? conf_text_report.errors[0] : "");
	return c;
}

/* All errors, a line each. */
const char *conf_text_errors(const char *text)
{
	static char all[8192];
	struct conf *c = NULL;
	int r = conf_text_parse_as("t", text, &c);
	all[0] = 0;
	for (size_t i = 0, n = 0; i < conf_text_report.error_count; i++)
		n += (size_t)snprintf(
		    all + n, sizeof all - n, "%s%s", i ? "\n" : "", conf_text_report.errors[i]);
	ck_assert_int_eq(r, conf_text_report.error_count ? -EINVAL : 0);
	conf_free(c);
	return all;
}

bool conf_text_warned(const char *text)
{
	for (size_t i = 0; i < conf_text_report.warning_count; i++) {
		if (strcmp(conf_text_report.warnings[i], text) == 0)
			return true;
	}
	return false;
}

static char *print(const char *text)
{
	char *printed;
	struct conf *c = conf_text_parse(text);
	ck_assert_int_eq(conf_print(c, &printed), 0);
	conf_free(c);
	return printed;
}

char *conf_text_print(const char *text)
{
	char *first = print(text), *second = print(first);
	ck_assert_str_eq(first, second);
	free(second);
	return first;
}
