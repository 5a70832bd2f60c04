/*
 * RECIPES: what the user may order, with parameters and how much of it there is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/order/order.h"
#include "daemon/sched/sched.h"
#include "daemon/session/connection.h"
#include "daemon/session/identity.h"
#include "daemon/session/look.h"
#include "daemon/session/verbs.h"
#include "daemon/store/store.h"
#include "daemon/task/task.h"

static const char *type_word(enum conf_param_type type)
{
	static const char *const words[] = {
	    [CONF_PARAM_STRING] = "string",
	    [CONF_PARAM_INTEGER] = "integer",
	    [CONF_PARAM_NUMBER] = "number",
	    [CONF_PARAM_BOOLEAN] = "boolean",
	    [CONF_PARAM_PATH] = "path",
	    [CONF_PARAM_LIST] = "list",
	};
	return words[type];
}

/* An array of texts that a NULL ends; no array at all: null. */
static int reply_texts(struct reply_writer *w, char *const *texts)
{
	uint32_t count = 0;
	if (!texts)
		return reply_null_array(w);
	while (texts[count])
		count++;
	int r = reply_array(w, count);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = reply_text(w, texts[i]);
	return r;
}

/* The protocol has no fractions: like a default, a number is the text that JSON has for it. */
static int reply_number(struct reply_writer *w, bool there, double value)
{
	char text[32];
	return there ? reply_text(w, units_format_number(value, text)) : reply_null(w);
}

static int reply_param(struct reply_writer *w, const struct conf_param *p)
{
	bool has_most = p->max != CONF_NONE;
	int r = reply_map(w, 9);
	r = r ? r : reply_text(w, "name");
	r = r ? r : reply_text(w, p->name);
	r = r ? r : reply_text(w, "type");
	r = r ? r : reply_text(w, type_word(p->type));
	r = r ? r : reply_text(w, "required");
	r = r ? r : reply_bool(w, p->required);
	r = r ? r : reply_text(w, "default");
	r = r ? r : p->default_json ? reply_text(w, p->default_json) : reply_null(w);
	r = r ? r : reply_text(w, "min");
	r = r ? r : reply_number(w, p->has_minimum, p->minimum);
	r = r ? r : reply_text(w, "max");
	r = r ? r : reply_number(w, has_most || p->has_maximum, has_most ? (double)p->max : p->maximum);
	r = r ? r : reply_text(w, "one_of");
	r = r ? r : reply_texts(w, p->one_of);
	r = r ? r : reply_text(w, "pattern");
	r = r ? r : p->pattern ? reply_text(w, p->pattern) : reply_null(w);
	r = r ? r : reply_text(w, "under");
	return r ? r : reply_texts(w, p->under);
}

static int reply_params(struct reply_writer *w, const struct conf_recipe *recipe)
{
	if (!recipe->has_params)
		return reply_null_array(w);
	int r = reply_array(w, (uint32_t)recipe->param_count);
	for (size_t i = 0; r == 0 && i < recipe->param_count; i++)
		r = reply_param(w, &recipe->params[i]);
	return r;
}

static int reply_steps(struct reply_writer *w, const struct conf_recipe *recipe)
{
	static const char *const kinds[] = {
	    [CONF_STEP_RUN] = "run", [CONF_STEP_SLEEP] = "sleep", [CONF_STEP_HTTP] = "http"};
	int r = reply_array(w, (uint32_t)recipe->step_count);
	for (size_t i = 0; r == 0 && i < recipe->step_count; i++) {
		const struct conf_step *step = &recipe->steps[i];
		r = reply_map(w, 3);
		r = r ? r : reply_text(w, "name");
		r = r ? r : reply_text(w, step->name);
		r = r ? r : reply_text(w, "kind");
		r = r ? r : reply_text(w, kinds[step->kind]);
		r = r ? r : reply_text(w, "pool");
		r = r ? r : conf_step_is_heavy(step) ? reply_text(w, step->pool) : reply_null(w);
	}
	return r;
}

