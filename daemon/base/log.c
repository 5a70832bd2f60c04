/*
 * Makes a line in a buffer on the stack and writes it with one write(2). A line that is too long is cut, with a mark; a log that can't be
 * written to is not a reason to stop.
 */
#include "daemon/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static struct {
	char role[64];
	enum log_level level;
	enum log_format format;
	bool journal;
} log_state = {.level = LOG_LEVEL_INFO};

static const struct {
	const char *word;
	char priority; /* syslog(3), as sd-daemon(3) reads it from a line */
} levels[] = {{"error", '3'}, {"warn", '4'}, {"info", '6'}, {"debug", '7'}};

struct line {
	size_t len;
	bool cut;
	char bytes[LINE_MAX_BYTES];
};

void log_init(const char *role, enum log_level level, enum log_format format)
{
	snprintf(log_state.role, sizeof log_state.role, "%s", role);
	log_state.level = level;
	log_state.format = format;
	log_state.journal = getenv("JOURNAL_STREAM") != NULL;
}

bool log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

static void put_char(struct line *l, char c)
{
	/* The end is kept free for the mark, a closing quote and brace, and the newline. */
	if (l->len < LINE_MAX_BYTES - 8)
		l->bytes[l->len++] = c;
	else
		l->cut = true;
}

static void put_text(struct line *l, const char *text)
{
	while (*text)
		put_char(l, *text++);
}

static void put_number(struct line *l, int64_t number)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%lld", (long long)number);
	put_text(l, digits);
}

static void put_escaped(struct line *l, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\') {
			put_char(l, '\\');
			put_char(l, *text);
		} else if (c < 0x20 || c == 0x7f) {
			put_text(l, "\\u00");
			put_char(l, hex[c >> 4]);
			put_char(l, hex[c & 15]);
		} else {
			put_char(l, *text);
		}
	}
}

static void put_quoted(struct line *l, const char *text)
{
	put_char(l, '"');
	put_escaped(l, text);
	put_char(l, '"');
}

/* A value of a text line: quoted only where a reader could mistake its end. */
static void put_value(struct line *l, const char *text)
{
	bool plain = *text != '\0';
	for (const char *c = text; *c && plain; c++)
		plain = (unsigned char)*c > 0x20 && *c != 0x7f && *c != '"' && *c != '=' && *c != '\\';
	if (plain)
		put_text(l, text);
	else
		put_quoted(l, text);
}

static void make_text(struct line *l, enum log_level level, const char *event, const struct log_field *fields)
{
	if (log_state.journal) {
		put_char(l, '<');
		put_char(l, levels[level].priority);
		put_char(l, '>');
	} else {
		char now[25];
		clock_format_utc(clock_wall_ms(), now);
		put_text(l, now);
		put_char(l, ' ');
		put_text(l, levels[level].word);
		put_char(l, ' ');
	}
	put_text(l, log_state.role);
	put_text(l, ": ");
	put_text(l, event);
	for (; fields->key; fields++) {
		put_char(l, ' ');
		put_text(l, fields->key);
		put_char(l, '=');
		if (fields->text)
			put_value(l, fields->text);
		else
			put_number(l, fields->number);
	}
	if (l->cut) {
		memcpy(l->bytes + l->len, "...", 3);
		l->len += 3;
	}
}

static void make_json(struct line *l, enum log_level level, const char *event, const struct log_field *fields)
{
	char now[25];
	clock_format_utc(clock_wall_ms(), now);
	put_text(l, "{\"time\":");
	put_quoted(l, now);
	put_text(l, ",\"level\":");
	put_quoted(l, levels[level].word);
	put_text(l, ",\"role\":");
	put_quoted(l, log_state.role);
	put_text(l, ",\"event\":");
	put_quoted(l, event);
	for (; fields->key; fields++) {
		/* A field that does not fit is left out whole: the line stays JSON. */
		size_t before = l->len;
		put_char(l, ',');
		put_quoted(l, fields->key);
		put_char(l, ':');
		if (fields->text)
			put_quoted(l, fields->text);
		else
			put_number(l, fields->number);
		if (l->cut) {
			l->len = before;
			break;
		}
	}
	l->bytes[l->len++] = '}';
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	int saved = errno;
	struct line l;
	l.len = 0;
	l.cut = false;
	if (log_state.format == LOG_FORMAT_JSON)
		make_json(&l, level, event, fields);
	else
		make_text(&l, level, event, fields);
	l.bytes[l.len++] = '\n';
	ssize_t written;
	do {
		written = write(STDERR_FILENO, l.bytes, l.len);
	} while (written < 0 && errno == EINTR);
	errno = saved;
}
