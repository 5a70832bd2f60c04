/*
 * SUBSCRIBE and its kin. Each channel is acknowledged by a frame of its own, in order, before any message for it.
 *
 * An order that is final already gets its message at once: subscribed first, then read, and what was heard meanwhile is not told again.
 */
#include <errno.h>

#include "daemon/base/err.h"
#include "daemon/session/connection.h"
#include "daemon/session/identity.h"
#include "daemon/session/look.h"
#include "daemon/session/subscriber.h"
#include "daemon/session/verbs.h"

static int reply_ack(struct connection *c, const char *kind, const struct slice *name, struct reply_writer *w)
{
	int r = reply_push(w, 3);
	if (r == 0)
		r = reply_text(w, kind);
	if (r == 0)
		r = name ? reply_bulk(w, name->data, name->len) : reply_null(w);
	return r < 0 ? r : reply_int(w, (int64_t)subscriber_count(c));
}

static int subscribe(struct connection *c, struct slice name, bool pattern, struct reply_writer *w)
{
	struct subscription *s;
	int r = subscriber_add(c, name, pattern, &s);
	if (r == -EUSERS)
		return reply_error(w, "BADARG", "too many subscriptions");
	if (r == -E2BIG)
		return reply_error(w, "TOOBIG", "the name of a channel is too long");
	if (r < 0)
		return r;
	return reply_ack(c, pattern ? "psubscribe" : "subscribe", &name, w);
}

/* Tells of an order that has ended already. The subscription is looked for again after the wait: it may have gone with the connection. */
static void await_final_told(struct connection *c, struct slice name)
{
	struct subscription *s = subscriber_find(c, name, false);
	struct store_order order;
	if (!s || s->order == 0 || await_look(c->all, c->user, s->order, &order) < 0)
		return;
	s = c->dead ? NULL : subscriber_find(c, name, false);
	if (s)
		subscription_tell_final(s, &order);
	store_order_clear(&order);
}

static int run_subscribe(struct connection *c, const struct request *request, struct reply_writer *w)
{
	int r = 0;
	for (uint32_t i = 1; r == 0 && i < request->argc; i++)
		r = subscribe(c, request->argv[i], false, w);
	connection_wrote(c);
	for (uint32_t i = 1; r == 0 && !c->dead && i < request->argc; i++)
		await_final_told(c, request->argv[i]);
	return r;
}

static bool is_prefix_pattern(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char at = text.data[i];
		if (at == '*')
			return i + 1 == text.len;
		if (at == '?' || at == '[' || at == '\\')
			return false;
	}
	return false;
}

static int run_psubscribe(struct connection *c, const struct request *request, struct reply_writer *w)
{
	for (uint32_t i = 1; i < request->argc; i++)
		if (!is_prefix_pattern(request->argv[i]))
			return reply_error(w, "BADARG", "a pattern is plain text and one * at its end");
	int r = 0;
	for (uint32_t i = 1; r == 0 && i < request->argc; i++)
		r = subscribe(c, request->argv[i], true, w);
	return r;
}

static int unsubscribe(
    struct connection *c, const struct request *request, bool pattern, struct reply_writer *w)
{
	const char *kind = pattern ? "punsubscribe" : "unsubscribe";
	int r = 0;
	for (uint32_t i = 1; r == 0 && i < request->argc; i++) {
		struct subscription *s = subscriber_find(c, request->argv[i], pattern);
		if (s)
			subscriber_remove(s);
		r = reply_ack(c, kind, &request->argv[i], w);
	}
	if (request->argc > 1)
		return r;
	struct subscription *s = subscriber_first(c, pattern);
	if (!s)
		return reply_ack(c, kind, NULL, w);
	while (r == 0 && (s = subscriber_first(c, pattern))) {
		/* The name goes with the subscription, and the count in the frame is without it. */
		struct buf *name = sessions_scratch(c->all);
		r = buf_append(name, s->name, s->len);
		if (r == 0) {
			subscriber_remove(s);
			r = reply_ack(c, kind, &(struct slice){buf_bytes(name), name->len}, w);
		}
	}
	return r;
}

static int run_unsubscribe(struct connection *c, const struct request *request, struct reply_writer *w)
{
	return unsubscribe(c, request, false, w);
}

static int run_punsubscribe(struct connection *c, const struct request *request, struct reply_writer *w)
{
	return unsubscribe(c, request, true, w);
}

#define FLAGS (COMMAND_BARRIER | COMMAND_SUBSCRIBED)

const struct command command_subscribe = {
    .name = "subscribe",
    .least = 1,
    .most = -1,
    .flags = FLAGS,
    .run = run_subscribe,
    .syntax = "channel [channel …]",
    .summary = "Listens to channels: order:<id>, events",
};

const struct command command_psubscribe = {
    .name = "psubscribe",
    .least = 1,
    .most = -1,
    .flags = FLAGS,
    .run = run_psubscribe,
    .syntax = "pattern [pattern …]",
    .summary = "Listens to all channels whose names begin so; a pattern ends in *",
};

const struct command command_unsubscribe = {
    .name = "unsubscribe",
    .least = 0,
    .most = -1,
    .flags = FLAGS,
    .run = run_unsubscribe,
    .syntax = "[channel …]",
    .summary = "Listens no longer to these channels, or to any",
};

const struct command command_punsubscribe = {
    .name = "punsubscribe",
    .least = 0,
    .most = -1,
    .flags = FLAGS,
    .run = run_punsubscribe,
    .syntax = "[pattern …]",
    .summary = "Listens no longer to these patterns, or to any",
};
