#include "conf/read.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "conf/units.h"

/* How every object of a list or a map of objects begins. */
struct named {
	struct conf_place place;
	char *name;
};
_Static_assert(offsetof(struct conf_pool, name) == offsetof(struct named, name), "a pool begins as named");
_Static_assert(offsetof(struct conf_param, name) == offsetof(struct named, name), "a param begins as named");
_Static_assert(
    offsetof(struct conf_recipe, name) == offsetof(struct named, name), "a recipe begins as named");

static void *at(void *object, size_t offset)
{
	return (char *)object + offset;
}

const char *read_path(struct reader *r, const char *path, const char *key)
{
	return *path ? arena_printf(r->scratch, "%s.%s", path, key) : arena_printf(r->scratch, "%s", key);
}

/* ---- scalars ---- */

static void store_int(const struct setting *s, void *object, int64_t value)
{
	void *p = at(object, s->offset);
	if (s->size == sizeof(int64_t))
		*(int64_t *)p = value;
	else if (s->size == sizeof(int))
		*(int *)p = (int)value;
	else
		*(bool *)p = value != 0;
}

/* The arguments of "%s%.*s%s" that show a value in a message, unless it is long. */
#define SHOWN(node) (int)((node)->len < 40 ? (node)->len : 40), (node)->text

static void bad(struct reader *r, const struct tree *node, const char *path, const char *expected)
{
	if (node->kind != TREE_SCALAR)
		problems_error(r->problems, &node->place, path, "expected %s, not a %s", expected,
		    node->kind == TREE_LIST ? "list" : "map");
	else if (tree_is_null(node))
		problems_error(r->problems, &node->place, path, "expected %s, not nothing", expected);
	else
		problems_error(r->problems, &node->place, path, "%.*s: expected %s", SHOWN(node), expected);
}

static void out_of_bounds(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path)
{
	char low[32], high[32];
	if (s->type == SETTING_DURATION) {
		units_format_duration(s->min, low);
		units_format_duration(s->max, high);
	} else if (s->type == SETTING_SIZE) {
		units_format_size((uint64_t)s->min, low);
		units_format_size((uint64_t)s->max, high);
	} else {
		snprintf(low, sizeof low, "%" PRId64, s->min);
		snprintf(high, sizeof high, "%" PRId64, s->max);
	}
	problems_error(r->problems, &node->place, path, "%.*s: expected %s to %s", SHOWN(node), low, high);
}

static int read_text(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind != TREE_SCALAR || (tree_is_null(node) && node->place.file)) {
		bad(r, node, path, "a text");
		return 0;
	}
	if ((int64_t)node->len < s->min) {
		problems_error(r->problems, &node->place, path, "expected a text, not an empty one");
		return 0;
	}
	char *text = arena_copy(r->arena, node->text, node->len);
	if (!text)
		return -ENOMEM;
	*out = text;
	return 0;
}

bool read_is_name(const char *text, size_t len)
{
	return len >= 1 && len <= 64 && text[0] != '.' && text[0] != '-' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static int read_name(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind == TREE_SCALAR && !read_is_name(node->text, node->len)) {
		bad(r, node, path, "a name: letters, digits, - _ . and at most 64 of them");
		return 0;
	}
	return read_text(r, s, node, path, out);
}

static int read_file_path(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind == TREE_SCALAR && node->text[0] != '/') {
		bad(r, node, path, "an absolute path");
		return 0;
	}
	if ((int64_t)node->len > s->max) {
		problems_error(
		    r->problems, &node->place, path, "too long: at most %" PRId64 " bytes", s->max);
		return 0;
	}
	return read_text(r, s, node, path, out);
}

