/*
 * Interned names of recipes and users: one pointer a name, for as long as the store is open, and a small number a name in the store's rows.
 * Used by the loop's thread (interning), the writer (numbers) and the reader (numbers to names) at once: a lock guards it, held for a moment.
 */
#ifndef BAKERY_STORE_NAMES_H
#define BAKERY_STORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names;

/* 0 or -ENOMEM. */
int names_new(struct names **out);
void names_free(struct names *n);

/* The pointer for this name. NULL when memory is refused. */
const char *names_intern(struct names *n, const char *name, size_t len);
/* The same, but adds nothing: NULL when nobody has interned it. */
const char *names_find(struct names *n, const char *name, size_t len);

/* The number of an interned name; 0: it has none yet. */
int64_t names_id(const char *interned);
/* Gives it the next number, which the caller puts into the store. 0 or -ENOMEM. Writer only. */
int names_assign(struct names *n, const char *interned);
/* The name with this number, as the store has it. 0 or -ENOMEM. Writer only. */
int names_learn(struct names *n, int64_t id, const char *name, size_t len);
/* Takes back the numbers above `last`: their transaction was rolled back. Writer only. */
void names_forget_above(struct names *n, int64_t last);
/* The highest number given. */
int64_t names_last(struct names *n);

/* Number → name; NULL: no such number. */
const char *names_text(struct names *n, int64_t id);

#endif
