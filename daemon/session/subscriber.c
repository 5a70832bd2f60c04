#include "daemon/session/subscriber.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/base/log.h"
#include "daemon/order/order.h"
#include "daemon/session/connection.h"
#include "daemon/session/identity.h"
#include "daemon/session/look.h"
#include "daemon/session/message.h"

#define ORDER_CHANNEL  "order:"
#define EVENTS_CHANNEL "events"

enum { SUBSCRIPTIONS_MOST = 1024, NAME_BYTES = 256 };

struct subscriber {
	TAILQ_HEAD(, subscription) subscriptions;
	size_t count;
};

size_t subscriber_count(const struct connection *c)
{
	return c->subscriber ? c->subscriber->count : 0;
}

bool subscriber_restricts(const struct connection *c)
{
	return c->reply.version == 2 && subscriber_count(c) > 0;
}

/* ---- messages ---- */

static int push(struct subscription *s, const char *channel, size_t channel_len, const struct buf *payload)
{
	struct reply_writer *w = &s->c->reply;
	int r = reply_push(w, s->pattern ? 4 : 3);
	if (r == 0)
		r = reply_text(w, s->pattern ? "pmessage" : "message");
	if (r == 0 && s->pattern)
		r = reply_bulk(w, s->name, s->len);
	if (r == 0)
		r = reply_bulk(w, channel, channel_len);
	return r < 0 ? r : reply_bulk(w, buf_bytes(payload), payload->len);
}

/* One message. A client that does not read is closed: all that it missed can be asked for. */
static void deliver(
    struct subscription *s, const char *channel, size_t channel_len, const struct store_event *event)
{
	struct connection *c = s->c;
	struct buf *payload = sessions_scratch(c->all);
	if (c->dead)
		return;
	if (connection_clogged(c)) {
		connection_abort(c, "subscriber does not read");
		return;
	}
	int r = message_write(payload, event);
	if (r == 0)
		r = push(s, channel, channel_len, payload);
	if (r < 0)
		connection_abort(c, "no memory for a message");
	else
		connection_wrote(c);
}

/* The client's rights at this moment: RESET and AUTH change them. */
static bool may_hear(const struct subscription *s, const struct store_event *event)
{
	const struct user *user = s->c->user;
	return user && look_may_see(user, s->order > 0 ? RIGHT_READ : RIGHT_EVENTS, event->user);
}

static void on_event(struct listening *l, const struct store_event *event)
{
	struct subscription *s = (struct subscription *)((char *)l -
							 offsetof(struct subscription, listening));
	if (event->seq <= s->last_seq || !may_hear(s, event))
		return;
	s->last_seq = event->seq;
	if (!s->pattern) {
		deliver(s, s->name, s->len, event);
		return;
	}
	char channel[sizeof ORDER_CHANNEL + 20];
	int len = snprintf(channel, sizeof channel, ORDER_CHANNEL "%" PRId64, event->id);
	size_t prefix = s->len - 1;
	if (prefix <= (size_t)len && memcmp(channel, s->name, prefix) == 0)
		deliver(s, channel, (size_t)len, event);
	if (prefix <= strlen(EVENTS_CHANNEL) && memcmp(EVENTS_CHANNEL, s->name, prefix) == 0)
		deliver(s, EVENTS_CHANNEL, strlen(EVENTS_CHANNEL), event);
}

void subscription_tell_final(struct subscription *s, const struct store_order *o)
{
	if (!order_state_final(o->state))
		return;
	struct store_event event = {
	    .seq = o->seq,
	    .id = o->id,
	    .time_ms = o->finished_ms,
	    .recipe = o->recipe,
	    .user = o->user,
	    .state = o->state,
	    .cause = o->cause,
	    .attempt = o->attempt,
	    .exit = o->exit,
	    .signal = o->signal,
	};
	on_event(&s->listening, &event);
}

/* ---- subscriptions ---- */

/* The order whose channel this is; 0: of none. Only the id's usual form counts: a message carries the name as it was subscribed. */
static int64_t channel_order(struct slice name)
{
	size_t prefix = strlen(ORDER_CHANNEL);
	int64_t id;
	if (name.len <= prefix || memcmp(name.data, ORDER_CHANNEL, prefix) != 0 || name.data[prefix] == '0')
		return 0;
	return units_parse_int(name.data + prefix, name.len - prefix, 1, INT64_MAX, &id) == 0 ? id : 0;
}

static int start_listening(struct subscription *s)
{
	struct topics *topics = s->c->all->topics;
	struct slice name = {s->name, s->len};
	s->listening.on_event = on_event;
	s->order = s->pattern ? 0 : channel_order(name);
	if (s->order > 0)
		return topics_listen_order(topics, s->order, &s->listening);
	if (s->pattern ||
	    (name.len == strlen(EVENTS_CHANNEL) && memcmp(name.data, EVENTS_CHANNEL, name.len) == 0))
		topics_listen_all(topics, &s->listening);
	return 0;
}

static int make_subscriber(struct connection *c)
{
	if (c->subscriber)
		return 0;
	c->subscriber = calloc(1, sizeof *c->subscriber);
	if (!c->subscriber)
		return -ENOMEM;
	TAILQ_INIT(&c->subscriber->subscriptions);
	return 0;
}

struct subscription *subscriber_find(const struct connection *c, struct slice name, bool pattern)
{
	struct subscription *s = NULL;
	if (c->subscriber)
		TAILQ_FOREACH (s, &c->subscriber->subscriptions, entry)
			if (s->pattern == pattern && s->len == name.len &&
			    memcmp(s->name, name.data, name.len) == 0)
				break;
	return s;
}

struct subscription *subscriber_first(const struct connection *c, bool pattern)
{
	struct subscription *s = NULL;
	if (c->subscriber)
		TAILQ_FOREACH (s, &c->subscriber->subscriptions, entry)
			if (s->pattern == pattern)
				break;
	return s;
}

int subscriber_add(struct connection *c, struct slice name, bool pattern, struct subscription **out)
{
	struct subscription *s = subscriber_find(c, name, pattern);
	if (s) {
		*out = s;
		return 0;
	}
	if (name.len > NAME_BYTES)
		return -E2BIG;
	if (make_subscriber(c) < 0)
		return -ENOMEM;
	if (c->subscriber->count >= SUBSCRIPTIONS_MOST)
		return -EUSERS;
	s = calloc(1, sizeof *s + name.len);
	if (!s)
		return -ENOMEM;
	s->c = c;
	s->pattern = pattern;
	s->len = name.len;
	if (name.len > 0)
		memcpy(s->name, name.data, name.len);
	if (start_listening(s) < 0) {
		free(s);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&c->subscriber->subscriptions, s, entry);
	c->subscriber->count++;
	c->all->counters.subscriptions++;
	*out = s;
	return 0;
}

void subscriber_remove(struct subscription *s)
{
	struct connection *c = s->c;
	topics_leave(&s->listening);
	TAILQ_REMOVE(&c->subscriber->subscriptions, s, entry);
	c->subscriber->count--;
	c->all->counters.subscriptions--;
	free(s);
}

void subscriber_free(struct subscriber *subscriber)
{
	struct subscription *s;
	while (subscriber && (s = TAILQ_FIRST(&subscriber->subscriptions)))
		subscriber_remove(s);
	free(subscriber);
}
