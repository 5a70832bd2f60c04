/*
 * RESULT: what the job wrote, or a part of it. A cut result is never passed off as whole.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

struct asked {
	int64_t offset, len;
	bool partial;
};

static const struct option options[] = {
    {"OFFSET", OPTION_INT, offsetof(struct asked, offset), 0, INT64_MAX},
    {"LEN", OPTION_INT, offsetof(struct asked, len), 0, INT64_MAX},
    {"PARTIAL", OPTION_FLAG, offsetof(struct asked, partial), 0, 0},
};

static int await_reply(struct errand *e, int64_t id, const struct asked *asked)
{
	struct store_read read = {.id = id, .offset = (uint64_t)asked->offset, .limit = (uint64_t)asked->len};
	store_read(e->all->store, &read);
	int r = await_future_shielded(&read.op.done);
	if (r == ERR_PENDING)
		return reply_null(&e->w);
	if (r < 0)
		return reply_failure(&e->w, look_error(e->user, r));
	if (read.cut && !asked->partial)
		r = reply_error(&e->w, "CUT",
		    "%" PRIu64 " %" PRIu64 " the result is not whole: PARTIAL gives what was kept", read.kept,
		    read.total);
	else
		r = reply_bulk(&e->w, read.bytes, read.len);
	free(read.bytes);
	return r;
}

static int errand(struct errand *e)
{
	int64_t id;
	struct asked asked = {.len = INT64_MAX};
	int r = option_id(e->argv[1], &e->w, &id);
	if (r == 0)
		r = options_parse(
		    options, sizeof options / sizeof *options, e->argv + 2, e->argc - 2, &asked, &e->w);
	if (r != 0)
		return r < 0 ? r : 0;
	struct store_order order;
	r = await_look(e->all, e->user, id, &order);
	if (r < 0)
		return reply_failure(&e->w, r);
	store_order_clear(&order);
	return await_reply(e, id, &asked);
}

const struct command command_result = {
    .name = "result",
    .least = 1,
    .most = -1,
    .flags = COMMAND_READ,
    .right = RIGHT_READ,
    .errand = errand,
    .room = ROOM_RESULT,
    .syntax = "id [OFFSET bytes] [LEN bytes] [PARTIAL]",
    .summary = "Gives the result of an order, byte for byte",
};
