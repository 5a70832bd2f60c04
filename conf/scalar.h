/* Values that are one scalar. As all of reading: 0 or -ENOMEM; what is wrong is told, and the default is left. */
#ifndef BAKERY_CONF_SCALAR_H
#define BAKERY_CONF_SCALAR_H

#include "conf/read.h"

/* For the types that are one scalar. */
int scalar_read(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object);
/* A number into the setting's member, of whichever size it is. */
void scalar_store(const struct setting *s, void *object, int64_t value);
/* "VALUE: expected …", or what stands there instead of a scalar. */
void scalar_bad(struct reader *r, const struct tree *node, const char *path, const char *expected);

#endif
