#include "daemon/store/key.h"

#include <string.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"

struct key key_of(int64_t user, int64_t recipe, struct slice text, struct slice payload)
{
	struct key k = {.user = user, .recipe = recipe, .text = text};
	XXH128_canonical_t digest;

	XXH128_canonicalFromHash(&digest, XXH3_128bits(payload.data, payload.len));
	memcpy(k.digest, digest.digest, sizeof(k.digest));
	return k;
}

static int64_t checksum(const struct key *k, int64_t id, int64_t created_ms, const void *digest)
{
	uint64_t sum = XXH3_64bits_withSeed(k->text.data, k->text.len, (uint64_t)id);

	sum = XXH3_64bits_withSeed(digest, sizeof(k->digest), sum + (uint64_t)created_ms);
	return (int64_t)(sum ^ (uint64_t)k->user ^ (uint64_t)k->recipe << 32);
}

static int bind(sqlite3_stmt *st, const struct key *k)
{
	sqlite3_bind_int64(st, 1, k->user);
	sqlite3_bind_int64(st, 2, k->recipe);
	return db_bind_blob(st, 3, k->text);
}

int key_find(struct engine *e, struct key *k)
{
	sqlite3_stmt *st = e->st[SQL_KEY_GET];
	int err = bind(st, k);

	if (err == 0)
		err = db_step(st);
	if (err <= 0)
		return err;
	struct slice digest = db_column(st, 2);
	k->id = sqlite3_column_int64(st, 0);
	k->damaged = digest.len != sizeof(k->digest) || checksum(k, k->id, sqlite3_column_int64(st, 1),
							    digest.data) != sqlite3_column_int64(st, 3);
	if (k->damaged) {
		log_error("damaged key in the store", log_int("order", k->id));
		e->corrupt++;
	} else {
		k->same = memcmp(digest.data, k->digest, sizeof(k->digest)) == 0;
	}
	sqlite3_reset(st);
	return 0;
}

int key_add(struct engine *e, const struct key *k, int64_t id)
{
	sqlite3_stmt *st = e->st[SQL_KEY_ADD];
	int err = bind(st, k);

	if (err < 0)
		return err;
	sqlite3_bind_int64(st, 4, id);
	sqlite3_bind_int64(st, 5, e->now_ms);
	err = db_bind_blob(st, 6, (struct slice){(const char *)k->digest, sizeof(k->digest)});
	if (err < 0)
		return err;
	sqlite3_bind_int64(st, 7, checksum(k, id, e->now_ms, k->digest));
	return db_run(st);
}
