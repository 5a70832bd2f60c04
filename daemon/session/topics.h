/*
 * Who listens to which events: to those of one order, or to all. Finding the listeners of an event costs one hash look-up, and nothing when
 * nobody listens. Knows nothing of clients, channels or rights.
 */
#ifndef BAKERY_SESSION_TOPICS_H
#define BAKERY_SESSION_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/store/store.h"

struct topics;
struct topic;

/* Storage is the listener's, from topics_listen_…() to topics_leave(); start from {0}. */
struct listening {
	LIST_ENTRY(listening) entry;
	struct topic *topic; /* NULL: not listening */
	/* May not listen or leave. */
	void (*on_event)(struct listening *l, const struct store_event *event);
};

/* 0 or -ENOMEM. */
int topics_new(struct topics **out);
/* Nobody may listen any more. NULL is fine. */
void topics_free(struct topics *t);

/* 0 or -ENOMEM. */
int topics_listen_order(struct topics *t, int64_t id, struct listening *l);
void topics_listen_all(struct topics *t, struct listening *l);
/* A no-op when it does not listen. */
void topics_leave(struct listening *l);

void topics_publish(struct topics *t, const struct store_event *event);

#endif
