#include "daemon/order/expand.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/order/params.h"
#include "daemon/order/path.h"

int expansion_open(struct expansion *e, const struct conf_recipe *r, const struct recipe_values *values,
    char why[static 256])
{
	*e = (struct expansion){.recipe = r, .values = values, .why = why};
	return r->has_params ? params_load(r, values->payload, &e->params, why) : 0;
}

int expansion_close(struct expansion *e, int error, void **arena)
{
	json_decref(e->params);
	buf_clear(&e->text);
	if (error)
		arena_clear(&e->arena);
	else
		*arena = e->arena.chunks;
	return error;
}

/* ---- what a placeholder stands for ---- */

static int append_param(struct expansion *e, const struct template_part *part)
{
	const struct conf_param *p = params_find(e->recipe, part->text, part->len);
	if (!p)
		return params_refuse(
		    e->why, "{%.*s}: no such parameter", (int)(part->len < 64 ? part->len : 64), part->text);
	const json_t *value = json_object_get(e->params, p->name);
	if (!value || p->type != CONF_PARAM_PATH)
		return params_append_text(value, &e->text);
	char path[PATH_MAX];
	int r = path_check(p, json_string_value(value), path, e->why);
	return r ? r : buf_append_text(&e->text, path);
}

/* Bytes that somebody else made: any. what: whose, for the message. */
static int append_bytes(struct expansion *e, const char *what, struct slice bytes)
{
	if (e->no_nul && bytes.len && memchr(bytes.data, 0, bytes.len))
		return params_refuse(e->why,
		    "%s has a byte 0: it cannot be in %s; recipes get it as standard input", what, e->no_nul);
	return buf_append(&e->text, bytes.data, bytes.len);
}

static int append_step(struct expansion *e, const struct template_part *part)
{
	const struct conf_recipe *r = e->recipe;
	size_t i = 0;
	while (i < r->step_count && (strlen(r->steps[i].name) != part->len ||
					memcmp(r->steps[i].name, part->text, part->len) != 0))
		i++;
	if (i == r->step_count)
		return params_refuse(
		    e->why, "{step.%.*s}: no such step", (int)(part->len < 64 ? part->len : 64), part->text);
	const struct recipe_result *result = e->values->results ? &e->values->results[i] : NULL;
	if (!result || !result->present)
		return params_refuse(e->why, "step '%s': it has no result", r->steps[i].name);
	if (result->cut)
		return params_refuse(e->why, "step '%s': its result was cut after %zu bytes",
		    r->steps[i].name, result->bytes.len);
	char what[100];
	snprintf(what, sizeof what, "the result of step '%.64s'", r->steps[i].name);
	return append_bytes(e, what, result->bytes);
}

int expand_part(struct expansion *e, const struct template_part *part)
{
	switch (part->kind) {
	case TEMPLATE_TEXT:
		return buf_append(&e->text, part->text, part->len);
	case TEMPLATE_PARAM:
		return append_param(e, part);
	case TEMPLATE_PAYLOAD:
		return append_bytes(e, "the payload", e->values->payload);
	case TEMPLATE_STEP:
		return append_step(e, part);
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

/* ---- texts ---- */

int expand(struct expansion *e, const char *template)
{
	struct template_part part;
	const char *why;
	int r = 0;
	buf_consume(&e->text, e->text.len);
	do {
		size_t from = e->text.len;
		if (template_next(&template, &part, &why) < 0)
			return params_refuse(e->why, "%s", why);
		r = expand_part(e, &part);
		if (!r && e->encode && part.kind != TEMPLATE_TEXT)
			r = e->encode(&e->text, from);
	} while (!r && part.kind != TEMPLATE_END);
	return r;
}

int expand_text(struct expansion *e, const char *template, const char *what, char **out)
{
	e->no_nul = what;
	int r = expand(e, template);
	e->no_nul = NULL;
	if (r)
		return r;
	*out = arena_copy(&e->arena, buf_bytes(&e->text), e->text.len);
	return *out ? 0 : -ENOMEM;
}

const struct conf_param *expand_whole_param(const struct expansion *e, const char *template)
{
	struct template_part part;
	if (!template_is_whole(template, &part) || part.kind != TEMPLATE_PARAM)
		return NULL;
	return params_find(e->recipe, part.text, part.len);
}
