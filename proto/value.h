/*
 * Replies as a client reads them: a tree of values. Incremental, RESP2 and RESP3, with limits on depth and
 * size so that a broken server cannot hurt its client. Requests as a client writes them.
 */
#ifndef BAKERY_PROTO_VALUE_H
#define BAKERY_PROTO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

enum value_type {
	VALUE_SIMPLE,
	VALUE_ERROR,
	VALUE_INT,
	VALUE_BULK,
	VALUE_NULL,
	VALUE_ARRAY,
	VALUE_MAP,
	VALUE_BOOL,
	VALUE_PUSH
};

struct value {
	enum value_type type;
	int64_t number; /* INT, BOOL */
	char *text;     /* SIMPLE, ERROR, BULK: NUL-terminated for convenience, may hold NULs before len */
	size_t len;
	struct value *items; /* ARRAY, PUSH: count; MAP: key, value, key, value … */
	size_t count;        /* of items (a MAP of n pairs has 2n) */
};

struct value_parser;
int value_parser_new(struct value_parser **out);
void value_parser_free(struct value_parser *p);

/* 1: *out is one whole value, to be freed by value_free(); the bytes left `in`. 0: more is needed. -EPROTO,
 * -ENOMEM. */
int value_parse(struct value_parser *p, struct buf *in, struct value **out);
void value_free(struct value *v);

/* The value of a key of a MAP, or of a flat ARRAY of pairs (a map in RESP2). NULL when it is not there. */
const struct value *value_get(const struct value *map, const char *key);

/* Appends a request of argc bulk strings. 0 or -ENOMEM. */
int request_write(struct buf *out, size_t argc, const struct slice *argv);

#endif