static int reply_limit(struct reply_writer *w, int64_t value)
{
	return value == CONF_NONE ? reply_null(w) : reply_int(w, value);
}

static int reply_recipe(struct connection *c, const struct conf_recipe *recipe, struct reply_writer *w)
{
	static const enum order_state counted[] = {
	    ORDER_SCHEDULED, ORDER_QUEUED, ORDER_RUNNING, ORDER_DONE, ORDER_FAILED, ORDER_CANCELLED};
	enum { COUNTED = sizeof counted / sizeof *counted };
	const char *name = store_intern(c->all->store, recipe->name, strlen(recipe->name));
	if (!name)
		return -ENOMEM;
	const char *pool = look_first_pool(recipe);
	uint64_t by_state[ORDER_STATES] = {0};
	store_recipe_counts(c->all->store, name, by_state);
	int r = reply_map(w, 10 + COUNTED);
	r = r ? r : reply_text(w, "name");
	r = r ? r : reply_text(w, recipe->name);
	r = r ? r : reply_text(w, "description");
	r = r ? r : reply_text(w, recipe->description);
	r = r ? r : reply_text(w, "params");
	r = r ? r : reply_params(w, recipe);
	r = r ? r : reply_text(w, "steps");
	r = r ? r : reply_steps(w, recipe);
	r = r ? r : reply_text(w, "pool");
	r = r ? r : pool ? reply_text(w, pool) : reply_null(w);
	r = r ? r : reply_text(w, "timeout");
	r = r ? r : reply_limit(w, recipe->timeout_ms);
	r = r ? r : reply_text(w, "retries");
	r = r ? r : reply_int(w, recipe->retries);
	r = r ? r : reply_text(w, "priority");
	r = r ? r : reply_int(w, recipe->priority);
	r = r ? r : reply_text(w, "concurrency");
	r = r ? r : reply_limit(w, recipe->concurrency);
	r = r ? r : reply_text(w, "paused");
	r = r ? r : reply_bool(w, sched_is_paused(c->all->sched, name));
	for (size_t i = 0; i < COUNTED; i++) {
		r = r ? r : reply_text(w, order_state_word(counted[i]));
		r = r ? r : reply_int(w, (int64_t)by_state[counted[i]]);
	}
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct conf_recipe *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

static int reply_all(struct connection *c, struct reply_writer *w)
{
	const struct conf *conf = c->all->conf;
	const struct conf_recipe **shown = calloc(conf->recipe_count + 1, sizeof *shown);
	if (!shown)
		return -ENOMEM;
	size_t count = 0;
	for (size_t i = 0; i < conf->recipe_count; i++)
		if (rights_may_order(&c->user->rights, conf->recipes[i].name))
			shown[count++] = &conf->recipes[i];
	qsort(shown, count, sizeof *shown, by_name);
	int r = reply_array(w, (uint32_t)count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = reply_recipe(c, shown[i], w);
	free(shown);
	return r;
}

struct call {
	struct connection *c;
	const struct request *request;
	struct reply_writer *w;
};

static int reply(void *arg)
{
	const struct call *call = arg;
	struct connection *c = call->c;
	if (call->request->argc == 1)
		return reply_all(c, call->w);
	struct slice name = call->request->argv[1];
	const struct conf_recipe *recipe = conf_recipe_find(c->all->conf, name.data, name.len);
	if (!recipe || !rights_may_order(&c->user->rights, recipe->name))
		return reply_error(
		    call->w, "NORECIPE", "no recipe '%.*s'", name.len < 64 ? (int)name.len : 64, name.data);
	return reply_recipe(c, recipe, call->w);
}

/* Limits of numbers are floats, and formatting these needs a big stack. */
static int run(struct connection *c, const struct request *request, struct reply_writer *w)
{
	return task_call_big(reply, &(struct call){c, request, w});
}

const struct command command_recipes = {
    .name = "recipes",
    .least = 0,
    .most = 1,
    .flags = COMMAND_READ,
    .run = run,
    .syntax = "[name]",
    .summary = "Tells what can be ordered, and with which parameters",
};
