/* What has to fit together across sections, once all is read and filled in; and what is allowed but deserves a warning. */
#ifndef BAKERY_CONF_CHECK_H
#define BAKERY_CONF_CHECK_H

#include "conf/problems.h"
#include "conf/tree.h"

/* root: for the places. 0 or -ENOMEM. */
int check_conf(const struct conf *c, const struct tree *root, struct problems *problems);

#endif
