#include "daemon/order/params.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/problems.h"
#include "conf/template.h"
#include "conf/units.h"

int params_refuse(char why[static 256], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, 256, format, args);
	va_end(args);
	for (char *c = why; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return -EINVAL;
}

const struct conf_param *params_find(const struct conf_recipe *r, const char *name, size_t len)
{
	for (size_t i = 0; i < r->param_count; i++) {
		if (strlen(r->params[i].name) == len && memcmp(r->params[i].name, name, len) == 0)
			return &r->params[i];
	}
	return NULL;
}

/* How deep brackets nest, outside of strings: before a parser that recurses sees them. */
static int depth(struct slice json)
{
	int deepest = 0, now = 0;
	bool in_string = false;
	for (size_t i = 0; i < json.len; i++) {
		char c = json.data[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			deepest = ++now > deepest ? now : deepest;
		else if (!in_string && (c == ']' || c == '}'))
			now--;
		if (deepest > PARAMS_DEPTH_MAX)
			break;
	}
	return deepest;
}

/* jansson calls what it could not keep in memory a wrong text. So its allocations are watched: nobody's payload is refused for a lack of ours. */
static _Thread_local bool refused;

static void *allocate(size_t n)
{
	void *p = malloc(n);
	refused = refused || !p;
	return p;
}

static void watch_memory(void)
{
	json_set_alloc_funcs(allocate, free);
}

static int parse(struct slice payload, json_t **out, char why[static 256])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t error;
	pthread_once(&once, watch_memory);
	refused = false;
	if (depth(payload) > PARAMS_DEPTH_MAX)
		return params_refuse(why, "the payload nests deeper than %d", PARAMS_DEPTH_MAX);
	json_t *json = json_loadb(
	    payload.len ? payload.data : "", payload.len, JSON_REJECT_DUPLICATES, &error);
	if (!json && refused)
		return -ENOMEM;
	if (!json && json_error_code(&error) == json_error_null_character)
		return params_refuse(
		    why, "the payload has a text with a NUL in it (byte %d)", error.position);
	if (!json)
		return params_refuse(
		    why, "the payload is no JSON object: %.120s (byte %d)", error.text, error.position);
	if (!json_is_object(json)) {
		json_decref(json);
		return params_refuse(why, "the payload is no JSON object but another value");
	}
	*out = json;
	return 0;
}

static size_t count_characters(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_one_of(char *const *words, const char *text)
{
	for (; *words; words++) {
		if (strcmp(*words, text) == 0)
			return true;
	}
	return false;
}

/* 1: fits; 0: does not; -ENOMEM. That it compiles was checked with the configuration. */
static int fits_pattern(const char *pattern, const char *text)
{
	regex_t regex;
	char *anchored;
	if (asprintf(&anchored, "^(%s)$", pattern) < 0)
		return -ENOMEM;
	int r = regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB);
	free(anchored);
	if (r)
		return -ENOMEM;
	r = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return r == REG_ESPACE ? -ENOMEM : r == 0;
}

/* A program would take it for an option where it is a whole argument. */
static bool fills_argument(const struct conf_recipe *r, const struct conf_param *p)
{
	struct template_part part;
	for (size_t i = 0; i < r->step_count; i++) {
		for (char **text = r->steps[i].run; text && *text; text++) {
			if (template_is_whole(*text, &part) && part.kind == TEMPLATE_PARAM &&
			    strlen(p->name) == part.len && memcmp(p->name, part.text, part.len) == 0)
				return true;
		}
	}
	return false;
}

static int check_dash(
    const struct conf_recipe *r, const struct conf_param *p, const char *text, char why[static 256])
{
	if (text[0] == '-' && !p->allow_dash && fills_argument(r, p))
		return params_refuse(why, "parameter '%s': may not begin with '-'", p->name);
	return 0;
}

static int check_string(const struct conf_param *p, const char *text, char why[static 256])
{
	if (p->max != CONF_NONE && count_characters(text) > (size_t)p->max)
		return params_refuse(
		    why, "parameter '%s': longer than %lld characters", p->name, (long long)p->max);
	if (p->one_of && !is_one_of(p->one_of, text)) {
		char list[160] = "";
		for (char **word = p->one_of; *word; word++) {
			size_t used = strlen(list);
			snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", *word);
		}
		return params_refuse(why, "parameter '%s': expected one of %s", p->name, list);
	}
	int fits = p->pattern ? fits_pattern(p->pattern, text) : 1;
	if (fits < 0)
		return fits;
	return fits ? 0 : params_refuse(why, "parameter '%s': expected the form %.120s", p->name, p->pattern);
}

