/*
 * A payload against the parameters of a recipe, and the values in it. Strict: nothing is coerced. Uses jansson: needs a big stack. Knows nothing of
 * commands but which parameters fill a whole argument.
 */
#ifndef BAKERY_ORDER_PARAMS_H
#define BAKERY_ORDER_PARAMS_H

#include <jansson.h>

#include "conf/conf.h"
#include "proto/buf.h"

enum { PARAMS_DEPTH_MAX = 32 };

/* The payload as an object with every default filled in; *out is to be json_decref'ed. 0; -EINVAL with why; -ENOMEM. */
int params_load(const struct conf_recipe *r, struct slice payload, json_t **out, char why[static 256]);

const struct conf_param *params_find(const struct conf_recipe *r, const char *name, size_t len);

/* The value as a placeholder puts it: nothing when it is absent. For a list use the elements. 0 or -ENOMEM. */
int params_append_text(const json_t *value, struct buf *out);

/* printf into why, with everything that is no printing character as '?'. Returns -EINVAL. */
int params_refuse(char why[static 256], const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
