#include "conf/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/scalar.h"

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

/* ---- lists and maps ---- */

static int read_texts(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char ***out)
{
	if (node->kind != TREE_LIST) {
		scalar_bad(r, node, path, "a list of texts in [ ]");
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
		int error = scalar_read(r, &any, child, path, &list[n]);
		if (error)
			return error;
		n += list[n] != NULL;
	}
	*out = list;
	return 0;
}

static int read_statuses(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, bool *statuses)
{
	if (node->kind != TREE_LIST) {
		scalar_bad(r, node, path, "a list of exit statuses in [ ]");
		return 0;
	}
	int64_t n = 0;
	const struct tree *child;
	const struct setting one = {.type = SETTING_INT, .size = sizeof n, .min = s->min, .max = s->max};
	STAILQ_FOREACH (child, &node->children, next) {
		int error = scalar_read(r, &one, child, path, &n);
		if (error)
			return error;
		statuses[n] = n > 0;
	}
	return 0;
}

enum { NAME_MAX_BYTES = 256 };

static bool is_variable(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	return *name && strspn(name, letters) == strlen(name) && !(*name >= '0' && *name <= '9');
}

static int read_pairs(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (node->kind != TREE_MAP) {
		scalar_bad(r, node, path, "a map of NAME: text");
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
		if (strlen(key) > NAME_MAX_BYTES) {
			problems_error(r->problems, &child->key->place, path,
			    "a name of at most %d bytes can stand here", NAME_MAX_BYTES);
			continue;
		}
		if (s->type == SETTING_PAIRS && !is_variable(key)) {
			problems_error(r->problems, &child->key->place, name,
			    "a variable's name has letters, digits and _ and does not begin with a digit");
			continue;
		}
		int error = scalar_read(r, &any, child, name, &pairs[n].value);
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
		scalar_bad(r, node, path, named ? "a map of NAME: {…}" : "a list of maps");
		return 0;
	}
	if (s->max && ((int64_t)node->count < s->min || (int64_t)node->count > s->max)) {
		problems_error(r->problems, &node->place, path,
		    "expected %" PRId64 " to %" PRId64 " of them, not %zu", s->min, s->max, node->count);
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
		scalar_store(s, object, CONF_NONE);
		return 0;
	}
	switch (s->type) {
	case SETTING_TEXTS:
		return read_texts(r, s, node, path, at(object, s->offset));
	case SETTING_STATUSES:
		return read_statuses(r, s, node, path, at(object, s->offset));
	case SETTING_PAIRS:
	case SETTING_HEADERS:
		return read_pairs(r, s, node, path, object);
	case SETTING_PART:
		return read_section(r, s->section, node, path, object);
	case SETTING_ITEMS:
	case SETTING_NAMED:
		return read_objects(r, s, node, path, object);
	case SETTING_SPECIAL:
		return 0;
	default:
		return scalar_read(r, s, node, path, object);
	}
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
		scalar_bad(r, node, path, "a map");
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
