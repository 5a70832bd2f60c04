/*
 * What may follow what in an order's life: one table (move.def) for the store, which guards every write by it, and for the scheduler, which decides
 * what to write. STATES.md draws it. Pure: knows neither store nor workers.
 */
#ifndef BAKERY_ORDER_STATE_H
#define BAKERY_ORDER_STATE_H

#include <stdbool.h>

#include "daemon/order/order.h"

enum order_event {
#define EVENT(name, word, meaning) ORDER_EVENT_##name,
#include "daemon/order/event.def"
#undef EVENT
	ORDER_EVENTS,
};

/* Where an order is, finer than its state: a row of the table. */
enum order_row {
	ORDER_ROW_SCHEDULED = ORDER_SCHEDULED,
	ORDER_ROW_BLOCKED = ORDER_BLOCKED,
	ORDER_ROW_QUEUED = ORDER_QUEUED,
	ORDER_ROW_RUNNING = ORDER_RUNNING,
	ORDER_ROW_DONE = ORDER_DONE,
	ORDER_ROW_FAILED = ORDER_FAILED,
	ORDER_ROW_CANCELLED = ORDER_CANCELLED,
	ORDER_ROW_EXPIRED = ORDER_EXPIRED,
	ORDER_ROW_NEW = ORDER_STATES, /* not there yet */
	ORDER_ROW_CANCELLING,         /* running, and its cancel has been committed */
	ORDER_ROWS,
};

const char *order_row_word(enum order_row row);
const char *order_event_word(enum order_event event);

/* 0 with *to set; ERR_STATE when the event cannot happen there. *to is a state, or ORDER_ROW_CANCELLING. */
int order_row_next(enum order_row from, enum order_event event, enum order_row *to);

/*
 * The same for an order as it is stored. cancel_requested: a cancel of the running attempt has been committed; then every end of that attempt leads to
 * cancelled, so that no attempt follows a cancel that was answered. *to is RUNNING when the event is a cancel of a running order: the
 * mark is what changes.
 */
int order_state_next(
    enum order_state from, bool cancel_requested, enum order_event event, enum order_state *to);

/* The event that takes a running order to `next` (done, failed, cancelled, queued, scheduled). ERR_STATE for any other. */
int order_end_event(enum order_state next, enum order_event *event);

#endif
