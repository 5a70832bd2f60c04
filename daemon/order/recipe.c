#include "daemon/order/recipe.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/arena.h"
#include "conf/template.h"
#include "daemon/order/params.h"

static int append_json(const char *bytes, size_t len, void *out)
{
	return buf_append(out, bytes, len) < 0 ? -1 : 0;
}

int recipe_check_payload(
    const struct conf_recipe *r, struct slice payload, struct buf *canonical, char why[static 256])
{
	if (!r->has_params)
		return buf_append(canonical, payload.data, payload.len);
	json_t *object;
	int error = params_load(r, payload, &object, why);
	if (error)
		return error;
	size_t before = canonical->len;
	if (json_dump_callback(object, append_json, canonical, JSON_COMPACT | JSON_SORT_KEYS) < 0) {
		canonical->len = before;
		error = -ENOMEM;
	}
	json_decref(object);
	return error;
}

/* ---- expansion ---- */

struct expansion {
	const struct conf_recipe *recipe;
	const struct recipe_values *values;
	const json_t *params; /* NULL: the payload is opaque */
	struct arena arena;
	struct buf text; /* what is being put together */
	char *why;       /* 256 bytes */
};

/* The path without links; of a file that is not there yet, with its folder's resolved. NULL with errno. */
static char *resolve(const char *path, char out[static PATH_MAX])
{
	char folder[PATH_MAX], name[PATH_MAX];
	struct stat st;
	if (realpath(path, out))
		return out;
	/* A link to what is not there is refused: it would be followed when the job makes the file. */
	if (errno != ENOENT || strlen(path) >= sizeof folder || lstat(path, &st) == 0)
		return NULL;
	memcpy(folder, path, strlen(path) + 1);
	memcpy(name, path, strlen(path) + 1);
	const char *last = basename(name);
	if (strcmp(last, "..") == 0 || !realpath(dirname(folder), out))
		return NULL;
	size_t used = strlen(out);
	if (used + strlen(last) + 2 > PATH_MAX)
		return NULL;
	if (used > 1)
		out[used++] = '/';
	memcpy(out + used, last, strlen(last) + 1);
	return out;
}

static bool is_under(const char *path, char *const *folders)
{
	char folder[PATH_MAX];
	for (; *folders; folders++) {
		if (!realpath(*folders, folder))
			continue;
		size_t n = strlen(folder);
		if (n == 1 || (strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n])))
			return true;
	}
	return false;
}

static int append_path(struct expansion *e, const struct conf_param *p, const char *path)
{
	char resolved[PATH_MAX];
	if (!p->under)
		return buf_append_text(&e->text, path);
	if (!resolve(path, resolved))
		return params_refuse(e->why, "parameter '%s': %.150s: %s", p->name, path, strerror(errno));
	if (!is_under(resolved, p->under))
		return params_refuse(
		    e->why, "parameter '%s': %.150s is not under a folder that is allowed", p->name, path);
	return buf_append_text(&e->text, resolved);
}

static int append_param(struct expansion *e, const struct template_part *part)
{
	const struct conf_param *p = params_find(e->recipe, part->text, part->len);
	if (!p)
		return params_refuse(
		    e->why, "{%.*s}: no such parameter", (int)(part->len < 64 ? part->len : 64), part->text);
	const json_t *value = json_object_get(e->params, p->name);
	if (value && p->type == CONF_PARAM_PATH)
		return append_path(e, p, json_string_value(value));
	return params_append_text(value, &e->text);
}

static int append_part(struct expansion *e, const struct template_part *part)
{
	switch (part->kind) {
	case TEMPLATE_TEXT:
		return buf_append(&e->text, part->text, part->len);
	case TEMPLATE_PARAM:
		return append_param(e, part);
	case TEMPLATE_PAYLOAD:
		return buf_append(&e->text, e->values->payload.data, e->values->payload.len);
	case TEMPLATE_ORDER_ID:
		return buf_printf(&e->text, "%" PRId64, e->values->order);
	case TEMPLATE_ORDER_ATTEMPT:
		return buf_printf(&e->text, "%d", e->values->attempt);
	case TEMPLATE_WORKER:
		return buf_printf(&e->text, "%d", e->values->worker);
	case TEMPLATE_END:
		break;
	}
	return 0;
}

/* The text with its placeholders filled in, into e->text. */
static int expand(struct expansion *e, const char *template)
{
	struct template_part part;
	const char *why;
	int r = 0;
	buf_consume(&e->text, e->text.len);
	do {
		if (template_next(&template, &part, &why) < 0)
			return params_refuse(e->why, "%s", why);
		r = append_part(e, &part);
	} while (!r && part.kind != TEMPLATE_END);
	return r;
}

/* The same as a C string of the command's own; what: for the message when it holds a byte 0. */
static int expand_text(struct expansion *e, const char *template, const char *what, char **out)
{
	int r = expand(e, template);
	if (r)
		return r;
	if (e->text.len && memchr(buf_bytes(&e->text), 0, e->text.len))
		return params_refuse(e->why,
		    "the payload has a byte 0: it cannot be in %s; recipes get it as standard input", what);
	*out = arena_copy(&e->arena, e->text.len ? buf_bytes(&e->text) : "", e->text.len);
	return *out ? 0 : -ENOMEM;
}

/* The list that is all of this argument; NULL when it is none. *is_list: also when it is absent. */
static const json_t *whole_list(const struct expansion *e, const char *text, bool *is_list)
{
	struct template_part part;
	*is_list = false;
	if (!template_is_whole(text, &part) || part.kind != TEMPLATE_PARAM)
		return NULL;
	const struct conf_param *p = params_find(e->recipe, part.text, part.len);
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
	struct expansion e = {.recipe = r, .values = values, .why = why};
	struct recipe_command command = {0};
	json_t *params = NULL;
	int error = r->has_params ? params_load(r, values->payload, &params, why) : 0;
	e.params = params;
	if (!error)
		error = expand_run(&e, step->run, &command);
	if (!error)
		error = expand_stdin(&e, step->stdin_text, &command);
	if (!error)
		error = expand_surroundings(&e, &command);
	json_decref(params);
	buf_clear(&e.text);
	if (error) {
		arena_clear(&e.arena);
		return error;
	}
	command.arena = e.arena.chunks;
	*out = command;
	return 0;
}

void recipe_command_clear(struct recipe_command *c)
{
	struct arena arena = {.chunks = c->arena};
	arena_clear(&arena);
	*c = (struct recipe_command){0};
}
