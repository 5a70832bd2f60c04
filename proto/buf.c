/*
 * The byte buffer. Owns its memory; knows nothing of what the bytes mean.
 *
 * Growing doubles, so that appending costs a constant amount a byte. Bytes are moved to the front only when
 * at least as many have left as would be moved, so that a long pipeline costs a constant amount a byte as
 * well.
 */
#include "proto/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 256 };

void buf_clear(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

static void move_to_front(struct buf *b)
{
	if (b->off && b->len)
		memmove(b->data, b->data + b->off, b->len);
	b->off = 0;
}

static char *grow(struct buf *b, size_t n)
{
	if (n > SIZE_MAX / 4 - b->len)
		return NULL;
	size_t need = b->len + n;
	size_t cap = b->cap < SMALLEST ? SMALLEST : b->cap;
	while (cap < need)
		cap *= 2;
	if (!b->off) {
		char *data = realloc(b->data, cap);
		if (!data)
			return NULL;
		b->data = data;
	} else {
		char *data = malloc(cap);
		if (!data)
			return NULL;
		memcpy(data, b->data + b->off, b->len);
		free(b->data);
		b->data = data;
		b->off = 0;
	}
	b->cap = cap;
	return b->data + b->len;
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t used = b->off + b->len;
	if (b->data && n <= b->cap - used)
		return b->data + used;
	if (b->data && n <= b->cap - b->len && b->off >= b->len) {
		move_to_front(b);
		return b->data + b->len;
	}
	return grow(b, n);
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
	char *at = buf_reserve(b, n);
	if (!at)
		return -ENOMEM;
	if (n)
		memcpy(at, bytes, n);
	b->len += n;
	return 0;
}

int buf_append_text(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	va_list again;
	va_copy(again, args);
	char small[256];
	int n = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	int r = -ENOMEM;
	if (n >= 0 && (size_t)n < sizeof small) {
		r = buf_append(b, small, (size_t)n);
	} else if (n >= 0) {
		/* One byte more for the NUL that vsnprintf() writes; it is not counted. */
		char *at = buf_reserve(b, (size_t)n + 1);
		if (at) {
			vsnprintf(at, (size_t)n + 1, format, again);
			b->len += (size_t)n;
			r = 0;
		}
	}
	va_end(again);
	return r;
}

void buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	b->off = b->len ? b->off + n : 0;
}

void buf_shrink(struct buf *b)
{
	if (!b->len) {
		buf_clear(b);
		return;
	}
	move_to_front(b);
	if (b->cap - b->len < SMALLEST)
		return;
	char *data = realloc(b->data, b->len);
	if (!data)
		return; /* it keeps what it has */
	b->data = data;
	b->cap = b->len;
}
