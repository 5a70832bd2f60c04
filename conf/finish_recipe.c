/* A recipe: its short form for one step, and what its steps have from it. */
#include <errno.h>
#include <string.h>

#include "conf/finish.h"
#include "conf/read.h"

/* `run` and `stdin` of the recipe itself: its only step. */
static int read_only_step(
    struct reader *r, const struct tree *node, const char *path, struct conf_recipe *recipe)
{
	static const char name[] = "run";
	const struct section *s = &schema_step;
	const struct tree *run = tree_get(node, "run"), *in = tree_get(node, "stdin");
	const char *run_path = read_path(r, path, "run"), *in_path = read_path(r, path, "stdin");
	struct conf_step *step = arena_alloc(r->arena, sizeof *step);
	if (!run_path || !in_path || !step)
		return -ENOMEM;
	int error = read_section(r, s, NULL, path, step);
	step->place = run->key->place;
	step->kind = CONF_STEP_RUN;
	step->name = arena_copy(r->arena, name, strlen(name));
	if (!error && !step->name)
		error = -ENOMEM;
	if (!error)
		error = read_value(r, schema_find(s, "run"), run, run_path, step);
	if (!error && in)
		error = read_value(r, schema_find(s, "stdin"), in, in_path, step);
	recipe->steps = step;
	recipe->step_count = 1;
	return error;
}

static const struct conf_place *place_of(const struct tree *step, const char *key)
{
	const struct tree *value = tree_get(step, key);
	return value ? &value->place : &step->place;
}

static void check_names(struct reader *r, const struct tree *steps, const char *path,
    const struct conf_recipe *recipe, size_t index)
{
	const char *name = recipe->steps[index].name;
	const struct tree *node = STAILQ_FIRST(&steps->children), *first = node;
	for (size_t i = 0; i < index; i++)
		node = STAILQ_NEXT(node, next);
	for (size_t i = 0; i < index; i++, first = STAILQ_NEXT(first, next)) {
		const char *other = recipe->steps[i].name;
		if (!name || !other || strcmp(name, other) != 0)
			continue;
		const struct conf_place *at = place_of(first, "name");
		problems_error(r->problems, place_of(node, "name"), path,
		    "steps: %s is there twice, first at %s:%d:%d: give each a name of its own", name,
		    at->file, at->line, at->column);
		return;
	}
}

static void check_steps(
    struct reader *r, const struct tree *steps, const char *path, const struct conf_recipe *recipe)
{
	const struct tree *node = STAILQ_FIRST(&steps->children);
	for (size_t i = 0; i < recipe->step_count; i++, node = STAILQ_NEXT(node, next)) {
		check_names(r, steps, path, recipe, i);
		if (recipe->at_most_once && recipe->steps[i].retries)
			problems_error(r->problems, place_of(node, "retries"), path,
			    "steps: retries: delivery at-most-once repeats nothing: say 0");
	}
}

int finish_recipe(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_recipe *recipe = object;
	const struct tree *run = tree_get(node, "run"), *steps = tree_get(node, "steps"),
			  *in = tree_get(node, "stdin"), *retries = tree_get(node, "retries");
	recipe->has_params = tree_get(node, "params") != NULL;
	if (!tree_get(node, "result_max"))
		recipe->result_max = UINT64_MAX; /* limits.result, when all is read */
	if (run && steps)
		problems_error(r->problems, &run->key->place, path, "run and steps exclude each other");
	else if (!run && !steps)
		problems_error(r->problems, &node->place, path,
		    "run is missing: the command, as a list of texts (or steps)");
	if (steps && in)
		problems_error(r->problems, &in->key->place, path, "stdin belongs into the step");
	if (recipe->at_most_once && recipe->retries)
		problems_error(r->problems, retries ? &retries->place : &node->place, path,
		    "retries: delivery at-most-once repeats nothing: say 0");
	int error = run && !steps ? read_only_step(r, node, path, recipe) : 0;
	if (!error && steps)
		check_steps(r, steps, path, recipe);
	for (size_t i = 0; i < recipe->step_count; i++) {
		if (conf_step_is_heavy(&recipe->steps[i]) && !recipe->steps[i].pool)
			recipe->steps[i].pool = recipe->pool;
	}
	return error;
}
