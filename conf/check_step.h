/* One step of a recipe: its pool, its program, its files, and the placeholders of its texts. */
#ifndef BAKERY_CONF_CHECK_STEP_H
#define BAKERY_CONF_CHECK_STEP_H

#include "conf/problems.h"
#include "conf/tree.h"

/*
 * node: the step's map, or the recipe's where its only step has the short form; path: what that is called. Fills in step->uses. The recipe's steps
 * have been read, right or wrong. 0 or -ENOMEM.
 */
int check_step(const struct conf *c, const struct conf_recipe *recipe, struct conf_step *step,
    const struct tree *node, const char *path, struct problems *problems);

/* Whether the configuration has the pool. at, key: where it is named. */
void check_pool_name(const struct conf *c, const char *pool, const struct conf_place *at, const char *key,
    struct problems *problems);

#endif
