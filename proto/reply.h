/*
 * Replies as a server writes them, in RESP2 or RESP3 (after HELLO 3), appended to a buffer. Only + - : $ *
 * and null, in RESP3 also % _ # > are ever written. All return 0 or -ENOMEM.
 */
#ifndef BAKERY_PROTO_REPLY_H
#define BAKERY_PROTO_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

struct reply_writer {
	struct buf *out;
	int version; /* 2 or 3 */
};

int reply_simple(struct reply_writer *w, const char *text); /* +text */
/* -CODE text: control characters and what is not UTF-8 become '?', cut at 256 bytes. */
int reply_error(struct reply_writer *w, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int reply_int(struct reply_writer *w, int64_t value);
int reply_bulk(struct reply_writer *w, const void *bytes, size_t len);
int reply_text(struct reply_writer *w, const char *text);
int reply_id(struct reply_writer *w, int64_t id); /* ids and sequence numbers are strings */
int reply_null(struct reply_writer *w);           /* $-1 or _ */
int reply_null_array(struct reply_writer *w);     /* *-1 or _ */
int reply_array(struct reply_writer *w, uint32_t items);
int reply_map(struct reply_writer *w, uint32_t pairs);  /* %n, or *2n in RESP2 */
int reply_bool(struct reply_writer *w, bool value);     /* #t, or :1 in RESP2 */
int reply_push(struct reply_writer *w, uint32_t items); /* >n, or *n in RESP2 */

#endif
