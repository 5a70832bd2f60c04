/*
 * AWAIT: answers when one of the orders is final, or all are. Listens first and reads then, so that an end between the two is not missed. It takes
 * nothing away, so it can be repeated; and a client that hangs up is not waited for any longer.
 */
#include <errno.h>
#include <stdlib.h>

#include "conf/units.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/order/order.h"
#include "daemon/session/connection.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/topics.h"
#include "daemon/session/verbs.h"

enum { IDS_MOST = 256, TIMEOUT_MOST_MS = 10 * 60 * 1000 };

/* One of the orders that are waited for. */
struct awaited {
	struct listening listening;
	struct connection *c;
	int64_t id;
	bool look;            /* something has happened to it since it was read last, or since that began */
	bool reading;         /* get is under way */
	struct store_get get; /* as it was read last */
	bool have;            /* get.order is filled in */
};

struct waiting {
	bool all;
	int64_t deadline_ns;
	size_t count;
	struct awaited *orders;
};

static void on_event(struct listening *l, const struct store_event *event)
{
	struct awaited *a = (struct awaited *)((char *)l - offsetof(struct awaited, listening));
	if (!order_state_final(event->state))
		return;
	a->look = true;
	condition_signal(&a->c->changed);
}

static bool is_final(const struct awaited *a)
{
	return a->have && order_state_final(a->get.order.state);
}

/* Reads again all of which something was heard. */
static int await_looked(struct connection *c, struct waiting *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct awaited *a = &w->orders[i];
		if (!a->look)
			continue;
		if (a->have)
			store_order_clear(&a->get.order);
		a->have = a->look = false;
		a->reading = true;
		a->get = (struct store_get){.id = a->id};
		store_get(c->all->store, &a->get);
	}
	int first = 0;
	for (size_t i = 0; i < w->count; i++) {
		struct awaited *a = &w->orders[i];
		if (!a->reading)
			continue;
		a->reading = false;
		int r = await_future_shielded(&a->get.op.done);
		a->have = r == 0;
		if (r == 0 && !look_may_see(c->user, RIGHT_READ, a->get.order.user))
			r = ERR_NOTFOUND;
		if (first == 0 && r < 0)
			first = look_error(c->user, r);
	}
	return first;
}

/* The answer as it is now: 0: not yet; 1: it is there, and *which the first final order (not ALL). */
static int answered(const struct waiting *w, size_t *which)
{
	size_t finals = 0;
	for (size_t i = w->count; i-- > 0;) {
		if (!is_final(&w->orders[i]))
			continue;
		finals++;
		*which = i;
	}
	return w->all ? finals == w->count : finals > 0;
}

static int reply_answer(struct connection *c, const struct waiting *w, size_t which, struct reply_writer *to)
{
	if (!w->all)
		return look_reply(c->all, &w->orders[which].get.order, to);
	int r = reply_array(to, (uint32_t)w->count);
	for (size_t i = 0; r == 0 && i < w->count; i++)
		r = look_reply(c->all, &w->orders[i].get.order, to);
	return r;
}

static bool heard(const struct waiting *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->orders[i].look)
			return true;
	return false;
}

static int await_answer(struct connection *c, struct waiting *w, struct reply_writer *to)
{
	for (;;) {
		size_t which = 0;
		int r = await_looked(c, w);
		if (c->dead)
			return 0;
		if (r < 0)
			return reply_failure(to, r);
		if (answered(w, &which))
			return reply_answer(c, w, which, to);
		/* It may have been heard while the orders were read. */
		while (!heard(w)) {
			if (c->all->closing)
				return reply_failure(to, ERR_CANCELLED);
			/* Also before the first wait: the end may have come together with the request. */
			if (connection_hung_up(c)) {
				/* Nobody waits for this answer; those before it may still be read. */
				connection_close_soon(c);
				return 0;
			}
			r = await_connection_change(c, w->deadline_ns);
			if (r == ERR_TIMEOUT)
				return reply_null_array(to);
			if (r < 0)
				return 0;
		}
	}
}

/* 0; 1: replied; -ENOMEM. */
static int parse(const struct request *request, struct waiting *w, struct reply_writer *to)
{
	int64_t timeout_ms;
	const struct slice *argv = request->argv + 1;
	size_t argc = request->argc - 1;
	int r = 0;
	w->all = argc > 2 && option_is(argv[argc - 1], "ALL");
	w->count = argc - 1 - w->all;
	if (units_parse_duration(argv[0].data, argv[0].len, 1, &timeout_ms) < 0 || timeout_ms < 0)
		r = reply_error(to, "ERR", "timeout: expected a duration such as 500ms, 10s or 5m");
	else if (timeout_ms > TIMEOUT_MOST_MS)
		r = reply_error(to, "BADARG", "timeout: at most 10m");
	else if (w->count > IDS_MOST)
		r = reply_error(to, "BADARG", "at most %d ids", IDS_MOST);
	else
		goto good;
	return r < 0 ? r : 1;
good:
	w->deadline_ns = clock_deadline_ms(timeout_ms > 0 ? timeout_ms : TIMEOUT_MOST_MS);
	w->orders = calloc(w->count, sizeof *w->orders);
	if (!w->orders)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->count; i++)
		r = option_id(argv[1 + i], to, &w->orders[i].id);
	return r;
}

static int listen_to_all(struct connection *c, struct waiting *w)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < w->count; i++) {
		struct awaited *a = &w->orders[i];
		a->c = c;
		a->look = true;
		a->listening.on_event = on_event;
		r = topics_listen_order(c->all->topics, a->id, &a->listening);
	}
	return r;
}

static int run(struct connection *c, const struct request *request, struct reply_writer *to)
{
	struct waiting w = {0};
	int r = parse(request, &w, to);
	if (r == 0)
		r = listen_to_all(c, &w);
	if (r == 0) {
		c->all->counters.waiting++;
		r = await_answer(c, &w, to);
		c->all->counters.waiting--;
	}
	for (size_t i = 0; w.orders && i < w.count; i++) {
		topics_leave(&w.orders[i].listening);
		if (w.orders[i].have)
			store_order_clear(&w.orders[i].get.order);
	}
	free(w.orders);
	return r < 0 ? r : 0;
}

const struct command command_await = {
    .name = "await",
    .least = 2,
    .most = -1,
    .flags = COMMAND_BARRIER,
    .right = RIGHT_READ,
    .run = run,
    .syntax = "timeout id [id …] [ALL]",
    .summary = "Waits until one of the orders is final, or all are",
};