static int read_address(struct reader *r, const struct tree *node, const char *path, struct conf_listen *out)
{
	struct address a;
	const char *why = NULL;
	if (node->kind != TREE_SCALAR || address_parse(node->text, &a, &why) < 0 || a.kind != ADDRESS_TCP) {
		bad(r, node, path, "HOST:PORT or [IPV6]:PORT");
		return 0;
	}
	out->host = arena_copy(r->arena, a.host, strlen(a.host));
	out->port = a.port;
	return out->host ? 0 : -ENOMEM;
}

static void read_duration(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t ms, bare;
	int error = node->kind == TREE_SCALAR ? units_parse_duration(node->text, node->len, 0, &ms) : -EINVAL;
	if (error == 0 && ms >= s->min && ms <= s->max)
		store_int(s, object, ms);
	else if (error == 0 || error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else if (node->kind == TREE_SCALAR &&
		 units_parse_int(node->text, node->len, 0, INT64_MAX, &bare) == 0)
		problems_error(r->problems, &node->place, path, "%s: say %ss or %sms", node->text, node->text,
		    node->text);
	else
		bad(r, node, path,
		    s->none ? "a duration (500ms, 30s, 5m, 2h, 7d) or none"
			    : "a duration (500ms, 30s, 5m, 2h, 7d)");
}

static void read_size(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	uint64_t bytes;
	int error = node->kind == TREE_SCALAR ? units_parse_size(node->text, node->len, &bytes) : -EINVAL;
	if (error == 0 && bytes >= (uint64_t)s->min && bytes <= (uint64_t)s->max)
		*(uint64_t *)at(object, s->offset) = bytes;
	else if (error == 0 || error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else
		bad(r, node, path, "a size (65536, 64KiB, 1MiB, 4GiB)");
}

static void read_int(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t n;
	int error = node->kind == TREE_SCALAR && node->plain
			? units_parse_int(node->text, node->len, s->min, s->max, &n)
			: -EINVAL;
	if (error == 0)
		store_int(s, object, n);
	else if (error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else
		bad(r, node, path, s->none ? "a whole number or none" : "a whole number");
}

int read_number(const struct tree *node, double *out)
{
	if (node->kind != TREE_SCALAR || !node->plain || !node->len ||
	    strspn(node->text, "0123456789+-.eE") != node->len)
		return -EINVAL;
	char *end;
	double number = strtod(node->text, &end);
	if (*end || !isfinite(number))
		return -EINVAL;
	*out = number;
	return 0;
}

static void read_double(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	double number;
	if (read_number(node, &number) < 0)
		bad(r, node, path, "a number");
	else if (number < (double)s->min || number > (double)s->max)
		out_of_bounds(r, s, node, path);
	else
		*(double *)at(object, s->offset) = number;
}

static void read_percent(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t n;
	if (node->kind == TREE_SCALAR && node->len && node->text[node->len - 1] == '%' &&
	    units_parse_int(node->text, node->len - 1, s->min, s->max, &n) == 0)
		store_int(s, object, n);
	else
		bad(r, node, path, "0% to 100%");
}

static void read_mode(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (node->kind == TREE_SCALAR && (node->len == 3 || node->len == 4) &&
	    strspn(node->text, "01234567") == node->len && strtol(node->text, NULL, 8) <= 0777)
		store_int(s, object, strtol(node->text, NULL, 8));
	else
		bad(r, node, path, "the mode of a file in octal, such as 0660");
}

static void read_bool(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (tree_is_plain(node, "true") || tree_is_plain(node, "false"))
		store_int(s, object, node->text[0] == 't');
	else
		bad(r, node, path, "true or false");
}

static int read_word(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	char expected[200] = "one of";
	for (const struct setting_word *w = s->words; w->word; w++) {
		if (node->kind == TREE_SCALAR && strcmp(node->text, w->word) == 0) {
			store_int(s, object, w->value);
			return 0;
		}
		size_t used = strlen(expected);
		snprintf(expected + used, sizeof expected - used, "%s %s", w == s->words ? "" : ",", w->word);
	}
	if (!s->words[1].word)
		snprintf(expected, sizeof expected, "%s", s->words[0].word);
	bad(r, node, path, expected);
	return 0;
}

/* ---- lists and maps ---- */

static int read_texts(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char ***out)
{
	if (node->kind != TREE_LIST) {
		bad(r, node, path, "a list of texts in [ ]");
		return 0;
	}
	if ((int64_t)node->count < s->min) {
		problems_error(r->problems, &node->place, path, "expected a list with something in it");
		return 0;
	}
	char **list = arena_alloc(r->arena, (node->count + 1) * sizeof *list);
	if (!list)
		return -ENOMEM;
	size_t n = 0;
	const struct tree *child;
	const struct setting any = {.type = SETTING_TEXT};
	STAILQ_FOREACH (child, &node->children, next) {
		int error = read_text(r, &any, child, path, &list[n]);
		if (error)
			return error;
		n += list[n] != NULL;
	}
	*out = list;
	return 0;
}

static void read_statuses(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, bool *statuses)
{
	if (node->kind != TREE_LIST) {
		bad(r, node, path, "a list of exit statuses in [ ]");
		return;
	}
	int64_t n = 0;
	const struct tree *child;
	const struct setting one = {.type = SETTING_INT, .size = sizeof n, .min = s->min, .max = s->max};
	STAILQ_FOREACH (child, &node->children, next) {
		read_int(r, &one, child, path, &n);
		statuses[n] = n > 0;
	}
}

static bool is_variable(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	return *name && strspn(name, letters) == strlen(name) && !(*name >= '0' && *name <= '9');
}

static int read_pairs(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (node->kind != TREE_MAP) {
		bad(r, node, path, "a map of NAME: text");
		return 0;
	}
	struct conf_pair *pairs = arena_alloc(r->arena, (node->count + 1) * sizeof *pairs);
	if (!pairs)
		return -ENOMEM;
	size_t n = 0;
	const struct tree *child;
	const struct setting any = {.type = SETTING_TEXT};
	STAILQ_FOREACH (child, &node->children, next) {
		const char *name = read_path(r, path, child->key->text);
		char *key = arena_copy(r->arena, child->key->text, child->key->len);
		if (!name || !key)
			return -ENOMEM;
		if (!is_variable(key)) {
			problems_error(r->problems, &child->key->place, name,
			    "a variable's name has letters, digits and _ and does not begin with a digit");
			continue;
		}
		int error = read_text(r, &any, child, name, &pairs[n].value);
		if (error)
			return error;
		pairs[n].name = key;
		n += pairs[n].value != NULL;
	}
	*(struct conf_pair **)at(object, s->offset) = pairs;
	*(size_t *)at(object, s->other) = n;
	return 0;
}

static int read_objects(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	bool named = s->type == SETTING_NAMED;
	if (named ? node->kind != TREE_MAP : node->kind != TREE_LIST) {
		bad(r, node, path, named ? "a map of NAME: {…}" : "a list of maps");
		return 0;
	}
	char *objects = arena_alloc(r->arena, (node->count + 1) * s->section->size);
	if (!objects)
		return -ENOMEM;
	size_t n = 0, index = 0;
	const struct tree *child;
	STAILQ_FOREACH (child, &node->children, next) {
		struct named *one = (struct named *)(objects + n * s->section->size);
		const char *name = named ? read_path(r, path, child->key->text)
					 : arena_printf(r->scratch, "%s[%zu]", path, index++);
		if (!name)
			return -ENOMEM;
		if (named && !read_is_name(child->key->text, child->key->len)) {
			problems_error(r->problems, &child->key->place, name,
			    "a name has letters, digits, - _ . and at most 64 of them");
			continue;
		}
		one->place = named ? child->key->place : child->place;
		if (named && !(one->name = arena_copy(r->arena, child->key->text, child->key->len)))
			return -ENOMEM;
		int error = read_section(r, s->section, child, name, one);
		if (error)
			return error;
		n++;
	}
	*(void **)at(object, s->offset) = objects;
	*(size_t *)at(object, s->other) = n;
	return 0;
}

int read_value(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (s->none && tree_is_plain(node, "none")) {
		store_int(s, object, CONF_NONE);
		return 0;
	}
	switch (s->type) {
	case SETTING_TEXT:
		return read_text(r, s, node, path, at(object, s->offset));
	case SETTING_NAME:
		return read_name(r, s, node, path, at(object, s->offset));
	case SETTING_PATH:
		return read_file_path(r, s, node, path, at(object, s->offset));
	case SETTING_ADDRESS:
		return read_address(r, node, path, object);
	case SETTING_DURATION:
		read_duration(r, s, node, path, object);
		return 0;
	case SETTING_SIZE:
		read_size(r, s, node, path, object);
		return 0;
	case SETTING_INT:
		read_int(r, s, node, path, object);
		return 0;
	case SETTING_NUMBER:
		read_double(r, s, node, path, object);
		return 0;
	case SETTING_PERCENT:
		read_percent(r, s, node, path, object);
		return 0;
	case SETTING_MODE:
		read_mode(r, s, node, path, object);
		return 0;
	case SETTING_BOOL:
		read_bool(r, s, node, path, object);
		return 0;
	case SETTING_WORD:
		return read_word(r, s, node, path, object);
	case SETTING_TEXTS:
		return read_texts(r, s, node, path, at(object, s->offset));
	case SETTING_STATUSES:
		read_statuses(r, s, node, path, at(object, s->offset));
		return 0;
	case SETTING_PAIRS:
		return read_pairs(r, s, node, path, object);
	case SETTING_PART:
		return read_section(r, s->section, node, path, object);
	case SETTING_ITEMS:
	case SETTING_NAMED:
		return read_objects(r, s, node, path, object);
	case SETTING_SPECIAL:
		break;
	}
	return 0;
}

/* ---- sections ---- */

static int refuse_unknown(
    struct reader *r, const struct section *s, const struct tree *node, const char *path)
{
	const char *words[64];
	const struct tree *child;
	for (size_t i = 0; i < s->count; i++)
		words[i] = s->settings[i].key;
	STAILQ_FOREACH (child, &node->children, next) {
		if (schema_find(s, child->key->text))
			continue;
		const char *name = read_path(r, path, child->key->text);
		if (!name)
			return -ENOMEM;
		const char *near = nearest_word(child->key->text, child->key->len, words, s->count);
		problems_error(r->problems, &child->key->place, name, "unknown key%s%s%s",
		    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	return 0;
}

static int read_fallback(struct reader *r, const struct setting *s, void *object)
{
	const struct tree node = {.kind = s->type == SETTING_STATUSES ? TREE_LIST : TREE_SCALAR,
	    .text = s->fallback,
	    .len = strlen(s->fallback),
	    .plain = true};
	return read_value(r, s, &node, s->key, object);
}

int read_section(
    struct reader *r, const struct section *s, const struct tree *node, const char *path, void *object)
{
	int error = 0;
	/* Nothing after the key, as when all below it is commented out, is an empty map. */
	if (node && node->kind != TREE_MAP && !tree_is_null(node)) {
		bad(r, node, path, "a map");
		node = NULL;
	}
	if (node)
		error = refuse_unknown(r, s, node, path);
	for (size_t i = 0; i < s->count && !error; i++) {
		const struct setting *one = &s->settings[i];
		if (one->fallback)
			error = read_fallback(r, one, object);
		const struct tree *child = tree_get(node, one->key);
		if (error || (!child && one->type != SETTING_PART))
			continue;
		const char *name = read_path(r, path, one->key);
		error = name ? read_value(r, one, child, name, object) : -ENOMEM;
		if (child && one->other && (one->type == SETTING_DURATION))
			*(bool *)at(object, one->other) = true;
	}
	return error || !s->finish || !node ? error : s->finish(r, node, path, object);
}
