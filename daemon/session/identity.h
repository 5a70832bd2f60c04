/*
 * Users: those of the configuration, and the administrators that the kernel vouches for. Login names and groups are looked up once, at start:
 * a connection is identified by numbers alone, and no name service can hold up the loop.
 */
#ifndef BAKERY_SESSION_IDENTITY_H
#define BAKERY_SESSION_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "daemon/net/peer.h"
#include "daemon/session/rights.h"

struct store;
struct identities;

struct user {
	const char *name;     /* interned by the store: equal names are equal pointers */
	const char *password; /* "scrypt$…"; NULL: none */
	struct rights rights;
	bool administrator; /* by its uid */
};

/* conf is borrowed until identities_free(). 0; -ENOMEM; -EINVAL: an allow rule that is none (logged). */
int identities_new(const struct conf *conf, struct store *store, struct identities **out);
void identities_free(struct identities *ids);

/* Whom the kernel says that a local peer is: an administrator (root, the daemon's own uid), the first user that lists its login name or one of its
 * groups, or NULL. */
const struct user *identities_of_peer(const struct identities *ids, int fd, const struct peer *peer);
/* A user of the configuration; NULL when there is none of this name. */
const struct user *identities_find(const struct identities *ids, const char *name, size_t len);
/* Does anybody have a password. */
bool identities_have_password(const struct identities *ids);

#endif
