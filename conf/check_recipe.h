/* One recipe against the rest of the configuration: its pool, the placeholders of its texts, its program. */
#ifndef BAKERY_CONF_CHECK_RECIPE_H
#define BAKERY_CONF_CHECK_RECIPE_H

#include "conf/problems.h"
#include "conf/tree.h"

/* node: the recipe's map, for the places. 0 or -ENOMEM. */
int check_recipe(const struct conf *c, const struct conf_recipe *recipe, const struct tree *node,
    struct problems *problems);

#endif
