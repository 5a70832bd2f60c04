/*
 * Passwords that were found right, so that clients that authenticate for each request do not cost 50 ms each. Nothing of them is kept but an HMAC-SHA256
 * under a key that is made at start and never leaves the process' memory. Bounded: the oldest is forgotten.
 */
#ifndef BAKERY_NET_REMEMBERED_H
#define BAKERY_NET_REMEMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct remembered;

/* A name and a password, as they are remembered. */
struct remembered_mark {
	uint8_t bytes[32];
};

/* 0, -ENOMEM, -EIO (no randomness). */
int remembered_new(struct remembered **out);
void remembered_free(struct remembered *r);

/* Uses OpenSSL: needs a big stack. 0 or -EIO. */
int remembered_mark(const struct remembered *r, const char *name, const char *password, size_t len,
    struct remembered_mark *out);

bool remembered_has(const struct remembered *r, const struct remembered_mark *mark);
void remembered_add(struct remembered *r, const struct remembered_mark *mark);

#endif
