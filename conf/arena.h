/*
 * Memory that is given back all at once: many small pieces with one owner. What comes out of it is zeroed and lives until arena_clear().
 * Start from {0}. Not shared between threads.
 */
#ifndef BAKERY_CONF_ARENA_H
#define BAKERY_CONF_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
};

/* n zeroed bytes, aligned for anything; NULL when memory is refused. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy with a NUL after it; NULL when memory is refused. */
char *arena_copy(struct arena *a, const char *bytes, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *a);

#endif
