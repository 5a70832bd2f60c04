#include "conf/check_step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/placeholders.h"
#include "conf/template.h"
#include "conf/units.h"

enum { KEY_MAX = 256 };

struct check {
	const struct conf *conf;
	const struct conf_recipe *recipe;
	struct conf_step *step;
	const struct tree *node;
	const char *path;
	struct problems *problems;
};

/* Where a key is written, else where the step is. */
static const struct conf_place *place(const struct check *k, const struct tree *map, const char *key)
{
	const struct tree *child = tree_get(map, key);
	return child ? &child->place : &k->step->place;
}

static int check_text(const struct check *k, const char *text, bool lists, const struct conf_place *at,
    const char *format, const char *what)
{
	char key[KEY_MAX];
	const struct placeholders p = {
	    .recipe = k->recipe, .problems = k->problems, .step = k->step, .lists = lists};
	snprintf(key, sizeof key, "%.150s.%s%.80s", k->path, format, what);
	return placeholders_check(&p, text, at, key);
}

void check_pool_name(const struct conf *c, const char *pool, const struct conf_place *at, const char *key,
    struct problems *problems)
{
	const char *names[64];
	size_t n = 0;
	if (conf_pool_find(c, pool))
		return;
	for (; n < c->pool_count && n < 64; n++)
		names[n] = c->pools[n].name;
	const char *near = nearest_word(pool, strlen(pool), names, n);
	problems_error(problems, at, key, "no pool %s%s%s%s", pool, near ? "; did you mean " : " in pools",
	    near ? near : "", near ? "?" : "");
}

/* The recipe's is checked with the recipe. */
static void check_own_pool(const struct check *k)
{
	char key[KEY_MAX];
	snprintf(key, sizeof key, "%.200s.pool", k->path);
	if (k->step->pool && strcmp(k->step->pool, k->recipe->pool) != 0)
		check_pool_name(k->conf, k->step->pool, place(k, k->node, "pool"), key, k->problems);
}

/* Searching PATH is left to the start of the job: it has the job's user and environment. */
static void check_program(const struct check *k, const char *program, const struct conf_place *at)
{
	char key[KEY_MAX];
	snprintf(key, sizeof key, "%.200s.run", k->path);
	if (!*program)
		problems_error(k->problems, at, key, "the program has no name");
	else if (program[0] == '/' && !strpbrk(program, "{}") && access(program, X_OK) < 0)
		problems_warn(k->problems, at, key, "%s: %s", program, strerror(errno));
}

static int check_run(const struct check *k)
{
	const struct conf_step *step = k->step;
	const struct tree *run = tree_get(k->node, "run"),
			  *argument = run && run->kind == TREE_LIST ? STAILQ_FIRST(&run->children) : NULL;
	int r = 0;
	check_own_pool(k);
	for (char **text = step->run; text && *text && !r; text++) {
		const struct conf_place *at = argument ? &argument->place : &step->place;
		if (text == step->run)
			check_program(k, *text, at);
		r = check_text(k, *text, true, at, "run", "");
		argument = argument ? STAILQ_NEXT(argument, next) : NULL;
	}
	if (!r && step->stdin_text && strcmp(step->stdin_text, "payload") != 0)
		r = check_text(k, step->stdin_text, false, place(k, k->node, "stdin"), "stdin", "");
	return r;
}

/* It has been read: a number, or a placeholder alone. */
static int check_times(const struct check *k)
{
	struct template_part part;
	const struct conf_place *at = place(k, k->node, "times");
	if (!k->step->times || !template_is_whole(k->step->times, &part))
		return 0;
	const struct conf_param *p = placeholders_param(k->recipe, part.text, part.len);
	if (!p)
		return check_text(k, k->step->times, false, at, "times", "");
	char key[KEY_MAX];
	snprintf(key, sizeof key, "%.200s.times", k->path);
	if (p->type != CONF_PARAM_INTEGER)
		problems_error(k->problems, at, key, "{%s} is not an integer", p->name);
	else if (!p->required && !p->default_json)
		problems_warn(k->problems, at, key,
		    "an order without %s fails: say required: true, or a default", p->name);
	else if (!p->has_minimum || p->minimum < 0 || !p->has_maximum || p->maximum > CONF_TIMES_MAX)
		problems_warn(k->problems, at, key,
		    "an order with a %s that is not 0 to %d fails: give it min and max", p->name,
		    CONF_TIMES_MAX);
	return 0;
}

