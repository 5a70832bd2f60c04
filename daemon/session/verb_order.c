/*
 * ORDER: admission, then the store; the id is replied when the commit has reached the disk. The hot path: no task, one allocation for slot, store
 * request, payload and key, and nothing is waited for, so that a pipeline shares its commits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/order/order.h"
#include "daemon/session/admit.h"
#include "daemon/session/connection.h"
#include "daemon/session/failure.h"
#include "daemon/session/identity.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"
#include "daemon/store/store.h"

#define DELAY_MOST_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)

struct submission {
	struct slot slot;
	struct store_submit submit;
	struct future_callback done;
	int error;
	char bytes[]; /* payload, key */
};

static const struct option options[] = {
    /* An empty one is a variable that was not set: taken for none, the repetition that it was to prevent would happen. */
    {"KEY", OPTION_TEXT, offsetof(struct admit, key), 1, ADMIT_KEY_BYTES},
    {"PRIORITY", OPTION_INT, offsetof(struct admit, priority), ORDER_PRIORITY_MIN, ORDER_PRIORITY_MAX},
    {"DELAY", OPTION_DURATION, offsetof(struct admit, delay_ms), 0, DELAY_MOST_MS},
    {"TIMEOUT", OPTION_DURATION, offsetof(struct admit, timeout_ms), 1, DELAY_MOST_MS},
    {"RETRIES", OPTION_INT, offsetof(struct admit, retries), 0, 1000000},
};

static int render(struct slot *slot, struct reply_writer *w)
{
	const struct submission *s = (const struct submission *)slot;
	if (s->error == 0)
		return reply_id(w, s->submit.id);
	if (s->error == ERR_KEYCONFLICT)
		return reply_error(w, "KEYCONFLICT", "%lld this KEY belongs to an order with another payload",
		    (long long)s->submit.id);
	return reply_failure(w, s->error);
}

static void release(struct slot *slot)
{
	free(slot);
}

static void on_done(struct future_callback *cb)
{
	struct submission *s = (struct submission *)((char *)cb - offsetof(struct submission, done));
	void *value;
	s->error = future_get(&s->submit.op.done, &value);
	line_fill(&s->slot);
}

static int submit(struct connection *c, const struct admit *a, const char *recipe, struct slice payload)
{
	size_t bytes = payload.len + a->key.len;
	struct submission *s = malloc(sizeof *s + bytes);
	if (!s)
		return -ENOMEM;
	char *key = s->bytes + payload.len;
	if (payload.len > 0)
		memcpy(s->bytes, payload.data, payload.len);
	if (a->key.len > 0)
		memcpy(key, a->key.data, a->key.len);
	s->slot = (struct slot){
	    .bytes = sizeof *s + bytes, .write = true, .render = render, .release = release};
	s->submit = (struct store_submit){
	    .recipe = recipe,
	    .user = c->user->name,
	    .payload = {s->bytes, payload.len},
	    .key = {key, a->key.len},
	    .priority = (int)a->priority,
	    .delay_ms = a->delay_ms,
	    .timeout_ms = a->timeout_ms,
	    .retries = (int)a->retries,
	};
	s->done = (struct future_callback){0};
	line_open(&c->line, &s->slot);
	store_submit(c->all->store, &s->submit);
	future_add_callback(&s->submit.op.done, &s->done, on_done);
	return 0;
}

static int run(struct connection *c, const struct request *request, struct reply_writer *w)
{
	struct admit a = {
	    .recipe = request->argv[1],
	    .payload = request->argv[2],
	    .priority = ADMIT_NO_PRIORITY,
	    .timeout_ms = -1,
	    .retries = -1,
	};
	int r = options_parse(
	    options, sizeof options / sizeof *options, request->argv + 3, request->argc - 3, &a, w);
	const char *recipe;
	struct slice payload;
	if (r == 0)
		r = admit_order(c->all, c->user, &a, &recipe, &payload, w);
	if (r == 0)
		r = submit(c, &a, recipe, payload);
	return r < 0 ? r : 0;
}

const struct command command_order = {
    .name = "order",
    .least = 2,
    .most = -1,
    .right = RIGHT_ORDER,
    .run = run,
    .syntax =
	"recipe payload [KEY key] [PRIORITY priority] [DELAY duration] [TIMEOUT duration] [RETRIES count]",
    .summary = "Submits an order; replies with its id when it is on disk",
};
