/*
 * The command of a run step.
 */
#include <errno.h>
#include <string.h>

#include "daemon/order/expand.h"
#include "daemon/order/params.h"

/* The list that is all of this argument; NULL when it is none. *is_list: also when it is absent. */
static const json_t *whole_list(const struct expansion *e, const char *text, bool *is_list)
{
	const struct conf_param *p = expand_whole_param(e, text);
	*is_list = p && p->type == CONF_PARAM_LIST;
	return *is_list ? json_object_get(e->params, p->name) : NULL;
}

static int expand_list(struct expansion *e, const json_t *list, char **argv, size_t *count)
{
	size_t i;
	const json_t *element;
	json_array_foreach(list, i, element)
	{
		argv[*count] = arena_copy(&e->arena, json_string_value(element), json_string_length(element));
		if (!argv[*count])
			return -ENOMEM;
		++*count;
	}
	return 0;
}

static int expand_run(struct expansion *e, char *const *run, struct recipe_command *out)
{
	size_t room = 1, count = 0;
	bool is_list;
	for (char *const *text = run; *text; text++)
		room += 1 + json_array_size(whole_list(e, *text, &is_list));
	out->argv = arena_alloc(&e->arena, room * sizeof *out->argv);
	int r = out->argv ? 0 : -ENOMEM;
	for (char *const *text = run; *text && !r; text++) {
		const json_t *list = whole_list(e, *text, &is_list);
		if (is_list)
			r = expand_list(e, list, out->argv, &count);
		else
			r = expand_text(e, *text, "an argument", &out->argv[count++]);
	}
	if (!r && (!count || !out->argv[0][0]))
		r = params_refuse(e->why, "the command has no program");
	return r;
}

static int expand_stdin(struct expansion *e, const char *text, struct recipe_command *out)
{
	struct slice bytes = e->values->payload;
	if (!text && e->recipe->has_params)
		return 0;
	if (text && strcmp(text, "payload") != 0) {
		int r = expand(e, text);
		if (r)
			return r;
		bytes = (struct slice){buf_bytes(&e->text), e->text.len};
	}
	if (!bytes.len)
		return 0;
	out->stdin_bytes = arena_copy(&e->arena, bytes.data, bytes.len);
	out->stdin_len = bytes.len;
	return out->stdin_bytes ? 0 : -ENOMEM;
}

static int expand_surroundings(struct expansion *e, struct recipe_command *out)
{
	const struct conf_recipe *recipe = e->recipe;
	int r = 0;
	out->env = arena_alloc(&e->arena, (recipe->env_count + 1) * sizeof *out->env);
	if (!out->env)
		return -ENOMEM;
	for (size_t i = 0; i < recipe->env_count && !r; i++) {
		out->env[i].name = arena_copy(&e->arena, recipe->env[i].name, strlen(recipe->env[i].name));
		r = out->env[i].name ? expand_text(e, recipe->env[i].value, "a variable", &out->env[i].value)
				     : -ENOMEM;
	}
	out->env_count = recipe->env_count;
	if (!r && recipe->chdir)
		r = expand_text(e, recipe->chdir, "chdir", &out->chdir);
	if (!r && out->chdir && !out->chdir[0])
		out->chdir = NULL;
	if (!r && out->chdir && out->chdir[0] != '/')
		r = params_refuse(e->why, "chdir: %.150s is no absolute path", out->chdir);
	return r;
}

int recipe_expand(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_command *out, char why[static 256])
{
	struct expansion e;
	struct recipe_command command = {0};
	int error = expansion_open(&e, r, values, why);
	if (!error)
		error = expand_run(&e, step->run, &command);
	if (!error)
		error = expand_stdin(&e, step->stdin_text, &command);
	if (!error)
		error = expand_surroundings(&e, &command);
	error = expansion_close(&e, error, &command.arena);
	if (!error)
		*out = command;
	return error;
}

void recipe_command_clear(struct recipe_command *c)
{
	struct arena arena = {.chunks = c->arena};
	arena_clear(&arena);
	*c = (struct recipe_command){0};
}
