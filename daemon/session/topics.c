#include "daemon/session/topics.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

struct topic {
	int64_t id; /* 0: all orders */
	LIST_HEAD(, listening) listeners;
	struct topics *topics;
	bool unhashed; /* memory for the table was refused */
	UT_hash_handle hh;
};

struct topics {
	struct topic all;
	struct topic *orders;
};

int topics_new(struct topics **out)
{
	struct topics *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->all.topics = t;
	*out = t;
	return 0;
}

void topics_free(struct topics *t)
{
	assert(!t || (!t->orders && LIST_EMPTY(&t->all.listeners)));
	free(t);
}

static void join(struct topic *topic, struct listening *l)
{
	l->topic = topic;
	LIST_INSERT_HEAD(&topic->listeners, l, entry);
}

int topics_listen_order(struct topics *t, int64_t id, struct listening *l)
{
	struct topic *topic;
	HASH_FIND(hh, t->orders, &id, sizeof id, topic);
	if (!topic) {
		topic = calloc(1, sizeof *topic);
		if (!topic)
			return -ENOMEM;
		topic->id = id;
		topic->topics = t;
		HASH_ADD(hh, t->orders, id, sizeof topic->id, topic);
		if (topic->unhashed) {
			free(topic);
			return -ENOMEM;
		}
	}
	join(topic, l);
	return 0;
}

void topics_listen_all(struct topics *t, struct listening *l)
{
	join(&t->all, l);
}

void topics_leave(struct listening *l)
{
	struct topic *topic = l->topic;
	if (!topic)
		return;
	LIST_REMOVE(l, entry);
	l->topic = NULL;
	if (topic != &topic->topics->all && LIST_EMPTY(&topic->listeners)) {
		HASH_DEL(topic->topics->orders, topic);
		free(topic);
	}
}

static void tell(struct topic *topic, const struct store_event *event)
{
	struct listening *l;
	LIST_FOREACH (l, &topic->listeners, entry)
		l->on_event(l, event);
}

void topics_publish(struct topics *t, const struct store_event *event)
{
	struct topic *topic = NULL;
	if (t->orders)
		HASH_FIND(hh, t->orders, &event->id, sizeof event->id, topic);
	if (topic)
		tell(topic, event);
	tell(&t->all, event);
}
