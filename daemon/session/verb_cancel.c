/*
 * CANCEL: makes the request durable, then stops the job if it runs.
 */
#include "daemon/base/err.h"
#include "daemon/sched/sched.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

enum { REASON_BYTES = 1024 };

static const struct option options[] = {
    {"REASON", OPTION_TEXT, offsetof(struct store_cancel, reason), 0, REASON_BYTES},
};

/* Whoever may cancel all need not be able to read. 0: it may; 1: refused, and the error has been replied; -ENOMEM. */
static int await_permission(struct errand *e, int64_t id)
{
	if (rights_reach(&e->user->rights, RIGHT_CANCEL) == REACH_ALL)
		return 0;
	struct store_get get = {.id = id};
	store_get(e->all->store, &get);
	int r = await_future_shielded(&get.op.done);
	if (r == 0) {
		bool own = get.order.user == e->user->name;
		bool seen = look_may_see(e->user, RIGHT_READ, get.order.user);
		store_order_clear(&get.order);
		if (own)
			return 0;
		r = seen ? reply_error(&e->w, "NOPERM", "this is somebody else's order")
			 : reply_failure(&e->w, ERR_NOTFOUND);
	} else {
		r = reply_failure(&e->w, look_error(e->user, r));
	}
	return r < 0 ? r : 1;
}

static int errand(struct errand *e)
{
	struct store_cancel cancel = {.by = e->user->name};
	int r = option_id(e->argv[1], &e->w, &cancel.id);
	if (r == 0)
		r = options_parse(
		    options, sizeof options / sizeof *options, e->argv + 2, e->argc - 2, &cancel, &e->w);
	if (r == 0)
		r = await_permission(e, cancel.id);
	if (r != 0)
		return r < 0 ? r : 0;
	r = await_sched_cancel(e->all->sched, &cancel);
	if (r < 0)
		return reply_failure(&e->w, look_error(e->user, r));
	return reply_int(&e->w, cancel.what != STORE_CANCEL_FINAL);
}

const struct command command_cancel = {
    .name = "cancel",
    .least = 1,
    .most = 3,
    .flags = COMMAND_WRITE,
    .right = RIGHT_CANCEL,
    .errand = errand,
    .syntax = "id [REASON text]",
    .summary = "Cancels an order; stops its job if it runs",
};
