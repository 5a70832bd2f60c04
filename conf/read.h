/*
 * From the tree to the structs, by the rows of the schema. What is wrong is told to problems and reading goes on: the functions here return 0 or -ENOMEM
 * only, and leave the default where a value is not taken.
 */
#ifndef BAKERY_CONF_READ_H
#define BAKERY_CONF_READ_H

#include "conf/arena.h"
#include "conf/problems.h"
#include "conf/schema.h"
#include "conf/tree.h"

struct reader {
	struct arena *arena;   /* of the struct conf */
	struct arena *scratch; /* paths for messages; as long as the tree */
	struct problems *problems;
};

/* A map, into a zeroed object. node NULL: the defaults. path: what the map is called, "" at the top. */
int read_section(
    struct reader *r, const struct section *s, const struct tree *node, const char *path, void *object);
/* One value; used by what finishes a section. */
int read_value(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object);
/* "recipes" and "cake": "recipes.cake". NULL when memory is refused. */
const char *read_path(struct reader *r, const char *path, const char *key);

/* A plain number. 0 or -EINVAL. */
int read_number(const struct tree *node, double *out);
/* Letters, digits, and - _ . ; at most 64. */
bool read_is_name(const char *text, size_t len);

#endif
