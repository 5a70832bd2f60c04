/*
 * EXPLAIN: why an order is where it is: one word for programs, one sentence for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/order/order.h"
#include "daemon/sched/sched.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

enum { PLACES_MOST = 1000 };

struct explanation {
	const char *waits_for; /* NULL: for nothing */
	int place;             /* −1: none */
	char text[300];
};

/* It is queued: behind others of its recipe, or held by something. */
static int await_queued(struct errand *e, const struct store_order *o, struct explanation *x)
{
	struct store_place place = {.id = o->id, .limit = PLACES_MOST};
	store_place(e->all->store, &place);
	int r = await_future_shielded(&place.op.done);
	if (r == ERR_STATE || r == ERR_NOTFOUND) {
		x->waits_for = "turn";
		snprintf(x->text, sizeof x->text, "It has left the queue just now.");
		return 0;
	}
	if (r < 0)
		return r;
	x->place = place.place;
	char why[256] = "";
	enum sched_hold hold = sched_why_held(e->all->sched, o->recipe, why);
	if (hold == SCHED_HOLD_PAUSED && *place.paused_by) {
		x->waits_for = sched_hold_word(hold);
		snprintf(x->text, sizeof x->text, "It waits: %s has paused the recipe%s%s.", place.paused_by,
		    *place.paused_reason ? ": " : "", place.paused_reason);
	} else if (hold != SCHED_HOLD_NONE) {
		x->waits_for = sched_hold_word(hold);
		snprintf(x->text, sizeof x->text, "It waits: %s.", why);
	} else {
		x->waits_for = "turn";
		snprintf(x->text, sizeof x->text, "%d%s of its recipe start before it.", place.place,
		    place.place >= PLACES_MOST ? " or more" : "");
	}
	return 0;
}

static int await_explained(struct errand *e, const struct store_order *o, struct explanation *x)
{
	char when[25];
	switch (o->state) {
	case ORDER_SCHEDULED:
		x->waits_for = "time";
		clock_format_utc(o->due_ms, when);
		snprintf(x->text, sizeof x->text, "%s until %s.",
		    o->attempt > 0 ? "It failed and waits to be tried again"
				   : "It waits, as it was asked to,",
		    when);
		return 0;
	case ORDER_QUEUED:
		return await_queued(e, o, x);
	case ORDER_RUNNING:
		x->waits_for = "job";
		clock_format_utc(o->started_ms, when);
		snprintf(x->text, sizeof x->text, "Attempt %d has been running since %s%s.", o->attempt, when,
		    o->cancel_requested ? ", and is being cancelled" : "");
		return 0;
	case ORDER_CANCELLED:
		clock_format_utc(o->finished_ms, when);
		snprintf(x->text, sizeof x->text, "It was cancelled%s%s at %s.", o->by ? " by " : "",
		    o->by ? o->by : "", when);
		return 0;
	default:
		clock_format_utc(o->finished_ms, when);
		snprintf(x->text, sizeof x->text, "It ended at %s.", when);
		return 0;
	}
}

static int reply_explanation(struct reply_writer *w, const struct store_order *o, const struct explanation *x)
{
	int r = reply_map(w, 5);
	r = r ? r : reply_text(w, "id");
	r = r ? r : reply_id(w, o->id);
	r = r ? r : reply_text(w, "state");
	r = r ? r : reply_text(w, order_state_word(o->state));
	r = r ? r : reply_text(w, "waits_for");
	r = r ? r : x->waits_for ? reply_text(w, x->waits_for) : reply_null(w);
	r = r ? r : reply_text(w, "place");
	r = r ? r : x->place >= 0 ? reply_int(w, x->place) : reply_null(w);
	r = r ? r : reply_text(w, "text");
	return r ? r : reply_text(w, x->text);
}

static int errand(struct errand *e)
{
	int64_t id;
	int r = option_id(e->argv[1], &e->w, &id);
	if (r != 0)
		return r < 0 ? r : 0;
	struct store_order order;
	struct explanation x = {.place = -1};
	r = await_look(e->all, e->user, id, &order);
	if (r < 0)
		return reply_failure(&e->w, r);
	r = await_explained(e, &order, &x);
	r = r < 0 ? reply_failure(&e->w, r) : reply_explanation(&e->w, &order, &x);
	store_order_clear(&order);
	return r;
}

const struct command command_explain = {
    .name = "explain",
    .least = 1,
    .most = 1,
    .flags = COMMAND_READ,
    .right = RIGHT_READ,
    .errand = errand,
    .syntax = "id",
    .summary = "Tells why an order is where it is",
};
