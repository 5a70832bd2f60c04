#include "conf/check_recipe.h"

#include <stdio.h>
#include <string.h>

#include "conf/check_step.h"
#include "conf/placeholders.h"
#include "conf/units.h"

enum { KEY_MAX = 256 };

struct check {
	const struct conf *conf;
	const struct conf_recipe *recipe;
	struct problems *problems;
};

/* A text that is the same for all steps. */
static int check_shared_text(
    const struct check *k, const char *text, const struct conf_place *at, const char *key)
{
	return placeholders_check(
	    &(struct placeholders){.recipe = k->recipe, .problems = k->problems}, text, at, key);
}

static const struct conf_place *place(
    const struct tree *node, const char *key, const struct conf_place *otherwise)
{
	const struct tree *child = tree_get(node, key);
	return child ? &child->place : otherwise;
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
		r = check_shared_text(k, pair->value, at, key);
	}
	return r;
}

static void check_pool(const struct check *k, const struct tree *node)
{
	char key[KEY_MAX];
	const struct conf_place *at = place(node, "pool", &k->recipe->place);
	snprintf(key, sizeof key, "recipes.%s.pool", k->recipe->name);
	if (conf_recipe_needs_pool(k->recipe))
		check_pool_name(k->conf, k->recipe->pool, at, key, k->problems);
	else if (tree_get(node, "pool") && k->recipe->step_count)
		problems_warn(k->problems, at, key, "no step is done there");
}

static int check_steps(const struct check *k, const struct tree *node)
{
	char path[KEY_MAX];
	const struct tree *steps = tree_get(node, "steps"),
			  *one = steps && steps->kind == TREE_LIST ? STAILQ_FIRST(&steps->children) : NULL;
	int r = 0;
	for (size_t i = 0; i < k->recipe->step_count && !r; i++) {
		snprintf(path, sizeof path, one ? "recipes.%s.steps[%zu]" : "recipes.%s", k->recipe->name, i);
		r = check_step(k->conf, k->recipe, &k->recipe->steps[i], one ? one : node, path, k->problems);
		one = one ? STAILQ_NEXT(one, next) : NULL;
	}
	return r;
}

static bool has_heavy_step(const struct conf_recipe *recipe)
{
	for (size_t i = 0; i < recipe->step_count; i++) {
		if (conf_step_is_heavy(&recipe->steps[i]))
			return true;
	}
	return false;
}

int check_recipe(const struct conf *c, const struct conf_recipe *recipe, const struct tree *node,
    struct problems *problems)
{
	const struct check k = {.conf = c, .recipe = recipe, .problems = problems};
	char key[KEY_MAX], max[32];
	snprintf(key, sizeof key, "recipes.%s.timeout", recipe->name);
	if (!recipe->timeout_written && recipe->place.file)
		problems_warn(problems, &recipe->place, key, "is not set: %s; say how long, or none",
		    has_heavy_step(recipe) ? "a job that hangs keeps its worker"
					   : "an attempt may take for ever");
	snprintf(key, sizeof key, "recipes.%s.result_max", recipe->name);
	if (recipe->result_max > c->limits.result)
		problems_error(problems, place(node, "result_max", &recipe->place), key,
		    "is more than limits.result, %s", units_format_size(c->limits.result, max));
	check_pool(&k, node);
	int r = check_steps(&k, node);
	snprintf(key, sizeof key, "recipes.%s.chdir", recipe->name);
	const struct conf_place *at = place(node, "chdir", &recipe->place);
	if (!r && recipe->chdir && recipe->chdir[0] != '/' && recipe->chdir[0] != '{')
		problems_error(problems, at, key, "expected an absolute path");
	if (!r && recipe->chdir)
		r = check_shared_text(&k, recipe->chdir, at, key);
	return r ? r : check_environment(&k, node);
}
