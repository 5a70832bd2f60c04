/*
 * What the front may do: as little as it needs. It becomes `daemon: {user}`, loses every capability, and nothing that it runs could gain one.
 */
#ifndef BAKERY_OPS_PRIVILEGE_H
#define BAKERY_OPS_PRIVILEGE_H

#include <sys/types.h>

/* Who `user` is; NULL: this process' own. 0; -ENOENT; or another negative errno value. */
int privilege_find_user(const char *user, uid_t *uid, gid_t *gid);
/* Becomes `user` (NULL: stays who it is) for good, with its groups. 0; or a negative errno value with *what, a static text, saying what failed. */
int privilege_drop(const char *user, const char **what);

#endif
