/* The whole effective configuration as YAML, by the rows of the schema; what conf_parse() makes of it is the same again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/quote.h"
#include "conf/schema.h"
#include "conf/units.h"

static const void *at(const void *object, size_t offset)
{
	return (const char *)object + offset;
}

static int64_t load_int(const struct setting *s, const void *object)
{
	const void *p = at(object, s->offset);
	if (s->size == sizeof(int64_t))
		return *(const int64_t *)p;
	return s->size == sizeof(int) ? *(const int *)p : *(const bool *)p;
}

/* In double quotes unless it is a plain word of letters. */
static void put_text(FILE *f, const char *text)
{
	static const char *const not_texts[] = {
	    "null", "true", "false", "none", "yes", "no", "on", "off", "y", "n"};
	bool plain = *text &&
		     strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_/") ==
			 strlen(text) &&
		     text[0] != '-';
	for (size_t i = 0; i < sizeof not_texts / sizeof *not_texts; i++)
		plain = plain && strcasecmp(text, not_texts[i]) != 0;
	if (plain) {
		fputs(text, f);
		return;
	}
	quote_put(f, text);
}

static void put_texts(FILE *f, char *const *list)
{
	putc('[', f);
	for (char *const *text = list; *text; text++) {
		fputs(text == list ? "" : ", ", f);
		put_text(f, *text);
	}
	putc(']', f);
}

static void put_statuses(FILE *f, const bool *statuses)
{
	const char *between = "";
	putc('[', f);
	for (int i = 0; i < 256; i++) {
		if (statuses[i]) {
			fprintf(f, "%s%d", between, i);
			between = ", ";
		}
	}
	putc(']', f);
}

static const char *word_of(const struct setting_word *words, int64_t value)
{
	while (words->word && words->value != value)
		words++;
	return words->word;
}

static bool is_written(const struct setting *s, const void *object)
{
	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_NAME:
	case SETTING_PATH:
		return *(char *const *)at(object, s->offset) != NULL;
	case SETTING_TEXTS:
		return *(char **const *)at(object, s->offset) != NULL;
	case SETTING_BOOL:
		/* Only parameters have some: false is how they begin, and not every type knows them. */
		return load_int(s, object);
	default:
		return s->type != SETTING_SPECIAL;
	}
}

/* A value that fits on its line. */
static void put_value(FILE *f, const struct setting *s, const void *object)
{
	char text[32];
	const void *p = at(object, s->offset);
	if (s->none && load_int(s, object) == CONF_NONE) {
		fputs("none", f);
		return;
	}
	switch (s->type) {
	case SETTING_TEXT:
	case SETTING_NAME:
	case SETTING_PATH:
		put_text(f, *(char *const *)p);
		break;
	case SETTING_DURATION:
		fputs(units_format_duration(load_int(s, object), text), f);
		break;
	case SETTING_SIZE:
		fputs(units_format_size(*(const uint64_t *)p, text), f);
		break;
	case SETTING_INT:
		fprintf(f, "%" PRId64, load_int(s, object));
		break;
	case SETTING_NUMBER:
		fputs(units_format_number(*(const double *)p, text), f);
		break;
	case SETTING_PERCENT:
		fprintf(f, "%" PRId64 "%%", load_int(s, object));
		break;
	case SETTING_BOOL:
		fputs("true", f);
		break;
	case SETTING_WORD:
		fputs(word_of(s->words, load_int(s, object)), f);
		break;
	case SETTING_TEXTS:
		put_texts(f, *(char **const *)p);
		break;
	case SETTING_STATUSES:
		put_statuses(f, p);
		break;
	default:
		break;
	}
}

static void put_listen(FILE *f, const struct conf_listen *l)
{
	if (l->kind == CONF_LISTEN_TCP) {
		fprintf(f, "  - tcp: \"%s%s%s:%u\"\n", strchr(l->host, ':') ? "[" : "", l->host,
		    strchr(l->host, ':') ? "]" : "", l->port);
		return;
	}
	fputs("  - unix: ", f);
	put_text(f, l->path);
	fprintf(f, "\n    mode: %04o\n", l->mode);
	if (l->group) {
		fputs("    group: ", f);
		put_text(f, l->group);
		putc('\n', f);
	}
}

/* The bounds and the default of a parameter, which mean different things for different types. */
static void put_param_specials(FILE *f, const struct conf_param *p, int indent)
{
	char text[32];
	if (p->default_json)
		fprintf(f, "%*sdefault: %s\n", indent, "", p->default_json);
	if (p->has_minimum)
		fprintf(f, "%*smin: %s\n", indent, "", units_format_number(p->minimum, text));
	if (p->has_maximum)
		fprintf(f, "%*smax: %s\n", indent, "", units_format_number(p->maximum, text));
	if (p->max != CONF_NONE)
		fprintf(f, "%*smax: %" PRId64 "\n", indent, "", p->max);
}

