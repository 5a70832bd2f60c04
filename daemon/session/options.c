#include "daemon/session/options.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "conf/units.h"
#include "daemon/session/moment.h"

enum { SHOWN = 64 }; /* bytes of a client's text that are shown in an error */

int option_is(struct slice text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static int shown(struct slice text)
{
	return text.len < SHOWN ? (int)text.len : SHOWN;
}

/* An error reply has been written: 1, or -ENOMEM when it could not be. */
static int replied(int written)
{
	return written < 0 ? written : 1;
}

int option_id(struct slice text, struct reply_writer *w, int64_t *out)
{
	if (units_parse_int(text.data, text.len, 0, INT64_MAX, out) == 0)
		return 0;
	return replied(reply_error(w, "BADID", "'%.*s' is not an order's id", shown(text), text.data));
}

static int out_of_range(const struct option *o, struct reply_writer *w)
{
	char least[32], most[32];
	if (o->kind == OPTION_DURATION)
		return replied(reply_error(w, "BADARG", "%s: expected %s to %s", o->name,
		    units_format_duration(o->least, least), units_format_duration(o->most, most)));
	return replied(
	    reply_error(w, "BADARG", "%s: expected %" PRId64 " to %" PRId64, o->name, o->least, o->most));
}

static int parse_number(const struct option *o, struct slice text, int64_t *out, struct reply_writer *w)
{
	static const char *const expected[] = {
	    [OPTION_INT] = "a number",
	    [OPTION_DURATION] = "a duration such as 500ms, 10s or 5m",
	    [OPTION_TIME] = "a time such as 2026-11-21T09:00:00Z, or Unix milliseconds",
	};
	int64_t value;
	int r;
	if (o->kind == OPTION_INT)
		r = units_parse_int(text.data, text.len, INT64_MIN, INT64_MAX, &value);
	else if (o->kind == OPTION_DURATION)
		r = units_parse_duration(text.data, text.len, 1, &value);
	else
		r = moment_parse(text.data, text.len, &value);
	if (r == -EINVAL)
		return replied(reply_error(w, "ERR", "%s: expected %s, got '%.*s'", o->name,
		    expected[o->kind], shown(text), text.data));
	if (r < 0 || (o->kind != OPTION_TIME && (value < o->least || value > o->most)))
		return out_of_range(o, w);
	*out = value;
	return 0;
}

static int parse_value(const struct option *o, struct slice text, void *to, struct reply_writer *w)
{
	if (o->kind != OPTION_TEXT)
		return parse_number(o, text, to, w);
	if (text.len > (size_t)o->most)
		return replied(reply_error(w, "TOOBIG", "%s has %zu bytes, at most %" PRId64 " are allowed",
		    o->name, text.len, o->most));
	/* Texts are kept and shown as such: a NUL would end them. */
	if (text.len < (size_t)o->least || (text.len > 0 && memchr(text.data, 0, text.len)))
		return replied(reply_error(w, "BADARG", "%s: %s", o->name,
		    text.len < (size_t)o->least ? "is empty" : "a NUL is in it"));
	memcpy(to, &text, sizeof text);
	return 0;
}

int options_parse(const struct option *rows, size_t row_count, const struct slice *argv, size_t argc,
    void *into, struct reply_writer *w)
{
	uint32_t given = 0;
	assert(row_count <= 32);
	for (size_t i = 0; i < argc; i++) {
		size_t n = 0;
		while (n < row_count && !option_is(argv[i], rows[n].name))
			n++;
		if (n == row_count)
			return replied(
			    reply_error(w, "ERR", "unknown option '%.*s'", shown(argv[i]), argv[i].data));
		if (given & UINT32_C(1) << n)
			return replied(reply_error(w, "ERR", "%s is given twice", rows[n].name));
		given |= UINT32_C(1) << n;
		void *to = (char *)into + rows[n].offset;
		if (rows[n].kind == OPTION_FLAG) {
			*(bool *)to = true;
			continue;
		}
		if (++i == argc)
			return replied(reply_error(w, "ERR", "%s needs a value", rows[n].name));
		int r = parse_value(&rows[n], argv[i], to, w);
		if (r != 0)
			return r;
	}
	return 0;
}
