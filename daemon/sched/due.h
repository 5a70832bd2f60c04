/*
 * Orders whose time is yet to come are on disk, in an index of their own. This timer asks the store to promote those that are due, at most so many at
 * a time, and sleeps until the next is.
 *
 * Due times are of the wall clock, which may be set: so it looks at that clock at least once a second while anything is scheduled, and promotes by what
 * it sees there, not by what it has slept.
 */
#ifndef BAKERY_SCHED_DUE_H
#define BAKERY_SCHED_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop/loop.h"
#include "daemon/store/store.h"

enum { DUE_PROMOTE_MAX = 500, DUE_LOOK_MS = 1000, DUE_TROUBLE_MS = 1000 };

struct due {
	struct store *store;
	struct loop_timer timer;
	struct store_promote request;
	struct future_callback answered;
	bool asking, again; /* again: something was scheduled while the store was asked */
	int64_t next_due_ms;
	uint64_t promoted;
};

/* 0 or -ENOMEM. Its timer can always be set from now on. */
int due_init(struct due *d);
/* Nothing is asked before due_set() or due_poke(). */
void due_connect(struct due *d, struct store *store);
/* Stops, after the store has been closed. Fine when it was not connected. */
void due_clear(struct due *d);
/* What the store says is due next; INT64_MAX: nothing. */
void due_set(struct due *d, int64_t next_due_ms);
/* Something has been scheduled: the store is asked what is due next. */
void due_poke(struct due *d);

#endif
