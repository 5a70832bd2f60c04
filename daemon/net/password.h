/*
 * Passwords as scrypt hashes (RFC 7914, N=2^14, r=8, p=1: about 50 ms and 16 MiB each): "scrypt$LN$R$P$SALT$HASH", salt and hash in base64. With net/tls
 * the only place that includes OpenSSL.
 */
#ifndef BAKERY_NET_PASSWORD_H
#define BAKERY_NET_PASSWORD_H

#include <stddef.h>

enum { PASSWORD_HASH_MAX = 160 };

/* 0, -ENOMEM, -EIO. */
int password_hash(const char *password, size_t len, char out[static PASSWORD_HASH_MAX]);
/* 1: it is the one; 0: it is not; -EINVAL: hash is malformed or beyond the bounds that we accept; -ENOMEM. Constant time in the password. Blocks: call it on a thread. */
int password_verify(const char *password, size_t len, const char *hash);

#endif
