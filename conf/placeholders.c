#include "conf/placeholders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/template.h"

struct site {
	const struct placeholders *p;
	const struct conf_place *at;
	const char *key;
};

/* The arguments of "%.*s" that show a name. */
#define SHOWN(part) (int)((part)->len < 64 ? (part)->len : 64), (part)->text

static bool is_named(const char *name, const struct template_part *part)
{
	return strlen(name) == part->len && memcmp(name, part->text, part->len) == 0;
}

const struct conf_param *placeholders_param(const struct conf_recipe *r, const char *name, size_t len)
{
	const struct template_part part = {.text = name, .len = len};
	for (size_t i = 0; i < r->param_count; i++) {
		if (is_named(r->params[i].name, &part))
			return &r->params[i];
	}
	return NULL;
}

/* what: "" and "parameter", or "step." and "step". */
static int tell_unknown(const struct site *s, const struct template_part *part, const char *prefix,
    const char *what, const char *const *names, size_t count)
{
	const char *near = nearest_word(part->text, part->len, names, count);
	problems_error(s->p->problems, s->at, s->key, "{%s%.*s}: no such %s%s%s%s%s; for a brace write {{",
	    prefix, SHOWN(part), what, near ? "; did you mean {" : "", near ? prefix : "", near ? near : "",
	    near ? "}?" : "");
	return 0;
}

static int unknown_param(const struct site *s, const struct template_part *part)
{
	const struct conf_recipe *r = s->p->recipe;
	const char **names = calloc(r->param_count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < r->param_count; i++)
		names[i] = r->params[i].name;
	int error = tell_unknown(s, part, "", "parameter", names, r->param_count);
	free(names);
	return error;
}

static int unknown_step(const struct site *s, const struct template_part *part)
{
	const struct conf_recipe *r = s->p->recipe;
	const char *names[CONF_STEPS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < r->step_count; i++) {
		if (r->steps[i].name)
			names[n++] = r->steps[i].name;
	}
	return tell_unknown(s, part, "step.", "step", names, n);
}

static int check_param(const struct site *s, const struct template_part *part, bool whole)
{
	const struct conf_param *p = placeholders_param(s->p->recipe, part->text, part->len);
	if (!p)
		return unknown_param(s, part);
	if (p->type == CONF_PARAM_LIST && (!whole || !s->p->lists))
		problems_error(s->p->problems, s->at, s->key,
		    "{%s} is a list: it can only be a whole argument of run, or a whole text in json",
		    p->name);
	return 0;
}

static int check_result(const struct site *s, const struct template_part *part)
{
	const struct conf_recipe *r = s->p->recipe;
	size_t index = 0;
	while (index < r->step_count && !(r->steps[index].name && is_named(r->steps[index].name, part)))
		index++;
	if (!s->p->step)
		problems_error(s->p->problems, s->at, s->key,
		    "{step.%.*s}: this is the same for all steps: no result of one can stand in it",
		    SHOWN(part));
	else if (index == r->step_count)
		return unknown_step(s, part);
	else if (s->p->step == &r->steps[index])
		problems_error(s->p->problems, s->at, s->key, "{step.%.*s}: step '%.*s' is this one itself",
		    SHOWN(part), SHOWN(part));
	else if (s->p->step < &r->steps[index])
		problems_error(s->p->problems, s->at, s->key, "{step.%.*s}: step '%.*s' comes later",
		    SHOWN(part), SHOWN(part));
	else if (r->steps[index].kind == CONF_STEP_SLEEP)
		problems_error(s->p->problems, s->at, s->key,
		    "{step.%.*s}: step '%.*s' is a sleep and has no result", SHOWN(part), SHOWN(part));
	else
		s->p->step->uses |= UINT64_C(1) << index;
	return 0;
}

static int check_part(const struct site *s, const struct template_part *part, bool whole)
{
	switch (part->kind) {
	case TEMPLATE_PARAM:
		return check_param(s, part, whole);
	case TEMPLATE_STEP:
		return check_result(s, part);
	case TEMPLATE_PAYLOAD:
		if (s->p->recipe->has_params)
			problems_error(s->p->problems, s->at, s->key,
			    "{payload} is for recipes without params; name a parameter");
		return 0;
	case TEMPLATE_WORKER:
		if (s->p->step && !conf_step_is_heavy(s->p->step))
			problems_error(
			    s->p->problems, s->at, s->key, "{worker}: only run steps have a worker");
		return 0;
	case TEMPLATE_ORDER_ID:
	case TEMPLATE_ORDER_ATTEMPT:
	case TEMPLATE_TEXT:
	case TEMPLATE_END:
		break;
	}
	return 0;
}

int placeholders_check(
    const struct placeholders *p, const char *text, const struct conf_place *at, const char *key)
{
	const struct site s = {.p = p, .at = at, .key = key};
	struct template_part part;
	const char *why;
	bool whole = template_is_whole(text, &part);
	int error = 0;
	do {
		if (template_next(&text, &part, &why) < 0) {
			problems_error(p->problems, at, key, "%s", why);
			return 0;
		}
		error = check_part(&s, &part, whole);
	} while (!error && part.kind != TEMPLATE_END);
	return error;
}