/* It would be given up each time. */
static void check_sleep(const struct check *k)
{
	char key[KEY_MAX], text[32];
	int64_t times, total = k->recipe->timeout_ms, own = k->step->timeout_ms;
	int64_t limit = own == CONF_NONE || (total != CONF_NONE && total < own) ? total : own;
	const char *n = k->step->times;
	if (limit == CONF_NONE || !n || units_parse_int(n, strlen(n), 1, CONF_TIMES_MAX, &times) != 0 ||
	    k->step->sleep_ms <= limit / times)
		return;
	snprintf(key, sizeof key, "%.200s.sleep", k->path);
	problems_warn(k->problems, place(k, k->node, "sleep"), key, "is more than the time that it has, %s",
	    units_format_duration(limit, text));
}

/* Keys are as they are; every scalar that is not a text has no brace. */
static int check_json(const struct check *k, const struct tree *node)
{
	const struct tree *child;
	int r = 0;
	if (node->kind == TREE_SCALAR)
		return check_text(k, node->text, true, &node->place, "http.json", "");
	STAILQ_FOREACH (child, &node->children, next)
		r = r ? r : check_json(k, child);
	return r;
}

static void check_authorities(const struct check *k, const struct tree *http)
{
	char key[KEY_MAX], max[32];
	const struct conf_http *h = &k->step->http;
	snprintf(key, sizeof key, "%.200s.http.ca", k->path);
	if (h->ca && access(h->ca, R_OK) < 0)
		problems_warn(k->problems, place(k, http, "ca"), key, "%s: %s", h->ca, strerror(errno));
	snprintf(key, sizeof key, "%.200s.http.result_max", k->path);
	if (tree_get(http, "result_max") && h->result_max > k->conf->limits.result)
		problems_error(k->problems, place(k, http, "result_max"), key,
		    "is more than limits.result, %s", units_format_size(k->conf->limits.result, max));
}

static int check_http(const struct check *k)
{
	const struct conf_http *h = &k->step->http;
	const struct tree *http = tree_get(k->node, "http"), *json = tree_get(http, "json"),
			  *headers = tree_get(http, "headers");
	int r = 0;
	check_authorities(k, http);
	if (h->url)
		r = check_text(k, h->url, false, place(k, http, "url"), "http.url", "");
	for (size_t i = 0; i < h->header_count && !r; i++)
		r = check_text(k, h->headers[i].value, false, place(k, headers, h->headers[i].name),
		    "http.headers.", h->headers[i].name);
	if (!r && h->body)
		r = check_text(k, h->body, false, place(k, http, "body"), "http.body", "");
	return r || !json ? r : check_json(k, json);
}

static void check_timeout(const struct check *k)
{
	const struct tree *http = tree_get(k->node, "http"), *inner = tree_get(http, "timeout"),
			  *written = inner ? inner : tree_get(k->node, "timeout");
	char key[KEY_MAX], total[32];
	if (!written || k->recipe->timeout_ms == CONF_NONE || k->step->timeout_ms <= k->recipe->timeout_ms)
		return;
	snprintf(key, sizeof key, "%.200s%s.timeout", k->path, inner ? ".http" : "");
	problems_warn(k->problems, &written->place, key,
	    "is longer than the recipe's, %s, which ends the attempt before",
	    units_format_duration(k->recipe->timeout_ms, total));
}

int check_step(const struct conf *c, const struct conf_recipe *recipe, struct conf_step *step,
    const struct tree *node, const char *path, struct problems *problems)
{
	const struct check k = {
	    .conf = c, .recipe = recipe, .step = step, .node = node, .path = path, .problems = problems};
	check_timeout(&k);
	switch (step->kind) {
	case CONF_STEP_RUN:
		return check_run(&k);
	case CONF_STEP_SLEEP:
		check_sleep(&k);
		return check_times(&k);
	case CONF_STEP_HTTP:
		return check_http(&k);
	}
	return 0;
}
