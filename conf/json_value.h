/* A YAML value as a JSON text. */
#ifndef BAKERY_CONF_JSON_VALUE_H
#define BAKERY_CONF_JSON_VALUE_H

#include "conf/read.h"

enum { JSON_VALUE_DEPTH_MAX = 32 };

/*
 * Plain true, false, null (also ~ and nothing) and numbers stay what they are; every other scalar is a string. Numbers are as JSON writes them, whole
 * ones within 64 bits. 0; -ENOMEM. *out stays when something is wrong, which is told.
 */
int json_value(struct reader *r, const struct tree *node, const char *path, char **out);

#endif
