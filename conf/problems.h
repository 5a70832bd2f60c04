/*
 * What is wrong with a configuration, collected while it is read: all of it, with places, to be told in the order of the files. Errors and
 * warnings alike. Start from {0}.
 */
#ifndef BAKERY_CONF_PROBLEMS_H
#define BAKERY_CONF_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct problem;

struct problems {
	struct problem *items;
	size_t count, capacity;
	size_t errors;  /* how many of them are not warnings */
	bool no_memory; /* one was lost: the result is -ENOMEM */
};

/* key: what the place is called ("recipes.cake.timeout"); NULL when the place says enough. Control characters become '?'. */
void problems_error(struct problems *p, const struct conf_place *place, const char *key, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
void problems_warn(struct problems *p, const struct conf_place *place, const char *key, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* Moves all into *report, sorted by file (in the order of sources), line and column. 0; -ENOMEM also when one was lost. p is empty afterwards. */
int problems_report(struct problems *p, const struct conf_sources *sources, struct conf_report *report);
void problems_clear(struct problems *p);

/* The word of the list that is meant by a mistyped one; NULL when none is near. */
const char *nearest_word(const char *text, size_t len, const char *const *words, size_t count);

#endif
