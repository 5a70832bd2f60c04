/*
 * A client's subscriptions: its channels and patterns, and the messages that are pushed for them.
 *
 *     order:<id>    every change of state of one order; the final one at once when it has happened already
 *     events        every change of state of all orders
 *     PREFIX*       a pattern: every channel above whose name begins so
 *
 * Other names are acknowledged and stay silent. A message is written only to those who may see its order.
 */
#ifndef BAKERY_SESSION_SUBSCRIBER_H
#define BAKERY_SESSION_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/session/topics.h"
#include "proto/buf.h"

struct connection;
struct subscriber;

/* A channel or pattern that the client has subscribed to. */
struct subscription {
	TAILQ_ENTRY(subscription) entry;
	struct listening listening;
	struct connection *c;
	bool pattern;
	int64_t order;     /* > 0: this is the channel of an order */
	uint64_t last_seq; /* of the last message: none with a lower number, or this one, follows */
	size_t len;
	char name[]; /* as the client wrote it; a pattern with its * */
};

/* True: the connection takes only what Redis allows to a RESP2 subscriber. */
bool subscriber_restricts(const struct connection *c);
size_t subscriber_count(const struct connection *c);

/* The subscription of this name, made unless it is there. 0; -ENOMEM; -EUSERS: too many; -E2BIG: the name is too long to be kept. */
int subscriber_add(struct connection *c, struct slice name, bool pattern, struct subscription **out);
/* NULL when there is none. */
struct subscription *subscriber_find(const struct connection *c, struct slice name, bool pattern);
/* The first of its kind, or NULL. */
struct subscription *subscriber_first(const struct connection *c, bool pattern);
void subscriber_remove(struct subscription *s);
/* Ends all subscriptions and frees the subscriber. NULL is fine. */
void subscriber_free(struct subscriber *s);

/* Pushes what has happened to the order of this channel, if it is final and the client has not been told. */
void subscription_tell_final(struct subscription *s, const struct store_order *order);

#endif
