/*
 * Writes replies in the dialect of a connection. The two dialects differ in these functions and nowhere else.
 * Each either appends its whole piece or nothing.
 */
#include "proto/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/utf8.h"

enum {
	INT_ROOM = 20,   /* -9223372036854775808 */
	ERROR_MAX = 256, /* bytes of an error line, without the minus sign and the line end */
};

/* Decimal digits at `at`, no NUL. Returns how many. Plain arithmetic, because every reply has several numbers. */
static size_t write_int(char *at, int64_t value)
{
	char digits[INT_ROOM];
	size_t n = 0;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	size_t len = 0;
	if (value < 0)
		at[len++] = '-';
	while (n)
		at[len++] = digits[--n];
	return len;
}

/* TYPE number CR LF */
static int write_head(struct reply_writer *w, char type, int64_t number)
{
	char *at = buf_reserve(w->out, 1 + INT_ROOM + 2);
	if (!at)
		return -ENOMEM;
	at[0] = type;
	size_t n = 1 + write_int(at + 1, number);
	at[n++] = '\r';
	at[n++] = '\n';
	buf_commit(w->out, n);
	return 0;
}

int reply_simple(struct reply_writer *w, const char *text)
{
	size_t len = strlen(text);
	char *at = buf_reserve(w->out, len + 3);
	if (!at)
		return -ENOMEM;
	at[0] = '+';
	memcpy(at + 1, text, len);
	at[len + 1] = '\r';
	at[len + 2] = '\n';
	buf_commit(w->out, len + 3);
	return 0;
}

/* Text from the request may be in it: nothing of that may end the line or play with a terminal, and all of it is UTF-8. */
static void clean(char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(text + i, len - i);
		unsigned char c = (unsigned char)text[i], next = n == 2 ? (unsigned char)text[i + 1] : 0xff;
		bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0);
		if (n > 0 && !control) {
			i += n;
			continue;
		}
		text[i++] = '?'; /* also what the cut has left of a character */
	}
}

int reply_error(struct reply_writer *w, const char *code, const char *format, ...)
{
	char line[1 + ERROR_MAX + 2 + 1];
	int n = snprintf(line, 1 + ERROR_MAX + 1, "-%s ", code);
	size_t len = n < 0 ? 1 : (size_t)n;
	if (len > ERROR_MAX)
		len = ERROR_MAX;
	va_list args;
	va_start(args, format);
	n = vsnprintf(line + len, 1 + ERROR_MAX + 1 - len, format, args);
	va_end(args);
	if (n > 0)
		len += (size_t)n;
	if (len > 1 + ERROR_MAX)
		len = 1 + ERROR_MAX;
	clean(line + 1, len - 1);
	line[len++] = '\r';
	line[len++] = '\n';
	return buf_append(w->out, line, len);
}

int reply_int(struct reply_writer *w, int64_t value)
{
	return write_head(w, ':', value);
}

int reply_bulk(struct reply_writer *w, const void *bytes, size_t len)
{
	char *at = buf_reserve(w->out, 1 + INT_ROOM + 2 + len + 2);
	if (!at)
		return -ENOMEM;
	at[0] = '$';
	size_t n = 1 + write_int(at + 1, (int64_t)len);
	at[n++] = '\r';
	at[n++] = '\n';
	if (len)
		memcpy(at + n, bytes, len);
	n += len;
	at[n++] = '\r';
	at[n++] = '\n';
	buf_commit(w->out, n);
	return 0;
}

int reply_text(struct reply_writer *w, const char *text)
{
	return reply_bulk(w, text, strlen(text));
}

int reply_id(struct reply_writer *w, int64_t id)
{
	char digits[INT_ROOM];
	return reply_bulk(w, digits, write_int(digits, id));
}

int reply_null(struct reply_writer *w)
{
	return buf_append_text(w->out, w->version >= 3 ? "_\r\n" : "$-1\r\n");
}

int reply_null_array(struct reply_writer *w)
{
	return buf_append_text(w->out, w->version >= 3 ? "_\r\n" : "*-1\r\n");
}

int reply_array(struct reply_writer *w, uint32_t items)
{
	return write_head(w, '*', items);
}

int reply_map(struct reply_writer *w, uint32_t pairs)
{
	return w->version >= 3 ? write_head(w, '%', pairs) : write_head(w, '*', 2 * (int64_t)pairs);
}

int reply_bool(struct reply_writer *w, bool value)
{
	if (w->version < 3)
		return reply_int(w, value);
	return buf_append_text(w->out, value ? "#t\r\n" : "#f\r\n");
}

int reply_push(struct reply_writer *w, uint32_t items)
{
	return write_head(w, w->version >= 3 ? '>' : '*', items);
}
