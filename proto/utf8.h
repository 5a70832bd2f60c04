/*
 * UTF-8 (RFC 3629), as far as both sides of the wire need it: what is shown to people must be text.
 */
#ifndef BAKERY_PROTO_UTF8_H
#define BAKERY_PROTO_UTF8_H

#include <stddef.h>

/* The bytes of the character at the front of `left` bytes: 1 … 4; 0 when there is none (not UTF-8, not whole, or a NUL). */
size_t utf8_length(const char *at, size_t left);

#endif
