/*
 * Path parameters with `under`: what a path really is, and whether that is in a folder which is allowed. Asks the file system.
 */
#ifndef BAKERY_ORDER_PATH_H
#define BAKERY_ORDER_PATH_H

#include <limits.h>

#include "conf/conf.h"

/* The path that a step gets for this parameter, without links when `under` is said, into out. 0; -EINVAL with why. */
int path_check(const struct conf_param *p, const char *path, char out[static PATH_MAX], char why[static 256]);

#endif
