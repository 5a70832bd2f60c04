#include "conf/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first is small: a request on its way has an arena of its own, and there may be thousands. */
enum { CHUNK_FIRST = 512, CHUNK_MOST = 8192 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t step = alignof(max_align_t);
	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + step - 1) / step * step;
	struct arena_chunk *c = a->chunks;
	if (!c || c->size - c->used < n) {
		size_t size = !c ? CHUNK_FIRST : c->size < CHUNK_MOST / 2 ? c->size * 2 : CHUNK_MOST;
		if (size < n)
			size = n;
		c = calloc(1, sizeof *c + size);
		if (!c)
			return NULL;
		*c = (struct arena_chunk){.next = a->chunks, .size = size};
		a->chunks = c;
	}
	void *p = c->bytes + c->used;
	c->used += n;
	return p;
}

char *arena_copy(struct arena *a, const char *bytes, size_t len)
{
	char *copy = arena_alloc(a, len + 1);
	if (copy && len)
		memcpy(copy, bytes, len);
	return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
	if (text)
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

void arena_clear(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;
		free(a->chunks);
		a->chunks = next;
	}
}
