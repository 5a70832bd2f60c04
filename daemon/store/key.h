/*
 * KEYs: what makes it safe to submit again. The same user, recipe and key give the same order; whether it is the same submission is told by a
 * digest (XXH3, 128 bits) of the payload that is kept with the key.
 */
#ifndef BAKERY_STORE_KEY_H
#define BAKERY_STORE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/engine.h"

struct key {
	int64_t user, recipe;
	struct slice text; /* borrowed */
	unsigned char digest[16];
	/* what key_find() found */
	int64_t id; /* 0: the key is new */
	bool same;  /* the digest is the same */
	bool damaged;
};

struct key key_of(int64_t user, int64_t recipe, struct slice text, struct slice payload);
/* 0 with the last part filled in, or a negative code. */
int key_find(struct engine *e, struct key *k);
/* 0 or a negative code. */
int key_add(struct engine *e, const struct key *k, int64_t id);

#endif
