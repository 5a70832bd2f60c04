/* bakery.yaml(5) against the table of the keys: every key with its default and bounds, and no key that does not exist. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/schema.h"
#include "conf/units.h"
#include "tests/unit/unit.h"

static char *page;

static void read_page(void)
{
	size_t room = 1 << 18;
	FILE *f = fopen(MANUAL, "r");
	ck_assert_msg(f != NULL, "%s", MANUAL);
	page = calloc(1, room);
	ck_assert_ptr_nonnull(page);
	ck_assert_uint_lt(fread(page, 1, room - 1, f), room - 1);
	fclose(f);
}

static void free_page(void)
{
	free(page);
}

/* The text of a section, as a copy to be freed. */
static char *section_text(const char *name)
{
	char heading[100];
	snprintf(heading, sizeof heading, "\n.Sh SECTION: %s\n", *name ? name : "THE TOP");
	const char *begin = strstr(page, heading);
	ck_assert_msg(begin != NULL, "the manual has no section %s", heading + 1);
	begin += strlen(heading);
	const char *end = strstr(begin, "\n.Sh ");
	return strndup(begin, end ? (size_t)(end - begin) + 1 : strlen(begin));
}

/* Whether the line of an item, ".It Cm a , b No (what)", is about this key. */
static bool is_about(const char *line, const char *key)
{
	size_t len = strlen(key);
	for (const char *c = line + 6; *c && *c != '\n' && strncmp(c, " No ", 4) != 0; c++) {
		if (c[-1] == ' ' && strncmp(c, key, len) == 0 && (c[len] == ' ' || c[len] == '\n'))
			return true;
	}
	return false;
}

/* The item of a key, as a copy to be freed; NULL when there is none. */
static char *item_text(const char *section, const char *key)
{
	for (const char *line = strstr(section, ".It Cm "); line; line = strstr(line + 1, "\n.It Cm ")) {
		line += *line == '\n';
		if (!is_about(line, key))
			continue;
		const char *end = strstr(line, "\n.It ");
		return strndup(line, end ? (size_t)(end - line) + 1 : strlen(line));
	}
	return NULL;
}

static void check_bounds(const struct section *s, const struct setting *one, const char *item)
{
	char low[32], high[32], want[80];
	const char *written = strstr(item, " to "), *line = strchr(item, '\n');
	if (one->type != SETTING_INT && one->type != SETTING_NUMBER && !(written && written < line))
		return;
	if (one->type == SETTING_DURATION) {
		units_format_duration(one->min, low);
		units_format_duration(one->max, high);
	} else if (one->type == SETTING_SIZE) {
		snprintf(low, sizeof low, "%s", one->min ? units_format_size((uint64_t)one->min, high) : "0");
		units_format_size((uint64_t)one->max, high);
	} else {
		snprintf(low, sizeof low, "%" PRId64 "%s", one->min, one->type == SETTING_PERCENT ? "%" : "");
		snprintf(
		    high, sizeof high, "%" PRId64 "%s", one->max, one->type == SETTING_PERCENT ? "%" : "");
	}
	snprintf(want, sizeof want, "%s to %s", low, high);
	ck_assert_msg(
	    strstr(item, want) != NULL, "%s.%s: the manual does not say %s", s->name, one->key, want);
}

static void check_setting(const struct section *s, const struct setting *one, const char *text)
{
	char want[80];
	char *item = item_text(text, one->key);
	ck_assert_msg(item != NULL, "%s: the manual does not have %s", s->name, one->key);
	snprintf(want, sizeof want, "Default: %s", one->fallback && *one->fallback ? one->fallback : "empty");
	if (one->fallback)
		ck_assert_msg(
		    strstr(item, want) != NULL, "%s.%s: the manual does not say %s", s->name, one->key, want);
	if (one->type != SETTING_PART && one->type != SETTING_NAMED && one->type != SETTING_ITEMS)
		check_bounds(s, one, item);
	for (const struct setting_word *w = one->words; w && w->word; w++)
		ck_assert_msg(strstr(item, w->word) != NULL, "%s.%s: the manual does not have %s", s->name,
		    one->key, w->word);
	free(item);
}

/* Every key that an item is about is one of the section. */
static void check_items(const struct section *s, const char *text)
{
	for (const char *line = strstr(text, ".It Cm "); line; line = strstr(line + 1, ".It Cm ")) {
		const char *c = line + strlen(".It Cm ");
		while (*c && *c != '\n' && strncmp(c, "No ", 3) != 0) {
			size_t len = strcspn(c, " \n");
			char key[40];
			snprintf(key, sizeof key, "%.*s", (int)len, c);
			ck_assert_msg(strcmp(key, ",") == 0 || schema_find(s, key) != NULL,
			    "%s: there is no key %s", s->name, key);
			c += len;
			c += *c == ' ';
		}
	}
}

static int check_section(const struct section *s)
{
	int keys = 0;
	char *text = section_text(s->name);
	check_items(s, text);
	for (size_t i = 0; i < s->count; i++) {
		check_setting(s, &s->settings[i], text);
		keys++;
		if (s->settings[i].section)
			keys += check_section(s->settings[i].section);
	}
	free(text);
	return keys;
}

START_TEST (the_manual_has_every_key) {
	ck_assert_int_gt(check_section(&schema_top), 60);
}
END_TEST

/* The sample has each of them too, as a key or commented out. */
static void check_sample(const struct section *s)
{
	for (size_t i = 0; i < s->count; i++) {
		char key[40];
		snprintf(key, sizeof key, "%s:", s->settings[i].key);
		ck_assert_msg(strstr(page, key) != NULL, "the sample does not have %s", key);
		if (s->settings[i].section)
			check_sample(s->settings[i].section);
	}
}

START_TEST (the_sample_has_every_key) {
	FILE *f = fopen(SAMPLE, "r");
	ck_assert_ptr_nonnull(f);
	memset(page, 0, 1 << 18);
	ck_assert_uint_gt(fread(page, 1, (1 << 18) - 1, f), 0);
	fclose(f);
	check_sample(&schema_top);
}
END_TEST

/* Returns what comes after it; NULL when there is none. */
static const char *parse_example(const char *from)
{
	static const char begin[] = "\n.Bd -literal";
	char path[] = "example";
	struct conf_report report = {0};
	struct conf *c = NULL;
	const char *text = strstr(from, begin);
	if (!text)
		return NULL;
	text = strchr(text + 1, '\n') + 1;
	const char *end = strstr(text, "\n.Ed\n");
	ck_assert_ptr_nonnull(end);
	struct conf_source source = {
	    .path = path, .bytes = strndup(text, (size_t)(end - text)), .len = (size_t)(end - text)};
	int r = conf_parse(&(struct conf_sources){.items = &source, .count = 1}, &c, &report);
	ck_assert_msg(r == 0, "%s", report.error_count ? report.errors[0] : "");
	conf_free(c);
	conf_report_clear(&report);
	free(source.bytes);
	return end;
}

START_TEST (the_examples_are_taken) {
	int n = 0;
	setenv("XDG_RUNTIME_DIR", unit_dir(), 1);
	for (const char *at = strstr(page, "\n.Sh EXAMPLES\n"); (at = parse_example(at)); n++)
		;
	ck_assert_int_eq(n, 2);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("manual");
	tcase_add_checked_fixture(t, read_page, free_page);
	tcase_add_test(t, the_manual_has_every_key);
	tcase_add_test(t, the_sample_has_every_key);
	tcase_add_test(t, the_examples_are_taken);
	return unit_run();
}
