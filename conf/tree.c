#include "conf/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct parse {
	yaml_parser_t yaml;
	struct arena *arena;
	struct problems *problems;
	const char *file;
};

/* Besides negative errno values: what is wrong has been said. */
enum { TOLD = 1 };

static struct conf_place place_of(const struct parse *p, const yaml_mark_t *mark)
{
	return (struct conf_place){
	    .file = p->file, .line = (int)mark->line + 1, .column = (int)mark->column + 1};
}

static int next_event(struct parse *p, yaml_event_t *e)
{
	if (yaml_parser_parse(&p->yaml, e))
		return 0;
	if (p->yaml.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	struct conf_place place = place_of(p, &p->yaml.problem_mark);
	/* The reader knows an offset only. */
	if (p->yaml.error == YAML_READER_ERROR)
		place = place_of(p, &p->yaml.mark);
	problems_error(p->problems, &place, NULL, "not YAML: %s%s%s", p->yaml.context ? p->yaml.context : "",
	    p->yaml.context ? ": " : "", p->yaml.problem ? p->yaml.problem : "cannot be read");
	return TOLD;
}

static int refuse(struct parse *p, const yaml_event_t *e, const char *what)
{
	struct conf_place place = place_of(p, &e->start_mark);
	problems_error(p->problems, &place, NULL, "%s", what);
	return TOLD;
}

static const char no_anchors[] = "anchors and aliases are not taken here: write it out";
static const char no_tags[] = "tags are not taken here: leave it out";

static int parse_node(struct parse *p, const yaml_event_t *e, int depth, struct tree **out);

static int parse_children(struct parse *p, struct tree *node, int depth)
{
	for (;;) {
		yaml_event_t e;
		struct tree *key = NULL, *child = NULL;
		int r = next_event(p, &e);
		if (r)
			return r;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return 0;
		}
		if (node->kind == TREE_MAP) {
			r = e.type == YAML_SCALAR_EVENT || e.type == YAML_ALIAS_EVENT
				? parse_node(p, &e, depth, &key)
				: refuse(p, &e, "a key is a word");
			yaml_event_delete(&e);
			r = r ? r : next_event(p, &e);
			if (r)
				return r;
		}
		r = parse_node(p, &e, depth, &child);
		yaml_event_delete(&e);
		if (r)
			return r;
		child->key = key;
		STAILQ_INSERT_TAIL(&node->children, child, next);
		node->count++;
	}
}

static int parse_scalar(struct parse *p, const yaml_event_t *e, struct tree *node)
{
	if (e->data.scalar.anchor)
		return refuse(p, e, no_anchors);
	if (e->data.scalar.tag)
		return refuse(p, e, no_tags);
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length))
		return refuse(p, e, "byte 0 is not taken here");
	node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->len = e->data.scalar.length;
	node->text = arena_copy(p->arena, (const char *)e->data.scalar.value, node->len);
	return node->text ? 0 : -ENOMEM;
}

static int parse_node(struct parse *p, const yaml_event_t *e, int depth, struct tree **out)
{
	struct tree *node = arena_alloc(p->arena, sizeof *node);
	if (!node)
		return -ENOMEM;
	STAILQ_INIT(&node->children);
	node->place = place_of(p, &e->start_mark);
	int r = 0;
	if (depth > TREE_DEPTH_MAX)
		return refuse(p, e, "nested too deeply");
	if (e->type == YAML_SCALAR_EVENT) {
		node->kind = TREE_SCALAR;
		r = parse_scalar(p, e, node);
	} else if (e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT) {
		bool map = e->type == YAML_MAPPING_START_EVENT;
		node->kind = map ? TREE_MAP : TREE_LIST;
		if (map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor)
			return refuse(p, e, no_anchors);
		if (map ? e->data.mapping_start.tag : e->data.sequence_start.tag)
			return refuse(p, e, no_tags);
		r = parse_children(p, node, depth + 1);
		if (!r && map)
			r = tree_drop_duplicates(node, NULL, p->problems);
	} else {
		r = refuse(p, e, no_anchors);
	}
	if (!r)
		*out = node;
	return r;
}

