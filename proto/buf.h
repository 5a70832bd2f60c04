/*
 * A byte buffer: bytes come in at the end and go out at the front. The bytes are data[off … off+len−1]. Used
 * on both sides of the wire. Start from {0}. Not shared between threads.
 */
#ifndef BAKERY_PROTO_BUF_H
#define BAKERY_PROTO_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t off, len, cap;
};

/* Borrowed bytes; not NUL-terminated. */
struct slice {
	const char *data;
	size_t len;
};

static inline const char *buf_bytes(const struct buf *b)
{
	return b->data ? b->data + b->off : "";
}

void buf_clear(struct buf *b); /* gives the memory back */
/* Room for n more bytes at the end: a pointer to it, or NULL when memory is refused (nothing changed). */
char *buf_reserve(struct buf *b, size_t n);
/* n of the reserved bytes have been written. */
static inline void buf_commit(struct buf *b, size_t n)
{
	b->len += n;
}
/* 0 or -ENOMEM (nothing changed). */
int buf_append(struct buf *b, const void *bytes, size_t n);
int buf_append_text(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* n bytes went out at the front. Memory is kept for use again. */
void buf_consume(struct buf *b, size_t n);
/* Gives back what is beyond need (an idle connection keeps nothing when it is empty). */
void buf_shrink(struct buf *b);

#endif
