#include "daemon/store/names.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/base/err.h"

struct name {
	UT_hash_handle hh;
	_Atomic int64_t id; /* 0: not in the store */
	char text[];
};

struct names {
	pthread_mutex_t lock;
	struct name *by_text;
	struct name **by_id; /* from 1 */
	int64_t last, room;
};

static struct name *name_of(const char *interned)
{
	return (struct name *)(interned - offsetof(struct name, text));
}

int names_new(struct names **out)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	pthread_mutex_init(&n->lock, NULL);
	*out = n;
	return 0;
}

void names_free(struct names *n)
{
	struct name *each, *next;

	if (!n)
		return;
	HASH_ITER (hh, n->by_text, each, next) {
		HASH_DEL(n->by_text, each);
		free(each);
	}
	free(n->by_id);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static struct name *intern(struct names *n, const char *text, size_t len)
{
	struct name *name;

	HASH_FIND(hh, n->by_text, text, len, name);
	if (name)
		return name;
	name = calloc(1, sizeof(*name) + len + 1);
	if (!name)
		return NULL;
	memcpy(name->text, text, len);
	HASH_ADD_KEYPTR(hh, n->by_text, name->text, len, name);
	if (!name->hh.tbl) {
		free(name);
		return NULL;
	}
	return name;
}

const char *names_intern(struct names *n, const char *text, size_t len)
{
	struct name *name;

	pthread_mutex_lock(&n->lock);
	name = intern(n, text, len);
	pthread_mutex_unlock(&n->lock);
	return name ? name->text : NULL;
}

const char *names_find(struct names *n, const char *text, size_t len)
{
	struct name *name;

	pthread_mutex_lock(&n->lock);
	HASH_FIND(hh, n->by_text, text, len, name);
	pthread_mutex_unlock(&n->lock);
	return name ? name->text : NULL;
}

int64_t names_id(const char *interned)
{
	return atomic_load_explicit(&name_of(interned)->id, memory_order_relaxed);
}

/* With the lock held. */
static int place(struct names *n, struct name *name, int64_t id)
{
	if (id >= n->room) {
		int64_t room = id < 32 ? 64 : 2 * id;
		struct name **more = realloc(n->by_id, (size_t)room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + n->room, 0, (size_t)(room - n->room) * sizeof(*more));
		n->by_id = more;
		n->room = room;
	}
	n->by_id[id] = name;
	atomic_store_explicit(&name->id, id, memory_order_relaxed);
	if (id > n->last)
		n->last = id;
	return 0;
}

int names_assign(struct names *n, const char *interned)
{
	int err;

	pthread_mutex_lock(&n->lock);
	err = place(n, name_of(interned), n->last + 1);
	pthread_mutex_unlock(&n->lock);
	return err;
}

int names_learn(struct names *n, int64_t id, const char *text, size_t len)
{
	struct name *name;
	int err = -ENOMEM;

	/* Numbers are given one by one: one far beyond is damage, not a reason to ask for gigabytes. */
	if (id < 1 || id > 1 << 24)
		return ERR_CORRUPT;
	pthread_mutex_lock(&n->lock);
	name = intern(n, text, len);
	if (name)
		err = place(n, name, id);
	pthread_mutex_unlock(&n->lock);
	return err;
}

void names_forget_above(struct names *n, int64_t last)
{
	pthread_mutex_lock(&n->lock);
	for (; n->last > last; n->last--) {
		if (n->by_id[n->last])
			atomic_store_explicit(&n->by_id[n->last]->id, 0, memory_order_relaxed);
		n->by_id[n->last] = NULL;
	}
	pthread_mutex_unlock(&n->lock);
}

int64_t names_last(struct names *n)
{
	int64_t last;

	pthread_mutex_lock(&n->lock);
	last = n->last;
	pthread_mutex_unlock(&n->lock);
	return last;
}

const char *names_text(struct names *n, int64_t id)
{
	struct name *name = NULL;

	pthread_mutex_lock(&n->lock);
	if (id > 0 && id < n->room)
		name = n->by_id[id];
	pthread_mutex_unlock(&n->lock);
	return name ? name->text : NULL;
}
