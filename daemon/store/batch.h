/*
 * A batch: the requests of one transaction and what comes of them (the events, and by them everything that is counted). Made by the writer,
 * handed to the loop's thread after the commit, which tells of the events, makes the futures final, and frees it.
 */
#ifndef BAKERY_STORE_BATCH_H
#define BAKERY_STORE_BATCH_H

#include <stddef.h>
#include <sys/queue.h>

#include "daemon/store/store.h"

STAILQ_HEAD(store_ops, store_op);

struct batch {
	STAILQ_ENTRY(batch) entry;
	struct store_ops ops; /* in the order in which they came */
	size_t op_count, bytes;
	struct store_event *events;
	enum order_state *from; /* the state before each event; ORDER_STATES: the order is new */
	size_t count, room;
	int64_t opened; /* orders that became not final, less those that became final */
};

/* NULL when memory is refused. */
struct batch *batch_new(void);
/* Frees the events and heads that nobody took, not the requests. NULL is fine. */
void batch_free(struct batch *b);

/* Takes the event and its head. 0, or -ENOMEM: then the head is still the caller's. */
int batch_add_event(struct batch *b, const struct store_event *event, enum order_state from);
/* Moves all events of `from` to the empty batch `to`; neither needs memory. */
void batch_move_events(struct batch *to, struct batch *from);
/* Forgets the events from number `count` on: they were rolled back. */
void batch_cut_events(struct batch *b, size_t count);

#endif
