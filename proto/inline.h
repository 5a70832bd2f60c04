/*
 * Inline commands: a line that a person types. Used by request.c only; a program sends arrays.
 */
#ifndef BAKERY_PROTO_INLINE_H
#define BAKERY_PROTO_INLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/buf.h"

/*
 * The next word of a line, as Redis splits it: separated by spaces and tabs; "…" with \n \r \t \b \a \\ \"
 * and \xHH, '…' with \' only; a closing quote ends the word. *at moves on. Words are made in place, so the
 * line is changed. 1: *word is set. 0: no word left. -EINVAL: quotes do not match.
 */
int inline_next_word(char **at, char *end, struct slice *word);

/* True when a line, or the beginning of one, is what a browser or another HTTP client sends. */
bool inline_is_http(const char *line, size_t len);

#endif
