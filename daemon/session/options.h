/*
 * The words after a verb's positional arguments: [NAME value] in any order, each at most once. A verb lists its own in a table.
 */
#ifndef BAKERY_SESSION_OPTIONS_H
#define BAKERY_SESSION_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"
#include "proto/reply.h"

enum option_kind {
	OPTION_FLAG,     /* no value; bool */
	OPTION_TEXT,     /* struct slice without a NUL; least … most bytes, least 0 or 1 */
	OPTION_INT,      /* int64_t; least … most */
	OPTION_DURATION, /* int64_t milliseconds; least … most */
	OPTION_TIME,     /* int64_t Unix milliseconds */
};

struct option {
	const char *name; /* upper case */
	enum option_kind kind;
	size_t offset; /* of the value in the verb's struct */
	int64_t least, most;
};

/* Reads argv[0 … argc−1] into the struct at `into`; what is not given stays as it is. Texts are borrowed from argv. 0; 1: something was wrong, and the
 * error has been replied; -ENOMEM. */
int options_parse(const struct option *rows, size_t row_count, const struct slice *argv, size_t argc,
    void *into, struct reply_writer *w);

/* An order's id. 0; 1: it is none, and BADID has been replied; -ENOMEM. */
int option_id(struct slice text, struct reply_writer *w, int64_t *out);
/* Is the word this one, in any case. */
int option_is(struct slice text, const char *word);

#endif
