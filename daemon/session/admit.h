/*
 * Admission: may this order be taken, and in which form. The last door before the store: what passes here is made durable.
 */
#ifndef BAKERY_SESSION_ADMIT_H
#define BAKERY_SESSION_ADMIT_H

#include <stdint.h>

#include "conf/conf.h"
#include "daemon/session/shared.h"
#include "proto/reply.h"

struct user;

enum { ADMIT_KEY_BYTES = 256 };

/* What a client asks for; the texts are its own. −1 and zero lengths: not given. */
struct admit {
	struct slice recipe, payload, key;
	int64_t priority; /* ADMIT_NO_PRIORITY: not given */
	int64_t delay_ms, timeout_ms, retries;
};
#define ADMIT_NO_PRIORITY INT64_MIN

/* 0: *recipe, *name (interned) and *payload (canonical: in sessions.canonical, until the next call) are filled in, and the priority; 1: refused, and the
 * error has been replied; -ENOMEM. */
int admit_order(struct sessions *all, const struct user *user, struct admit *a, const char **name,
    struct slice *payload, struct reply_writer *w);

#endif
