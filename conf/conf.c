#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check.h"
#include "conf/defaults.h"
#include "conf/read.h"

/* While a configuration is made. */
struct making {
	struct arena *arena; /* of the struct conf */
	struct arena scratch;
	struct problems problems;
	struct tree *root;
	bool broken; /* a file that is no YAML: what it says is not known, so nothing is said of the rest */
};

/* An included file holds some sections only. */
static void check_included(struct making *m, const struct tree *root)
{
	const struct tree *child;
	if (root->kind != TREE_MAP)
		return;
	STAILQ_FOREACH (child, &root->children, next) {
		const struct setting *s = schema_find(&schema_top, child->key->text);
		if (s && !s->included)
			problems_error(&m->problems, &child->key->place, child->key->text,
			    "belongs into the main file: an included one has include, pools, recipes and "
			    "users");
	}
}

/* What included files say of a section goes to the end of the same section of the first. */
static void merge(struct making *m, struct tree *root)
{
	struct tree *child;
	if (root->kind != TREE_MAP || m->root->kind != TREE_MAP) {
		const struct tree *bad = root->kind != TREE_MAP ? root : m->root;
		problems_error(&m->problems, &bad->place, NULL, "expected a map of keys");
		return;
	}
	while ((child = STAILQ_FIRST(&root->children))) {
		STAILQ_REMOVE_HEAD(&root->children, next);
		struct tree *same = tree_get(m->root, child->key->text);
		if (same && same->kind == child->kind && same->kind != TREE_SCALAR) {
			tree_append(same, child);
		} else {
			STAILQ_INSERT_TAIL(&m->root->children, child, next);
			m->root->count++;
		}
	}
}

static int add_tree(struct making *m, const char *path, bool included, const char *bytes, size_t len)
{
	struct tree *root = NULL;
	char *file = path ? arena_copy(m->arena, path, strlen(path)) : NULL;
	if (path && !file)
		return -ENOMEM;
	int r = tree_parse(&m->scratch, file, bytes, len, &m->problems, &root);
	m->broken |= !root;
	if (r || !root)
		return r;
	if (included)
		check_included(m, root);
	if (m->root)
		merge(m, root);
	else
		m->root = root;
	return 0;
}

static bool is_text(const struct tree *node, const char *text)
{
	return node->kind == TREE_SCALAR && strcmp(node->text, text) == 0;
}

static bool uses_default_pool(const struct tree *recipe)
{
	const struct tree *pool = tree_get(recipe, "pool"), *steps = tree_get(recipe, "steps"), *step;
	bool by_default = !pool || is_text(pool, "default");
	if (!steps || steps->kind != TREE_LIST)
		return by_default;
	STAILQ_FOREACH (step, &steps->children, next) {
		const struct tree *own = tree_get(step, "pool");
		if (tree_get(step, "run") && (own ? is_text(own, "default") : by_default))
			return true;
	}
	return false;
}

/* The pool `default` is there when it is declared, when no pool is, or when a recipe uses it. */
static bool needs_default_pool(const struct making *m)
{
	const struct tree *pools = tree_get(m->root, "pools"), *recipes = tree_get(m->root, "recipes"),
			  *recipe;
	if (!pools)
		return true;
	if (pools->kind != TREE_MAP || tree_get(pools, "default") || !recipes || recipes->kind != TREE_MAP)
		return false;
	STAILQ_FOREACH (recipe, &recipes->children, next) {
		if (uses_default_pool(recipe))
			return true;
	}
	return false;
}

static int add_defaults(struct making *m, bool personal)
{
	const char *pools = defaults_pools(), *recipes = defaults_recipes(personal);
	int r = 0;
	if (!tree_get(m->root, "recipes"))
		r = add_tree(m, NULL, false, recipes, strlen(recipes));
	if (!r && needs_default_pool(m))
		r = add_tree(m, NULL, false, pools, strlen(pools));
	return r;
}

