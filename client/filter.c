/* LIST, page by page. */
#include "client/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/text.h"
#include "conf/units.h"

enum { PAGE = 500 };

/* A time on the command line: a duration before now, a local date with or without a time, or RFC 3339 in UTC.
 * False when it is none. */
static bool parse_time(const char *text, int64_t *out_ms)
{
	static const struct {
		const char *format;
		bool utc;
	} rows[] = {
	    {"%Y-%m-%dT%H:%M:%SZ", true},
	    {"%Y-%m-%d %H:%M:%S", false},
	    {"%Y-%m-%d %H:%M", false},
	    {"%Y-%m-%d", false},
	};
	int64_t ago;
	if (units_parse_duration(text, strlen(text), 0, &ago) == 0) {
		*out_ms = text_now_ms() - ago;
		return true;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, rows[i].format, &tm);
		if (!end || *end)
			continue;
		time_t seconds = rows[i].utc ? timegm(&tm) : mktime(&tm);
		*out_ms = (int64_t)seconds * 1000;
		return seconds != (time_t)-1;
	}
	return false;
}

static int time_option(struct cli *c, const char *name, const char *value, char out[24])
{
	int64_t ms;
	if (!parse_time(value, &ms))
		return cli_usage(
		    c, "--%s %s: neither a duration (1h) nor a time (2026-11-21 09:30)", name, value);
	snprintf(out, 24, "%" PRId64, ms);
	return 0;
}

int filter_option(struct cli *c, struct filter *f, int option, const char *value, int *status)
{
	switch (option) {
	case 'S':
		f->states = value;
		break;
	case 'C':
		f->recipe = value;
		break;
	case 'U':
		f->user = value;
		break;
	case 'A':
		f->cause = value;
		break;
	case 'F':
		*status = time_option(c, "since", value, f->since);
		break;
	case 'L':
		*status = time_option(c, "until", value, f->until);
		break;
	default:
		return 0;
	}
	f->given = true;
	return *status ? -1 : 1;
}

static size_t make_words(
    const struct filter *f, const char *cursor, const char *page, struct slice words[static 20])
{
	const struct {
		const char *name, *value;
	} options[] = {
	    {"STATE", f->states},
	    {"RECIPE", f->recipe},
	    {"USER", f->user},
	    {"CAUSE", f->cause},
	    {"SINCE", *f->since ? f->since : NULL},
	    {"UNTIL", *f->until ? f->until : NULL},
	    {"CURSOR", cursor},
	    {"COUNT", page},
	};
	size_t n = 0;
	words[n++] = slice_of("LIST");
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (!options[i].value)
			continue;
		words[n++] = slice_of(options[i].name);
		words[n++] = slice_of(options[i].value);
	}
	return n;
}

int filter_each(struct cli *c, const struct filter *f, int64_t limit,
    int (*each)(void *arg, const struct value *status), void *arg)
{
	char cursor[32] = "", page[24];
	int status = 0;
	while (!status && limit != 0) {
		struct slice words[20];
		struct value *v;
		snprintf(page, sizeof page, "%" PRId64, limit > 0 && limit < PAGE ? limit : PAGE);
		size_t count = make_words(f, *cursor ? cursor : NULL, page, words);
		status = cli_ask_argv(c, &v, count, words);
		if (status)
			return status;
		bool fits = v->type == VALUE_ARRAY && v->count == 2 && v->items[0].type == VALUE_BULK &&
			    v->items[0].len < sizeof cursor && v->items[1].type == VALUE_ARRAY;
		if (!fits) {
			value_free(v);
			return cli_strange(c);
		}
		const struct value *orders = &v->items[1];
		for (size_t i = 0; i < orders->count && !status && limit != 0; i++) {
			status = each(arg, &orders->items[i]);
			limit -= limit > 0;
		}
		snprintf(cursor, sizeof cursor, "%s", v->items[0].text);
		value_free(v);
		if (strcmp(cursor, "0") == 0)
			break;
	}
	return status;
}
