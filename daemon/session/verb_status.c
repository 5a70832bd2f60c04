/*
 * STATUS: what is known about an order.
 */
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

static int errand(struct errand *e)
{
	int64_t id;
	int r = option_id(e->argv[1], &e->w, &id);
	if (r != 0)
		return r < 0 ? r : 0;
	struct store_order order;
	r = await_look(e->all, e->user, id, &order);
	if (r < 0)
		return reply_failure(&e->w, r);
	r = look_reply(e->all, &order, &e->w);
	store_order_clear(&order);
	return r;
}

const struct command command_status = {
    .name = "status",
    .least = 1,
    .most = 1,
    .flags = COMMAND_READ,
    .right = RIGHT_READ,
    .errand = errand,
    .syntax = "id",
    .summary = "Tells all that is known about an order",
};
