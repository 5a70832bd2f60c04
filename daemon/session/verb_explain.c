/*
 * EXPLAIN: why an order is where it is: one word for programs, one sentence for people.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/order/order.h"
#include "daemon/sched/sched.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"
#include "daemon/worker/pool.h"

enum { PLACES_MOST = 1000 };

struct explanation {
	const char *waits_for; /* NULL: for nothing */
	int place;             /* −1: none */
	char text[400];
};

/* ---- running ---- */

static void add(struct explanation *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct explanation *x, const char *format, ...)
{
	size_t used = strlen(x->text);
	va_list args;
	va_start(args, format);
	vsnprintf(x->text + used, sizeof x->text - used, format, args);
	va_end(args);
}

static void add_wait(struct explanation *x, const struct sched_doing *doing)
{
	static const struct {
		const char *word, *text;
	} rows[] = {
	    {"worker", "it waits for a worker"},
	    {"job", "its job runs"},
	    {"sleep", "it sleeps"},
	    {"host", "it waits for its turn before a host"},
	    {"name", "a host's name is being looked up"},
	    {"http", "it waits for an HTTP answer"},
	    {"backoff", "it failed and waits to be tried again"},
	    {"disk", "it waits for the disk"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].word, doing->waits_for) == 0)
			add(x, ": %s", rows[i].text);
}

static void add_pool(struct sessions *all, struct explanation *x, const char *name)
{
	const struct pool *pool = pools_find(all->pools, name);
	if (pool)
		add(x, " in pool '%s' (%d of its %d workers are busy)", name, pool_busy_count(pool),
		    pool_worker_count(pool));
}

/* "Attempt 1 is in step 2 of 3, 'mix', try 2: it sleeps, since 2026-…" */
static void explain_doing(
    struct sessions *all, const struct store_order *o, const struct sched_doing *doing, struct explanation *x)
{
	char when[25];
	x->waits_for = *doing->waits_for ? doing->waits_for : NULL;
	add(x, "Attempt %d is in step %d of %d, '%s'", o->attempt, doing->number, doing->count, doing->step);
	if (doing->try > 1)
		add(x, ", try %d", doing->try);
	add_wait(x, doing);
	if (doing->pool && x->waits_for)
		add_pool(all, x, doing->pool);
	if (x->waits_for && doing->since_ns > 0) {
		clock_format_utc(clock_wall_ms() - (clock_mono_ns() - doing->since_ns) / NS_PER_MS, when);
		add(x, ", since %s", when);
	}
}

static void explain_running(struct sessions *all, const struct store_order *o, struct explanation *x)
{
	char when[25];
	struct sched_doing doing;
	if (sched_doing(all->sched, o->id, &doing)) {
		explain_doing(all, o, &doing, x);
	} else {
		x->waits_for = "job";
		clock_format_utc(o->started_ms, when);
		add(x, "Attempt %d has been running since %s", o->attempt, when);
	}
	add(x, "%s.", o->cancel_requested ? "; it is being cancelled" : "");
}

/* ---- the others ---- */

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

/* "It failed in step 'gather' (http)": of the order, or of its last attempt. */
static void add_failure(struct explanation *x, const struct store_order *o)
{
	add(x, "It failed");
	if (o->step)
		add(x, " in step '%s'", o->step);
	if (o->cause != CAUSE_NONE)
		add(x, " (%s)", order_cause_word(o->cause));
}

static int await_explained(struct errand *e, const struct store_order *o, struct explanation *x)
{
	char when[25];
	switch (o->state) {
	case ORDER_SCHEDULED:
		x->waits_for = "time";
		clock_format_utc(o->due_ms, when);
		if (o->attempt > 0)
			add_failure(x, o);
		add(x, "%s until %s.",
		    o->attempt > 0 ? " and waits to be tried again" : "It waits, as it was asked to,", when);
		return 0;
	case ORDER_QUEUED:
		return await_queued(e, o, x);
	case ORDER_RUNNING:
		explain_running(e->all, o, x);
		return 0;
	case ORDER_CANCELLED:
		clock_format_utc(o->finished_ms, when);
		snprintf(x->text, sizeof x->text, "It was cancelled%s%s at %s.", o->by ? " by " : "",
		    o->by ? o->by : "", when);
		return 0;
	case ORDER_FAILED:
		clock_format_utc(o->finished_ms, when);
		add_failure(x, o);
		add(x, " at %s.", when);
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
