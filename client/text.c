/* Times, durations and tables for people. */
#include "client/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "proto/buf.h"

enum { NARROWEST = 16 }; /* columns on the screen that a cell keeps */

/* ---- time ---- */

int64_t text_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

char *text_local(int64_t unix_ms, char out[static TEXT_TIME_MAX])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;
	if (!localtime_r(&seconds, &tm) || !strftime(out, TEXT_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 " ms", unix_ms);
	return out;
}

char *text_utc(int64_t unix_ms, char out[static TEXT_TIME_MAX])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;
	size_t n = gmtime_r(&seconds, &tm) ? strftime(out, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
	if (n)
		snprintf(out + n, TEXT_TIME_MAX - n, ".%03dZ", (int)(unix_ms % 1000));
	else
		snprintf(out, TEXT_TIME_MAX, "%" PRId64, unix_ms);
	return out;
}

/* The Unix seconds of a time as text_utc() writes it; false when none stands here. */
static bool parse_utc(const char *text, int64_t *seconds)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || end - text != 19 || *end != '.' || strspn(end + 1, "0123456789") != 3 || end[4] != 'Z')
		return false;
	*seconds = timegm(&tm);
	return true;
}

char *text_localize(const char *text)
{
	enum { UTC_LENGTH = 24 };
	struct buf out = {0};
	int r = 0;
	while (r == 0 && *text) {
		char local[TEXT_TIME_MAX];
		int64_t seconds;
		bool is_time = *text >= '0' && *text <= '9' && parse_utc(text, &seconds);
		r = is_time ? buf_append_text(&out, text_local(seconds * 1000, local))
			    : buf_append(&out, text, 1);
		text += is_time ? UTC_LENGTH : 1;
	}
	if (r == 0)
		r = buf_append(&out, "", 1);
	if (r == 0)
		return out.data;
	buf_clear(&out);
	return NULL;
}

char *text_duration(int64_t ms, char out[static TEXT_TIME_MAX])
{
	int64_t s = ms / 1000;
	if (ms < 0)
		snprintf(out, TEXT_TIME_MAX, "0 s");
	else if (s < 60)
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 ".%02d s", s, (int)(ms % 1000 / 10));
	else if (s < 3600)
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
	return out;
}

/* ---- strangers' bytes ---- */

void text_print(FILE *to, const char *bytes, size_t len, bool lines)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool fine = (c >= 0x20 && c != 0x7f) || (lines && (c == '\n' || c == '\t'));
		fputc(fine ? c : '?', to);
	}
}

void text_vprint(FILE *to, const char *format, va_list args)
{
	char *text = NULL;
	int n = vasprintf(&text, format, args);
	if (n < 0)
		return;
	text_print(to, text, (size_t)n, false);
	free(text);
}

/* ---- colour ---- */

bool text_fancy(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fileno(stream)) && !(no_colour && *no_colour) && term && strcmp(term, "dumb") != 0;
}

const char *text_state_colour(const char *state)
{
	static const struct {
		const char *state, *colour;
	} rows[] = {
	    {"done", "\033[32m"},
	    {"failed", "\033[31m"},
	    {"cancelled", "\033[33m"},
	    {"running", "\033[36m"},
	};
	if (!text_fancy(stdout))
		return "";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].colour;
	return "";
}

const char *text_plain(void)
{
	return text_fancy(stdout) ? "\033[0m" : "";
}

/* ---- tables ---- */

struct cell {
	char *text;
	const char *colour;
};

struct table {
	bool fit;
	size_t columns, count, room;
	struct cell *cells;
};

struct table *table_new(size_t columns)
{
	struct table *t = calloc(1, sizeof *t);
	if (t)
		t->columns = columns;
	return t;
}

void table_fit(struct table *t)
{
	if (t)
		t->fit = true;
}

void table_add_coloured(struct table *t, const char *text, const char *colour)
{
	if (!t)
		return;
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct cell *cells = realloc(t->cells, room * sizeof *cells);
		if (!cells)
			return;
		t->cells = cells;
		t->room = room;
	}
	size_t len = text ? strlen(text) + 1 : 0;
	char *copy = text ? malloc(len + sizeof "…") : NULL; /* room for cut() */
	t->cells[t->count++] = (struct cell){copy ? memcpy(copy, text, len) : NULL, colour};
}

void table_add(struct table *t, const char *cell)
{
	table_add_coloured(t, cell, "");
}

/* Columns on the screen: characters of UTF-8, each taken as one wide. */
static size_t width(const char *text)
{
	size_t n = 0;
	for (; text && *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* At most so many columns of a text, the last of them "…" when there are more. */
static void cut(char *text, size_t columns)
{
	if (width(text) <= columns)
		return;
	size_t n = 0, at = 0;
	while (n < columns - 1 || (text[at] & 0xc0) == 0x80)
		n += (text[++at] & 0xc0) != 0x80;
	memcpy(text + at, "…", sizeof "…");
}

/* Makes the widest columns narrower until rows fit on the terminal, or nothing is left to gain. */
static void fit(struct table *t, size_t *widths)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return;
	size_t total = 0, widest = 0;
	for (size_t i = 0; i < t->columns; i++)
		total += widths[i] + (i ? 2 : 0);
	for (; total > size.ws_col; total--) {
		for (size_t i = 0; i < t->columns; i++)
			widest = widths[i] > widths[widest] ? i : widest;
		if (widths[widest] <= NARROWEST)
			break;
		widths[widest]--;
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->cells[i].text)
			cut(t->cells[i].text, widths[i % t->columns]);
}

static void print_row(const struct table *t, size_t first, const size_t *widths)
{
	size_t pad = 0;
	for (size_t column = 0; column < t->columns && first + column < t->count; column++) {
		const struct cell *cell = &t->cells[first + column];
		if (!cell->text || !*cell->text) {
			pad += widths[column] + 2;
			continue;
		}
		printf("%*s%s", (int)pad, "", cell->colour);
		text_print(stdout, cell->text, strlen(cell->text), false);
		if (*cell->colour)
			fputs(text_plain(), stdout);
		pad = widths[column] - width(cell->text) + 2;
	}
	fputc('\n', stdout);
}

void table_print(struct table *t)
{
	if (!t)
		return;
	size_t *widths = calloc(t->columns, sizeof *widths);
	for (size_t i = 0; widths && i < t->count; i++) {
		size_t w = width(t->cells[i].text);
		if (w > widths[i % t->columns])
			widths[i % t->columns] = w;
	}
	if (widths && t->fit)
		fit(t, widths);
	for (size_t i = 0; widths && i < t->count; i += t->columns)
		print_row(t, i, widths);
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(widths);
	free(t->cells);
	free(t);
}