static void put_pairs(FILE *f, const struct setting *s, const void *object, int indent)
{
	const struct conf_pair *pairs = *(struct conf_pair *const *)at(object, s->offset);
	size_t count = *(const size_t *)at(object, s->other);
	if (count)
		fprintf(f, "%*s%s:\n", indent, "", s->key);
	for (size_t i = 0; i < count; i++) {
		fprintf(f, "%*s", indent + 2, "");
		put_text(f, pairs[i].name);
		fputs(": ", f);
		put_text(f, pairs[i].value);
		putc('\n', f);
	}
}

static void put_step_specials(FILE *f, const struct conf_step *step, int indent)
{
	if (step->kind != CONF_STEP_SLEEP)
		return;
	fprintf(f, "%*stimes: ", indent, "");
	if (step->times[0] == '{')
		put_text(f, step->times);
	else
		fputs(step->times, f);
	putc('\n', f);
}

static bool has_all(const bool *statuses)
{
	return memchr(statuses, false, 100) == NULL;
}

static void put_http_specials(FILE *f, const struct conf_http *http, int indent)
{
	const char *between = "";
	fprintf(f, "%*sexpect: [", indent, "");
	for (int i = 100; i < 600; i++) {
		if (!http->expect[i])
			continue;
		if (i % 100 == 0 && i >= 200 && i <= 400 && has_all(http->expect + i)) {
			fprintf(f, "%s%dxx", between, i / 100);
			i += 99;
		} else {
			fprintf(f, "%s%d", between, i);
		}
		between = ", ";
	}
	fputs("]\n", f);
	if (http->json)
		fprintf(f, "%*sjson: %s\n", indent, "", http->json);
}

/* Keys that another kind of step has, and those that would be said twice or of nothing. */
static bool is_left_out(const struct section *s, const struct setting *one, const void *object)
{
	const struct conf_step *step = object;
	if (s == &schema_step && strcmp(one->key, "sleep") == 0)
		return step->kind != CONF_STEP_SLEEP;
	if (s == &schema_step && strcmp(one->key, "http") == 0)
		return step->kind != CONF_STEP_HTTP;
	if (s == schema_find(&schema_step, "http")->section)
		return strcmp(one->key, "timeout") == 0;
	if (s == schema_find(&schema_top, "recipes")->section && strcmp(one->key, "pool") == 0)
		return !conf_recipe_needs_pool(object);
	return false;
}

static void put_section(FILE *f, const struct section *s, const void *object, int indent);

static void put_objects(FILE *f, const struct setting *s, const void *object, int indent)
{
	const char *one = *(const char *const *)at(object, s->offset);
	size_t count = *(const size_t *)at(object, s->other);
	bool recipe_params = strcmp(s->key, "params") == 0;
	if (recipe_params && !((const struct conf_recipe *)object)->has_params)
		return;
	fprintf(f, "%*s%s:%s\n", indent, "", s->key, count ? "" : s->type == SETTING_NAMED ? " {}" : " []");
	for (size_t i = 0; i < count; i++, one += s->section->size) {
		if (strcmp(s->key, "listen") == 0) {
			put_listen(f, (const struct conf_listen *)one);
			continue;
		}
		if (s->type == SETTING_NAMED) {
			/* pools, recipes and params begin alike */
			fprintf(f, "%*s", indent + 2, "");
			put_text(f, ((const struct conf_pool *)one)->name);
			fputs(":\n", f);
		} else {
			fprintf(f, "%*s-\n", indent + 2, "");
		}
		put_section(f, s->section, one, indent + 4);
		if (recipe_params)
			put_param_specials(f, (const struct conf_param *)one, indent + 4);
		if (s->section == &schema_step)
			put_step_specials(f, (const struct conf_step *)one, indent + 4);
	}
}

static void put_section(FILE *f, const struct section *s, const void *object, int indent)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct setting *one = &s->settings[i];
		if (is_left_out(s, one, object))
			continue;
		if (one->type == SETTING_PART) {
			fprintf(f, "%*s%s:\n", indent, "", one->key);
			put_section(f, one->section, object, indent + 2);
			if (strcmp(one->key, "http") == 0)
				put_http_specials(f, &((const struct conf_step *)object)->http, indent + 2);
		} else if (one->type == SETTING_ITEMS || one->type == SETTING_NAMED) {
			put_objects(f, one, object, indent);
		} else if (one->type == SETTING_PAIRS || one->type == SETTING_HEADERS) {
			put_pairs(f, one, object, indent);
		} else if (one->type == SETTING_TEXT && strcmp(one->key, "password") == 0) {
			if (((const struct conf_user *)object)->password)
				fprintf(f, "%*spassword: \"…\"\n", indent, "");
		} else if (is_written(one, object)) {
			fprintf(f, "%*s%s: ", indent, "", one->key);
			put_value(f, one, object);
			putc('\n', f);
		}
	}
}

int conf_print(const struct conf *c, char **out_text)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	put_section(f, &schema_top, c, 0);
	bool failed = ferror(f);
	if (fclose(f) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*out_text = text;
	return 0;
}
