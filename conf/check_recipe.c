#include "conf/check_recipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/template.h"
#include "conf/units.h"

enum { KEY_MAX = 256 };

struct check {
	const struct conf *conf;
	const struct conf_recipe *recipe;
	struct problems *problems;
};

static const struct conf_param *find_param(const struct conf_recipe *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->param_count; i++) {
		if (strlen(r->params[i].name) == len && memcmp(r->params[i].name, name, len) == 0)
			return &r->params[i];
	}
	return NULL;
}

static int unknown_param(
    const struct check *k, const struct template_part *part, const struct conf_place *at, const char *key)
{
	const struct conf_recipe *r = k->recipe;
	const char **names = calloc(r->param_count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < r->param_count; i++)
		names[i] = r->params[i].name;
	const char *near = nearest_word(part->text, part->len, names, r->param_count);
	problems_error(k->problems, at, key, "{%.*s}: no such parameter%s%s%s; for a brace write {{",
	    (int)(part->len < 64 ? part->len : 64), part->text, near ? "; did you mean {" : "",
	    near ? near : "", near ? "}?" : "");
	free(names);
	return 0;
}

/* lists: a list may stand here, as the whole of it. */
static int check_text(
    const struct check *k, const char *text, bool lists, const struct conf_place *at, const char *key)
{
	struct template_part part;
	const char *why, *next = text;
	bool whole = template_is_whole(text, &part);
	for (;;) {
		if (template_next(&next, &part, &why) < 0) {
			problems_error(k->problems, at, key, "%s", why);
			return 0;
		}
		if (part.kind == TEMPLATE_END)
			return 0;
		if (part.kind == TEMPLATE_PAYLOAD && k->recipe->has_params)
			problems_error(k->problems, at, key,
			    "{payload} is for recipes without params; name a parameter");
		if (part.kind == TEMPLATE_STEP) /* a recipe has one step as yet */
			part = (struct template_part){TEMPLATE_PARAM, part.text - 5, part.len + 5};
		if (part.kind != TEMPLATE_PARAM)
			continue;
		const struct conf_param *p = find_param(k->recipe, part.text, part.len);
		int r = p ? 0 : unknown_param(k, &part, at, key);
		if (r)
			return r;
		if (p && p->type == CONF_PARAM_LIST && (!whole || !lists))
			problems_error(k->problems, at, key,
			    "{%s} is a list: it can only be a whole argument of run", p->name);
	}
}

static const struct conf_place *place(
    const struct tree *node, const char *key, const struct conf_place *otherwise)
{
	const struct tree *child = tree_get(node, key);
	return child ? &child->place : otherwise;
}

/* Searching PATH is left to the start of the job: it has the job's user and environment. */
static void check_program(
    const struct check *k, const char *program, const struct conf_place *at, const char *key)
{
	if (program[0] == '/' && !strpbrk(program, "{}") && access(program, X_OK) < 0)
		problems_warn(k->problems, at, key, "%s: %s", program, strerror(errno));
}

static int check_step(
    const struct check *k, const struct conf_step *step, const struct tree *node, const char *path)
{
	char key[KEY_MAX];
	const struct tree *run = tree_get(node, "run"),
			  *argument = run && run->kind == TREE_LIST ? STAILQ_FIRST(&run->children) : NULL;
	int r = 0;
	snprintf(key, sizeof key, "%.200s.run", path);
	for (char **text = step->run; text && *text && !r; text++) {
		const struct conf_place *at = argument ? &argument->place : &step->place;
		if (text == step->run && !**text)
			problems_error(k->problems, at, key, "the program has no name");
		else if (text == step->run)
			check_program(k, *text, at, key);
		r = check_text(k, *text, true, at, key);
		argument = argument ? STAILQ_NEXT(argument, next) : NULL;
	}
	snprintf(key, sizeof key, "%.200s.stdin", path);
	if (!r && step->stdin_text && strcmp(step->stdin_text, "payload") != 0)
		r = check_text(k, step->stdin_text, false, place(node, "stdin", &step->place), key);
	return r;
}

static int check_environment(const struct check *k, const struct tree *node)
{
	const struct conf_recipe *recipe = k->recipe;
	const struct tree *env = tree_get(node, "env");
	int r = 0;
	for (size_t i = 0; i < recipe->env_count && !r; i++) {
		const struct conf_pair *pair = &recipe->env[i];
		char key[KEY_MAX];
		const struct conf_place *at = place(env, pair->name, &recipe->place);
		snprintf(key, sizeof key, "recipes.%s.env.%s", recipe->name, pair->name);
		if (strncmp(pair->name, "BAKERY_", 7) == 0)
			problems_error(
			    k->problems, at, key, "names that begin with BAKERY_ are the daemon's");
		r = check_text(k, pair->value, false, at, key);
	}
	return r;
}

static void check_pool(const struct check *k, const struct tree *node)
{
	const struct conf *c = k->conf;
	char key[KEY_MAX];
	if (conf_pool_find(c, k->recipe->pool))
		return;
	const char *names[64];
	size_t n = 0;
	for (; n < c->pool_count && n < 64; n++)
		names[n] = c->pools[n].name;
	const char *near = nearest_word(k->recipe->pool, strlen(k->recipe->pool), names, n);
	snprintf(key, sizeof key, "recipes.%s.pool", k->recipe->name);
	problems_error(k->problems, place(node, "pool", &k->recipe->place), key, "no pool %s%s%s%s",
	    k->recipe->pool, near ? "; did you mean " : " in pools", near ? near : "", near ? "?" : "");
}

int check_recipe(const struct conf *c, const struct conf_recipe *recipe, const struct tree *node,
    struct problems *problems)
{
	const struct check k = {.conf = c, .recipe = recipe, .problems = problems};
	char key[KEY_MAX], max[32];
	const struct tree *steps = tree_get(node, "steps"),
			  *first = steps && steps->kind == TREE_LIST ? STAILQ_FIRST(&steps->children) : NULL;
	check_pool(&k, node);
	snprintf(key, sizeof key, "recipes.%s.timeout", recipe->name);
	if (!recipe->timeout_written && recipe->place.file)
		problems_warn(problems, &recipe->place, key,
		    "is not set: a job that hangs keeps its worker; say how long, or none");
	snprintf(key, sizeof key, "recipes.%s.result_max", recipe->name);
	if (recipe->result_max > c->limits.result)
		problems_error(problems, place(node, "result_max", &recipe->place), key,
		    "is more than limits.result, %s", units_format_size(c->limits.result, max));
	snprintf(key, sizeof key, first ? "recipes.%s.steps[0]" : "recipes.%s", recipe->name);
	int r = recipe->step_count ? check_step(&k, &recipe->steps[0], first ? first : node, key) : 0;
	snprintf(key, sizeof key, "recipes.%s.chdir", recipe->name);
	const struct conf_place *at = place(node, "chdir", &recipe->place);
	if (!r && recipe->chdir && recipe->chdir[0] != '/' && recipe->chdir[0] != '{')
		problems_error(problems, at, key, "expected an absolute path");
	if (!r && recipe->chdir)
		r = check_text(&k, recipe->chdir, false, at, key);
	return r ? r : check_environment(&k, node);
}
