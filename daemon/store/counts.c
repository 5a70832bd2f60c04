#include "daemon/store/counts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <xxhash.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"

struct pair {
	const char *recipe, *user; /* interned */
};

struct count {
	UT_hash_handle hh;
	struct pair pair;
	int64_t n[ORDER_STATES];     /* committed */
	int64_t noted[ORDER_STATES]; /* by this transaction */
	bool dirty;
	SLIST_ENTRY(count) entry; /* when dirty */
};

struct counts {
	pthread_mutex_t lock; /* of n and of the hash, against the loop's thread */
	struct count *all;
	struct count *latest; /* the one that was looked for last: mostly it is the next one too */
	SLIST_HEAD(, count) dirty;
};

const char counts_sql[] =
    "INSERT INTO counts VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT DO UPDATE SET "
    "scheduled=?3,blocked=?4,queued=?5,running=?6,done=?7,failed=?8,cancelled=?9,"
    "expired=?10,sum=?11";

int counts_new(struct counts **out)
{
	struct counts *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

static void drop_all(struct count *all)
{
	struct count *each, *next;

	HASH_ITER (hh, all, each, next) {
		HASH_DEL(all, each);
		free(each);
	}
}

void counts_free(struct counts *c)
{
	if (!c)
		return;
	drop_all(c->all);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct count *add(struct count **all, struct pair pair)
{
	struct count *count = calloc(1, sizeof(*count));

	if (!count)
		return NULL;
	count->pair = pair;
	HASH_ADD(hh, *all, pair, sizeof(count->pair), count);
	if (!count->hh.tbl) {
		free(count);
		return NULL;
	}
	return count;
}

static uint64_t checksum(int64_t recipe, int64_t user, const int64_t n[static ORDER_STATES])
{
	return XXH3_64bits_withSeed(n, ORDER_STATES * sizeof(n[0]), (uint64_t)recipe << 32 ^ (uint64_t)user);
}

static int load_row(struct count **all, sqlite3_stmt *st, struct names *names)
{
	int64_t recipe = sqlite3_column_int64(st, 0), user = sqlite3_column_int64(st, 1), n[ORDER_STATES];
	struct count *count;

	for (int i = 0; i < ORDER_STATES; i++)
		n[i] = sqlite3_column_int64(st, 2 + i);
	if ((uint64_t)sqlite3_column_int64(st, 2 + ORDER_STATES) != checksum(recipe, user, n))
		return ERR_CORRUPT;
	struct pair pair = {names_text(names, recipe), names_text(names, user)};
	if (!pair.recipe || !pair.user)
		return ERR_CORRUPT;
	count = add(all, pair);
	if (!count)
		return -ENOMEM;
	memcpy(count->n, n, sizeof(n));
	return 0;
}

int counts_load(struct counts *c, sqlite3 *db, struct names *names)
{
	struct count *all = NULL, *old;
	sqlite3_stmt *st;
	int err = db_prepare(db, "SELECT * FROM counts", &st), step;

	if (err < 0)
		return err;
	while ((step = db_step(st)) > 0 && err == 0)
		err = load_row(&all, st, names);
	sqlite3_finalize(st);
	if (err == 0)
		err = step;
	if (err < 0) {
		drop_all(all);
		return err;
	}
	pthread_mutex_lock(&c->lock);
	old = c->all;
	c->all = all;
	pthread_mutex_unlock(&c->lock);
	c->latest = NULL;
	SLIST_INIT(&c->dirty);
	drop_all(old);
	return 0;
}

static struct count *find(struct counts *c, struct pair pair)
{
	struct count *count = c->latest;

	if (count && count->pair.recipe == pair.recipe && count->pair.user == pair.user)
		return count;
	HASH_FIND(hh, c->all, &pair, sizeof(pair), count);
	if (!count) {
		pthread_mutex_lock(&c->lock);
		count = add(&c->all, pair);
		pthread_mutex_unlock(&c->lock);
	}
	if (count)
		c->latest = count;
	return count;
}

int counts_note(
    struct counts *c, const char *recipe, const char *user, enum order_state from, enum order_state to)
{
	struct count *count = find(c, (struct pair){recipe, user});

	if (!count)
		return -ENOMEM;
	if (from < ORDER_STATES)
		count->noted[from]--;
	count->noted[to]++;
	if (!count->dirty) {
		count->dirty = true;
		SLIST_INSERT_HEAD(&c->dirty, count, entry);
	}
	return 0;
}

int counts_write(struct counts *c, sqlite3_stmt *st)
{
	struct count *count;
	int err = 0;

	SLIST_FOREACH (count, &c->dirty, entry) {
		int64_t n[ORDER_STATES], recipe = names_id(count->pair.recipe),
					 user = names_id(count->pair.user);

		sqlite3_bind_int64(st, 1, recipe);
		sqlite3_bind_int64(st, 2, user);
		for (int i = 0; i < ORDER_STATES; i++) {
			n[i] = count->n[i] + count->noted[i];
			sqlite3_bind_int64(st, 3 + i, n[i]);
		}
		sqlite3_bind_int64(st, 3 + ORDER_STATES, (int64_t)checksum(recipe, user, n));
		err = db_run(st);
		if (err < 0)
			break;
	}
	return err;
}

void counts_settle(struct counts *c, bool committed)
{
	pthread_mutex_lock(&c->lock);
	while (!SLIST_EMPTY(&c->dirty)) {
		struct count *count = SLIST_FIRST(&c->dirty);

		SLIST_REMOVE_HEAD(&c->dirty, entry);
		for (int i = 0; i < ORDER_STATES; i++) {
			if (committed)
				count->n[i] += count->noted[i];
			count->noted[i] = 0;
		}
		count->dirty = false;
	}
	pthread_mutex_unlock(&c->lock);
}

void counts_get(struct counts *c, const char *recipe, uint64_t by_state[static ORDER_STATES])
{
	struct count *each, *next;

	memset(by_state, 0, ORDER_STATES * sizeof(by_state[0]));
	pthread_mutex_lock(&c->lock);
	HASH_ITER (hh, c->all, each, next) {
		if (recipe && each->pair.recipe != recipe)
			continue;
		for (int i = 0; i < ORDER_STATES; i++)
			by_state[i] += (uint64_t)each->n[i];
	}
	pthread_mutex_unlock(&c->lock);
}

void counts_each(struct counts *c, enum order_state state,
    void (*fn)(void *arg, const char *recipe, const char *user, uint64_t count), void *arg)
{
	struct count *each, *next;

	HASH_ITER (hh, c->all, each, next) {
		if (each->n[state] > 0)
			fn(arg, each->pair.recipe, each->pair.user, (uint64_t)each->n[state]);
	}
}
