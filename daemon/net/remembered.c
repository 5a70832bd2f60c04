#include "daemon/net/remembered.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_MOST = 256, KEY_BYTES = 32 };

struct remembered {
	unsigned char key[KEY_BYTES];
	size_t count, next; /* next: the oldest when it is full */
	struct remembered_mark marks[MARKS_MOST];
};

int remembered_new(struct remembered **out)
{
	struct remembered *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	if (RAND_bytes(r->key, sizeof r->key) != 1) {
		free(r);
		return -EIO;
	}
	*out = r;
	return 0;
}

void remembered_free(struct remembered *r)
{
	if (!r)
		return;
	OPENSSL_cleanse(r, sizeof *r);
	free(r);
}

int remembered_mark(const struct remembered *r, const char *name, const char *password, size_t len,
    struct remembered_mark *out)
{
	/* Name and password are hashed apart and then together: no pair can be read as another. */
	unsigned char both[2 * EVP_MAX_MD_SIZE], mark[EVP_MAX_MD_SIZE];
	unsigned int a, b, n;
	bool good =
	    HMAC(EVP_sha256(), r->key, sizeof r->key, (const unsigned char *)name, strlen(name), both, &a) &&
	    HMAC(EVP_sha256(), r->key, sizeof r->key, (const unsigned char *)password, len, both + a, &b) &&
	    HMAC(EVP_sha256(), r->key, sizeof r->key, both, a + b, mark, &n) && n == sizeof out->bytes;
	if (good)
		memcpy(out->bytes, mark, sizeof out->bytes);
	OPENSSL_cleanse(both, sizeof both);
	return good ? 0 : -EIO;
}

bool remembered_has(const struct remembered *r, const struct remembered_mark *mark)
{
	int found = 0;
	for (size_t i = 0; i < r->count; i++)
		found |= CRYPTO_memcmp(r->marks[i].bytes, mark->bytes, sizeof mark->bytes) == 0;
	return found;
}

void remembered_add(struct remembered *r, const struct remembered_mark *mark)
{
	if (remembered_has(r, mark))
		return;
	r->marks[r->next] = *mark;
	r->next = (r->next + 1) % MARKS_MOST;
	r->count += r->count < MARKS_MOST;
}
