/*
 * Replies as JSON, for --json: one object a line, times in RFC 3339 UTC.
 */
#ifndef BAKERY_CLIENT_JSON_H
#define BAKERY_CLIENT_JSON_H

#include <jansson.h>

#include "proto/value.h"

/* A string, exactly these bytes; NULL when they are not UTF-8 or hold a NUL: JSON has no word for them. */
json_t *json_exact(const char *bytes, size_t len);
/* A string to look at; bytes that are not UTF-8 become U+FFFD. */
json_t *json_text(const char *bytes, size_t len);
/* A reply: maps become objects, and members that are times (created, started …) RFC 3339. */
json_t *json_from_value(const struct value *v);
/* Adds bytes as "result" when they are UTF-8 without NUL, else as "result_b64". */
void json_add_result(json_t *object, const char *bytes, size_t len);
/* Writes the object and a line end to standard output, and releases it. */
void json_print(json_t *object);

#endif
