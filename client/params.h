/*
 * NAME=VALUE on the command line becomes a JSON object of the types that the recipe's parameters have.
 */
#ifndef BAKERY_CLIENT_PARAMS_H
#define BAKERY_CLIENT_PARAMS_H

#include "client/cli.h"
#include "proto/buf.h"
#include "proto/value.h"

/* The map that RECIPES name gives. 0 or the exit status, with the failure said; the caller frees it. */
int params_fetch(struct cli *c, const char *recipe, struct value **out);
/* The payload made of `count` words NAME=VALUE, appended to *payload. 0 or the exit status, with the failure
 * said. */
int params_build(struct cli *c, const struct value *recipe, int count, char **words, struct buf *payload);
/* True when the recipe has this parameter, or for one without parameters when it is `payload`. */
bool params_takes(const struct value *recipe, const char *name);
/* The same as params_build() for one parameter and its value; `payload` for a recipe without parameters: the value itself. */
int params_build_one(struct cli *c, const struct value *recipe, const char *name, const char *value,
    size_t len, struct buf *payload);

/* The whole of a file, "-": standard input, appended to *to. 0 or a negative errno value. */
int params_read_file(const char *path, struct buf *to);

#endif
