#include "conf/problems.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct problem {
	struct conf_place place;
	size_t file, order;
	bool warning;
	char *text;
};

static char *make_text(const struct conf_place *place, const char *key, const char *format, va_list args)
{
	char *what = NULL, *text = NULL, at[48] = "";
	if (place->line)
		snprintf(at, sizeof at, ":%d:%d", place->line, place->column);
	if (vasprintf(&what, format, args) < 0)
		return NULL;
	int len = asprintf(&text, "%s%s: %s%s%s", place->file ? place->file : "(defaults)", at,
	    key ? key : "", key ? ": " : "", what);
	free(what);
	if (len < 0)
		return NULL;
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return text;
}

static void add(struct problems *p, bool warning, const struct conf_place *place, const char *key,
    const char *format, va_list args)
{
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 16;
		struct problem *items = reallocarray(p->items, capacity, sizeof *items);
		if (!items) {
			p->no_memory = true;
			return;
		}
		p->items = items;
		p->capacity = capacity;
	}
	char *text = make_text(place, key, format, args);
	if (!text) {
		p->no_memory = true;
		return;
	}
	p->items[p->count] = (struct problem){
	    .place = *place, .order = p->count, .warning = warning, .text = text};
	p->count++;
	p->errors += !warning;
}

void problems_error(
    struct problems *p, const struct conf_place *place, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(p, false, place, key, format, args);
	va_end(args);
}

void problems_warn(
    struct problems *p, const struct conf_place *place, const char *key, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add(p, true, place, key, format, args);
	va_end(args);
}

static int by_place(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static size_t file_index(const struct conf_sources *sources, const char *file)
{
	size_t i = 0;
	while (i < sources->count && (!file || strcmp(sources->items[i].path, file) != 0))
		i++;
	return i;
}

/* Appends to a report's list, which has room for count more. */
static int grow(char ***list, size_t had, size_t count)
{
	if (!count)
		return 0;
	char **more = reallocarray(*list, had + count, sizeof *more);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

int problems_report(struct problems *p, const struct conf_sources *sources, struct conf_report *report)
{
	int r = p->no_memory ? -ENOMEM : 0;
	for (size_t i = 0; i < p->count; i++)
		p->items[i].file = file_index(sources, p->items[i].place.file);
	if (p->count)
		qsort(p->items, p->count, sizeof *p->items, by_place);
	if (!r)
		r = grow(&report->errors, report->error_count, p->errors);
	if (!r)
		r = grow(&report->warnings, report->warning_count, p->count - p->errors);
	for (size_t i = 0; i < p->count && !r; i++) {
		struct problem *one = &p->items[i];
		if (one->warning)
			report->warnings[report->warning_count++] = one->text;
		else
			report->errors[report->error_count++] = one->text;
		one->text = NULL;
	}
	problems_clear(p);
	return r;
}

void problems_clear(struct problems *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i].text);
	free(p->items);
	*p = (struct problems){0};
}

enum { WORD_MAX = 40 };

/* Letters to insert, remove, change or swap with their neighbour (Damerau and Levenshtein), three rows at a time. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][WORD_MAX + 1];
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[n % 3][m];
}

const char *nearest_word(const char *text, size_t len, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	/* A letter may be wrong, and one more in every four. */
	size_t best = len / 4 + 2;
	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(words[i]);
		size_t d = m > WORD_MAX ? best : distance(text, len, words[i], m);
		if (d < best && d < len && d < m) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
