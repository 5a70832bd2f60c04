#include "daemon/net/password.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_BYTES = 16, HASH_BYTES = 32, BASE64_MAX = 64 };

/* What is made, and the most that is accepted: a hash from elsewhere must not cost minutes or gigabytes. */
enum { LN = 14, R = 8, P = 1, LN_MAX = 18, R_MAX = 16, P_MAX = 4 };

static int scrypt(const char *password, size_t len, const unsigned char *salt, size_t salt_len, unsigned ln,
    unsigned r, unsigned p, unsigned char out[static HASH_BYTES])
{
	uint64_t n = (uint64_t)1 << ln;
	/* What RFC 7914 needs, and some room: OpenSSL's own limit is exceeded at N=2^15. */
	uint64_t most = 128 * r * (n + p + 2) + (1 << 20);
	return EVP_PBE_scrypt(password, len, salt, salt_len, n, r, p, most, out, HASH_BYTES) == 1 ? 0
												  : -ENOMEM;
}

/* Base64 with padding. The bytes' number, or -EINVAL: not base64, or more than room. */
static int decode(const char *text, size_t len, unsigned char *out, size_t room)
{
	unsigned char bytes[BASE64_MAX];
	if (!len || len % 4 || len > BASE64_MAX / 3 * 4)
		return -EINVAL;
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
	/* It counts the padding. */
	n -= (text[len - 1] == '=') + (text[len - 2] == '=');
	if (n < 1 || (size_t)n > room)
		return -EINVAL;
	memcpy(out, bytes, (size_t)n);
	return n;
}

int password_hash(const char *password, size_t len, char out[static PASSWORD_HASH_MAX])
{
	unsigned char salt[SALT_BYTES], hash[HASH_BYTES], salt_text[BASE64_MAX], hash_text[BASE64_MAX];
	if (RAND_bytes(salt, sizeof salt) != 1)
		return -EIO;
	int r = scrypt(password, len, salt, sizeof salt, LN, R, P, hash);
	if (r)
		return r;
	EVP_EncodeBlock(salt_text, salt, sizeof salt);
	EVP_EncodeBlock(hash_text, hash, sizeof hash);
	OPENSSL_cleanse(hash, sizeof hash);
	snprintf(out, PASSWORD_HASH_MAX, "scrypt$%d$%d$%d$%s$%s", LN, R, P, salt_text, hash_text);
	return 0;
}

/* A field of the hash: a number from 1 to max, and the '$' after it. */
static int parse_number(const char **at, unsigned max, unsigned *out)
{
	unsigned n = 0;
	const char *c = *at;
	for (; *c >= '0' && *c <= '9' && n <= max; c++)
		n = n * 10 + (unsigned)(*c - '0');
	if (c == *at || *c != '$' || n < 1 || n > max)
		return -EINVAL;
	*at = c + 1;
	*out = n;
	return 0;
}

int password_verify(const char *password, size_t len, const char *hash)
{
	unsigned ln, r, p;
	unsigned char salt[BASE64_MAX], want[HASH_BYTES], got[HASH_BYTES];
	const char *at = hash + 7;
	if (strncmp(hash, "scrypt$", 7) != 0 || strlen(hash) >= PASSWORD_HASH_MAX ||
	    parse_number(&at, LN_MAX, &ln) < 0 || parse_number(&at, R_MAX, &r) < 0 ||
	    parse_number(&at, P_MAX, &p) < 0)
		return -EINVAL;
	const char *end = strchr(at, '$');
	int salt_len = end ? decode(at, (size_t)(end - at), salt, sizeof salt) : -EINVAL;
	if (salt_len < 0 || decode(end + 1, strlen(end + 1), want, sizeof want) != HASH_BYTES)
		return -EINVAL;
	int error = scrypt(password, len, salt, (size_t)salt_len, ln, r, p, got);
	int same = !error && CRYPTO_memcmp(want, got, sizeof want) == 0;
	OPENSSL_cleanse(got, sizeof got);
	return error ? error : same;
}