/* *personal: as far as the sources' places say; false when what they say is of a daemon of several users. */
static int read_trees(struct making *m, const struct conf_sources *sources, bool *personal)
{
	int r = sources->count ? 0 : add_tree(m, NULL, false, "", 0);
	for (size_t i = 0; i < sources->count && !r; i++)
		r = add_tree(m, sources->items[i].path, sources->items[i].included, sources->items[i].bytes,
		    sources->items[i].len);
	if (r || m->broken)
		return r;
	if (m->root->kind != TREE_MAP) {
		problems_error(&m->problems, &m->root->place, NULL, "expected a map of keys");
		return 0;
	}
	*personal &= !tree_get(tree_get(m->root, "daemon"), "user");
	r = add_defaults(m, *personal);
	if (!r)
		r = tree_drop_duplicates(m->root, NULL, &m->problems);
	for (const char *const *key = (const char *const[]){"pools", "recipes", NULL}; *key && !r; key++) {
		struct tree *section = tree_get(m->root, *key);
		if (section && section->kind == TREE_MAP)
			r = tree_drop_duplicates(section, *key, &m->problems);
	}
	return r;
}

static int make(struct making *m, const struct conf_sources *sources, struct conf *c)
{
	c->personal = defaults_personal(sources);
	if (sources->count &&
	    !(c->file = arena_copy(m->arena, sources->items[0].path, strlen(sources->items[0].path))))
		return -ENOMEM;
	int r = read_trees(m, sources, &c->personal);
	if (r || m->broken || m->root->kind != TREE_MAP)
		return r;
	struct reader reader = {.arena = m->arena, .scratch = &m->scratch, .problems = &m->problems};
	r = read_section(&reader, &schema_top, m->root, "", c);
	if (!r)
		r = defaults_fill(c, m->arena, &m->problems);
	return r ? r : check_conf(c, m->root, &m->problems);
}

int conf_parse(const struct conf_sources *sources, struct conf **out, struct conf_report *report)
{
	struct arena arena = {0};
	struct making m = {.arena = &arena};
	struct conf *c = arena_alloc(&arena, sizeof *c);
	int r = c ? make(&m, sources, c) : -ENOMEM;
	bool wrong = m.problems.errors > 0;
	int told = problems_report(&m.problems, sources, report);
	arena_clear(&m.scratch);
	if (!r)
		r = told ? told : wrong ? -EINVAL : 0;
	if (r) {
		arena_clear(&arena);
		return r;
	}
	/* Everything is in the arena, the struct itself too. */
	c->arena = arena.chunks;
	*out = c;
	return 0;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->user_count; i++) {
		if (c->users[i].password)
			explicit_bzero(c->users[i].password, strlen(c->users[i].password));
	}
	struct arena arena = {.chunks = c->arena};
	arena_clear(&arena);
}

void conf_report_clear(struct conf_report *r)
{
	for (size_t i = 0; i < r->error_count; i++)
		free(r->errors[i]);
	for (size_t i = 0; i < r->warning_count; i++)
		free(r->warnings[i]);
	free(r->errors);
	free(r->warnings);
	*r = (struct conf_report){0};
}

const struct conf_recipe *conf_recipe_find(const struct conf *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->recipe_count; i++) {
		if (strlen(c->recipes[i].name) == len && memcmp(c->recipes[i].name, name, len) == 0)
			return &c->recipes[i];
	}
	return NULL;
}

const struct conf_pool *conf_pool_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->pool_count; i++) {
		if (strcmp(c->pools[i].name, name) == 0)
			return &c->pools[i];
	}
	return NULL;
}

bool conf_recipe_needs_pool(const struct conf_recipe *r)
{
	for (size_t i = 0; i < r->step_count; i++) {
		if (conf_step_is_heavy(&r->steps[i]) && strcmp(r->steps[i].pool, r->pool) == 0)
			return true;
	}
	return false;
}
