/*
 * A YAML file as a small tree whose nodes remember where they stand. Strict: one document, no anchors, aliases, tags or merges, no key twice, no
 * byte 0, bounded depth. Wraps libyaml; does not know what the keys mean.
 */
#ifndef BAKERY_CONF_TREE_H
#define BAKERY_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "conf/arena.h"
#include "conf/problems.h"

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind kind;
	struct conf_place place;
	const char *text; /* scalar */
	size_t len;
	bool plain;       /* scalar: written without quotes */
	struct tree *key; /* the key under which it stands in a map; NULL in a list */
	bool dropped;     /* a key that was there before: out of its map */
	size_t count;     /* of children */
	STAILQ_HEAD(, tree) children;
	STAILQ_ENTRY(tree) next;
};

enum { TREE_DEPTH_MAX = 40, TREE_BYTES_MAX = 1 << 20 };

/*
 * Parses. file is borrowed as long as the tree lives. 0 with *out, NULL when what is wrong is in problems; -ENOMEM. An empty file is an
 * empty map.
 */
int tree_parse(struct arena *arena, const char *file, const char *bytes, size_t len,
    struct problems *problems, struct tree **out);

/* The child of a map; NULL when there is none (or node is NULL or no map). */
struct tree *tree_get(const struct tree *node, const char *key);
/* A plain `null`, `~` or nothing at all. */
bool tree_is_null(const struct tree *node);
/* A scalar with exactly this text, without quotes. */
bool tree_is_plain(const struct tree *node, const char *text);
/* Puts the children of `from` at the end of `into`, both of one kind. */
void tree_append(struct tree *into, struct tree *from);
/* Takes keys that are there a second time out of the map, with an error that names both places. path: of the map, for messages. */
int tree_drop_duplicates(struct tree *map, const char *path, struct problems *problems);

#endif
