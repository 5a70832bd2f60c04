/*
 * AUTH: is this the user's password. Right ones are remembered; wrong ones count against the address that they came from; the same pair asked by many
 * connections at once is verified once.
 */
#ifndef BAKERY_SESSION_AUTH_H
#define BAKERY_SESSION_AUTH_H

#include "daemon/net/peer.h"
#include "daemon/session/identity.h"
#include "proto/buf.h"

struct auth;

/* 0 or a negative errno value. */
int auth_new(const struct identities *ids, struct auth **out);
/* Nobody may be waiting. NULL is fine. */
void auth_free(struct auth *a);
/* Who waits gets ERR_CANCELLED soon. */
void auth_stop(struct auth *a);

/* Suspends; name and password are borrowed until it returns. 0 with *out; ERR_INVALID: wrong user or password; -EAGAIN: too many at once, or too
 * many wrong ones from this address; ERR_CANCELLED: the daemon ends; -ENOMEM, -EIO. */
int await_auth(struct auth *a, const struct peer *from, struct slice name, struct slice password,
    const struct user **out);

#endif
