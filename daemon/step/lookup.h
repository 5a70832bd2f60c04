/*
 * Addresses of hosts, looked up in threads (getaddrinfo(3) blocks), remembered for a minute, a failure for 5 s. Whoever asks for a name that is being
 * looked up waits for that answer. libcurl is given what was found and never asks itself.
 */
#ifndef BAKERY_STEP_LOOKUP_H
#define BAKERY_STEP_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/step/step.h"

struct lookups;

/* 0; -ENOMEM or another negative errno value. counted counts the look-ups. */
int lookups_new(uint64_t *counted, struct lookups **out);
/* Nobody may wait. Waits for the threads. NULL is fine. */
void lookups_free(struct lookups *n);

/*
 * 0 with *addresses: "127.0.0.1,[::1]", borrowed until the next wait. -EHOSTUNREACH with *why (static text): there is none; another negative errno value: it could not be
 * asked; ERR_CANCELLED, ERR_TIMEOUT. Tells t->on_wait when it waits. Suspends.
 */
int await_lookup(struct lookups *n, const char *host, size_t len, const struct step_try *t,
    int64_t deadline_ns, const char **addresses, const char **why);

#endif
