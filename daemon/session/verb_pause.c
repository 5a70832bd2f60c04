/*
 * PAUSE and RESUME of a recipe. Barriers: what is ordered after a PAUSE in the same pipeline must not start.
 */
#include <errno.h>
#include <string.h>

#include "daemon/sched/sched.h"
#include "daemon/session/connection.h"
#include "daemon/session/failure.h"
#include "daemon/session/identity.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

enum { REASON_BYTES = 1024 };

static const struct option options[] = {
    {"REASON", OPTION_TEXT, 0, 0, REASON_BYTES},
};

static int pause_or_resume(
    struct connection *c, const struct request *request, bool pause, struct reply_writer *w)
{
	struct slice kind = request->argv[1], name = request->argv[2], reason = {"", 0};
	if (!option_is(kind, "RECIPE"))
		return reply_error(
		    w, "ERR", "expected RECIPE, got '%.*s'", kind.len < 64 ? (int)kind.len : 64, kind.data);
	int r = options_parse(options, pause ? sizeof options / sizeof *options : 0, request->argv + 3,
	    request->argc - 3, &reason, w);
	if (r != 0)
		return r < 0 ? r : 0;
	const struct conf_recipe *recipe = conf_recipe_find(c->all->conf, name.data, name.len);
	if (!recipe)
		return reply_error(
		    w, "NORECIPE", "no recipe '%.*s'", name.len < 64 ? (int)name.len : 64, name.data);
	const char *interned = store_intern(c->all->store, recipe->name, strlen(recipe->name));
	if (!interned)
		return -ENOMEM;
	r = await_sched_pause(c->all->sched, interned, pause, c->user->name, reason);
	return r < 0 ? reply_failure(w, r) : reply_simple(w, "OK");
}

static int run_pause(struct connection *c, const struct request *request, struct reply_writer *w)
{
	return pause_or_resume(c, request, true, w);
}

static int run_resume(struct connection *c, const struct request *request, struct reply_writer *w)
{
	return pause_or_resume(c, request, false, w);
}

const struct command command_pause = {
    .name = "pause",
    .least = 2,
    .most = 4,
    .flags = COMMAND_BARRIER,
    .right = RIGHT_PAUSE,
    .run = run_pause,
    .syntax = "RECIPE name [REASON text]",
    .summary = "No order of the recipe starts until RESUME",
};

const struct command command_resume = {
    .name = "resume",
    .least = 2,
    .most = 2,
    .flags = COMMAND_BARRIER,
    .right = RIGHT_PAUSE,
    .run = run_resume,
    .syntax = "RECIPE name",
    .summary = "Orders of the recipe start again",
};
