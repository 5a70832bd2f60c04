/*
 * What the files of this room share. Private to the room.
 */
#ifndef BAKERY_STEP_INNER_H
#define BAKERY_STEP_INNER_H

#include <stdbool.h>

#include "daemon/step/hosts.h"
#include "daemon/step/lookup.h"
#include "daemon/step/step.h"
#include "daemon/step/transfer.h"

struct steps {
	const struct conf *conf;
	struct lookups *lookups;
	struct hosts hosts;
	struct transfers *transfers;
	struct steps_stats stats;
};

/* The clock of one try: it stands while the try waits for its turn before a host. */
struct step_time {
	int64_t limit_ms; /* CONF_NONE */
	int64_t began_ns, stood_ns;
};
int64_t step_deadline_ns(const struct step_time *time);

static inline void step_waits(const struct step_try *t, const char *what)
{
	if (t->on_wait)
		t->on_wait(t->arg, what);
}

/* What the texts are expanded with is there when this returns 0; and is given back. */
int await_step_values(struct step_try *t, struct step_time *time);
void step_release_values(struct step_try *t);

/* ---- how a try ends: these fill in the outcome, once ---- */

/* bytes (of malloc(3), may be NULL) belong to the try from now on. */
void step_succeeds(struct step_try *t, char *bytes, size_t len);
/* A message is cut at STEP_MESSAGE_MAX. On the loop's stack: it formats. */
enum { STEP_MESSAGE_MAX = 2048 };
void step_fails(struct step_try *t, enum order_cause cause, bool permanent, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Want of memory or descriptors: may be tried again. */
void step_refused(struct step_try *t, int error);

/* An http step. 0 with the outcome; ERR_CANCELLED. Suspends. */
int await_http(struct steps *s, struct step_try *t, struct step_time *time);

#endif
