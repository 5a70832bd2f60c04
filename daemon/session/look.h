/*
 * Looking at orders: reads one that a user may see, and shows it as the STATUS map. What a user may not see, it cannot tell from what does not exist.
 */
#ifndef BAKERY_SESSION_LOOK_H
#define BAKERY_SESSION_LOOK_H

#include <stdbool.h>

#include "conf/conf.h"
#include "daemon/session/identity.h"
#include "daemon/session/shared.h"
#include "daemon/store/store.h"
#include "proto/reply.h"

/* May this user see an order of `owner` (interned)? */
bool look_may_see(const struct user *user, enum right right, const char *owner);
/* An error of a read, as this user may hear it: GONE is for those who may read all. */
int look_error(const struct user *user, int error);

/* Reads an order that the user may see. 0: out is filled in, to be cleared by store_order_clear(); ERR_NOTFOUND, ERR_GONE, or the store's error. */
int await_look(struct sessions *all, const struct user *user, int64_t id, struct store_order *out);

/* The STATUS map; of a running order the scheduler is asked what it does. 0 or -ENOMEM. */
int look_reply(const struct sessions *all, const struct store_order *order, struct reply_writer *w);

/* The pool of a recipe's first step; NULL: it needs no worker. */
const char *look_first_pool(const struct conf_recipe *recipe);

#endif
