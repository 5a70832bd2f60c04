/*
 * Recipes for the tests of what is made of them.
 */
#ifndef BAKERY_TESTS_UNIT_RECIPE_WORLD_H
#define BAKERY_TESTS_UNIT_RECIPE_WORLD_H

#include "daemon/order/recipe.h"

/* A configuration with the recipe "r" of this YAML (indented by four). */
struct conf *conf_of(const char *recipe);
struct slice slice(const char *text);

#endif
