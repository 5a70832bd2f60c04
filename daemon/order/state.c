/*
 * The order's state × event table, made of move.def, and the words of rows and events.
 */
#include "daemon/order/state.h"

#include "daemon/base/err.h"

/* 0: cannot happen; else the row that follows, plus one. */
static const unsigned char table[ORDER_ROWS][ORDER_EVENTS] = {
#define MOVE(from, event, to) [ORDER_ROW_##from][ORDER_EVENT_##event] = ORDER_ROW_##to + 1,
#include "daemon/order/move.def"
#undef MOVE
};

const char *order_event_word(enum order_event event)
{
	static const char *const words[] = {
#define EVENT(name, word, meaning) word,
#include "daemon/order/event.def"
#undef EVENT
	};

	return words[event];
}

const char *order_row_word(enum order_row row)
{
	if (row == ORDER_ROW_NEW)
		return "new";
	if (row == ORDER_ROW_CANCELLING)
		return "cancelling";
	return order_state_word((enum order_state)row);
}

int order_row_next(enum order_row from, enum order_event event, enum order_row *to)
{
	unsigned char next = table[from][event];

	if (next == 0)
		return ERR_STATE;
	*to = (enum order_row)(next - 1);
	return 0;
}

int order_state_next(
    enum order_state from, bool cancel_requested, enum order_event event, enum order_state *to)
{
	enum order_row row = (enum order_row)from, next;
	int err;

	if (from == ORDER_RUNNING && cancel_requested)
		row = ORDER_ROW_CANCELLING;
	err = order_row_next(row, event, &next);
	if (err < 0)
		return err;
	*to = next == ORDER_ROW_CANCELLING ? ORDER_RUNNING : (enum order_state)next;
	return 0;
}

int order_end_event(enum order_state next, enum order_event *event)
{
	switch (next) {
	case ORDER_DONE:
		*event = ORDER_EVENT_END_DONE;
		return 0;
	case ORDER_FAILED:
		*event = ORDER_EVENT_END_FAILED;
		return 0;
	case ORDER_CANCELLED:
		*event = ORDER_EVENT_END_CANCELLED;
		return 0;
	case ORDER_QUEUED:
		*event = ORDER_EVENT_AGAIN;
		return 0;
	case ORDER_SCHEDULED:
		*event = ORDER_EVENT_AGAIN_LATER;
		return 0;
	default:
		return ERR_STATE;
	}
}