/* The events around the one document. */
static int parse_stream(struct parse *p, struct tree **out)
{
	yaml_event_t e;
	struct tree *root = NULL;
	for (;;) {
		int r = next_event(p, &e);
		if (r)
			return r;
		yaml_event_type_t type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT && root)
			r = refuse(p, &e, "a second document is not taken here");
		else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			 type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT)
			r = parse_node(p, &e, 0, &root);
		yaml_event_delete(&e);
		if (r)
			return r;
		if (type == YAML_STREAM_END_EVENT)
			break;
	}
	if (!root || tree_is_null(root)) {
		root = arena_alloc(p->arena, sizeof *root);
		if (!root)
			return -ENOMEM;
		STAILQ_INIT(&root->children);
		root->kind = TREE_MAP;
		root->place = (struct conf_place){.file = p->file, .line = 1, .column = 1};
	}
	*out = root;
	return 0;
}

int tree_parse(struct arena *arena, const char *file, const char *bytes, size_t len,
    struct problems *problems, struct tree **out)
{
	struct parse p = {.arena = arena, .problems = problems, .file = file};
	struct tree *root = NULL;
	if (len > TREE_BYTES_MAX) {
		problems_error(problems, &(struct conf_place){.file = file}, NULL,
		    "too long: at most %d bytes", TREE_BYTES_MAX);
		*out = NULL;
		return 0;
	}
	if (!yaml_parser_initialize(&p.yaml))
		return -ENOMEM;
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)(bytes ? bytes : ""), len);
	int r = parse_stream(&p, &root);
	yaml_parser_delete(&p.yaml);
	if (r < 0)
		return r;
	*out = r == TOLD ? NULL : root;
	return 0;
}

struct tree *tree_get(const struct tree *node, const char *key)
{
	struct tree *child;
	if (!node || node->kind != TREE_MAP)
		return NULL;
	STAILQ_FOREACH (child, &node->children, next) {
		if (strcmp(child->key->text, key) == 0)
			return child;
	}
	return NULL;
}

bool tree_is_plain(const struct tree *node, const char *text)
{
	return node->kind == TREE_SCALAR && node->plain && strcmp(node->text, text) == 0;
}

bool tree_is_null(const struct tree *node)
{
	return tree_is_plain(node, "") || tree_is_plain(node, "~") || tree_is_plain(node, "null");
}

void tree_append(struct tree *into, struct tree *from)
{
	STAILQ_CONCAT(&into->children, &from->children);
	into->count += from->count;
	from->count = 0;
}

struct entry {
	struct tree *node;
	size_t order;
};

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->node->key->text, y->node->key->text);
	return c ? c : x->order < y->order ? -1 : 1;
}

int tree_drop_duplicates(struct tree *map, const char *path, struct problems *problems)
{
	size_t n = 0;
	struct tree *child;
	struct entry *all = calloc(map->count + 1, sizeof *all);
	if (!all)
		return -ENOMEM;
	STAILQ_FOREACH (child, &map->children, next) {
		all[n] = (struct entry){.node = child, .order = n};
		n++;
	}
	qsort(all, n, sizeof *all, by_key);
	for (size_t i = 1, first = 0; i < n; i++) {
		const struct tree *a = all[first].node->key, *b = all[i].node->key;
		if (strcmp(a->text, b->text) != 0) {
			first = i;
			continue;
		}
		problems_error(problems, &b->place, NULL, "%s%s%s: is there twice, first at %s:%d:%d",
		    path ? path : "", path ? "." : "", b->text, a->place.file ? a->place.file : "(default)",
		    a->place.line, a->place.column);
		all[i].node->dropped = true;
	}
	free(all);
	struct tree kept = *map;
	STAILQ_INIT(&kept.children);
	kept.count = 0;
	while ((child = STAILQ_FIRST(&map->children))) {
		STAILQ_REMOVE_HEAD(&map->children, next);
		if (child->dropped)
			continue;
		STAILQ_INSERT_TAIL(&kept.children, child, next);
		kept.count++;
	}
	map->count = 0;
	tree_append(map, &kept);
	return 0;
}