static int check_bounds(const struct conf_param *p, double value, char why[static 256])
{
	char text[32];
	if (p->has_minimum && value < p->minimum)
		return params_refuse(why, "parameter '%s': expected at least %s", p->name,
		    units_format_number(p->minimum, text));
	if (p->has_maximum && value > p->maximum)
		return params_refuse(why, "parameter '%s': expected at most %s", p->name,
		    units_format_number(p->maximum, text));
	return 0;
}

static int check_list(
    const struct conf_recipe *r, const struct conf_param *p, const json_t *value, char why[static 256])
{
	size_t i;
	const json_t *element;
	json_array_foreach(value, i, element)
	{
		if (!json_is_string(element))
			return params_refuse(why, "parameter '%s': expected a list of strings", p->name);
		int error = check_dash(r, p, json_string_value(element), why);
		if (error)
			return error;
	}
	return 0;
}

/* What each type takes, in words and in JSON. */
static bool has_type(const struct conf_param *p, const json_t *value, const char **expected)
{
	switch (p->type) {
	case CONF_PARAM_STRING:
		*expected = "a string";
		return json_is_string(value);
	case CONF_PARAM_PATH:
		*expected = "an absolute path";
		return json_is_string(value) && json_string_value(value)[0] == '/' &&
		       json_string_length(value) < PATH_MAX;
	case CONF_PARAM_INTEGER:
		*expected = "a whole number";
		return json_is_integer(value);
	case CONF_PARAM_NUMBER:
		*expected = "a number";
		return json_is_number(value);
	case CONF_PARAM_BOOLEAN:
		*expected = "true or false";
		return json_is_boolean(value);
	case CONF_PARAM_LIST:
		*expected = "a list of strings";
		return json_is_array(value);
	}
	return false;
}

static int check_value(
    const struct conf_recipe *r, const struct conf_param *p, const json_t *value, char why[static 256])
{
	const char *expected = "";
	if (!has_type(p, value, &expected))
		return params_refuse(why, "parameter '%s': expected %s", p->name, expected);
	int error = 0;
	switch (p->type) {
	case CONF_PARAM_STRING:
		error = check_string(p, json_string_value(value), why);
		return error ? error : check_dash(r, p, json_string_value(value), why);
	case CONF_PARAM_INTEGER:
	case CONF_PARAM_NUMBER:
		return check_bounds(p, json_number_value(value), why);
	case CONF_PARAM_LIST:
		return check_list(r, p, value, why);
	case CONF_PARAM_PATH:
	case CONF_PARAM_BOOLEAN:
		break;
	}
	return 0;
}

static int refuse_unknown(const struct conf_recipe *r, json_t *object, char why[static 256])
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		if (params_find(r, name, strlen(name)))
			continue;
		const char *names[64];
		size_t n = 0;
		for (; n < r->param_count && n < 64; n++)
			names[n] = r->params[n].name;
		const char *near = nearest_word(name, strlen(name), names, n);
		return params_refuse(why, "no parameter '%.64s'%s%s%s", name, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
	}
	return 0;
}

/* The default was written by the configuration as JSON. */
static int add_default(json_t *object, const struct conf_param *p)
{
	json_t *value = json_loads(p->default_json, JSON_DECODE_ANY, NULL);
	return value && json_object_set_new(object, p->name, value) == 0 ? 0 : -ENOMEM;
}

int params_load(const struct conf_recipe *r, struct slice payload, json_t **out, char why[static 256])
{
	json_t *object;
	int error = parse(payload, &object, why);
	if (error)
		return error;
	error = refuse_unknown(r, object, why);
	for (size_t i = 0; i < r->param_count && !error; i++) {
		const struct conf_param *p = &r->params[i];
		const json_t *value = json_object_get(object, p->name);
		if (value)
			error = check_value(r, p, value, why);
		else if (p->default_json)
			error = add_default(object, p);
		else if (p->required)
			error = params_refuse(why, "parameter '%s' is missing", p->name);
	}
	if (error) {
		json_decref(object);
		return error;
	}
	*out = object;
	return 0;
}

int params_append_text(const json_t *value, struct buf *out)
{
	char text[32];
	if (json_is_string(value))
		return buf_append(out, json_string_value(value), json_string_length(value));
	if (json_is_integer(value))
		return buf_printf(out, "%lld", (long long)json_integer_value(value));
	if (json_is_real(value))
		return buf_append_text(out, units_format_number(json_real_value(value), text));
	if (json_is_boolean(value))
		return buf_append_text(out, json_is_true(value) ? "true" : "false");
	return 0;
}
