#include "daemon/store/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/err.h"

struct batch *batch_new(void)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b)
		STAILQ_INIT(&b->ops);
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	batch_cut_events(b, 0);
	free(b->events);
	free(b->from);
	free(b);
}

static int grow(struct batch *b)
{
	size_t room = b->room ? 2 * b->room : 64;
	struct store_event *events = realloc(b->events, room * sizeof(*events));
	enum order_state *from;

	if (!events)
		return -ENOMEM;
	b->events = events;
	from = realloc(b->from, room * sizeof(*from));
	if (!from)
		return -ENOMEM;
	b->from = from;
	b->room = room;
	return 0;
}

static int64_t opened_by(enum order_state from, enum order_state to)
{
	return (from == ORDER_STATES || order_state_final(from)) - order_state_final(to);
}

int batch_add_event(struct batch *b, const struct store_event *event, enum order_state from)
{
	if (b->count == b->room && grow(b) < 0)
		return -ENOMEM;
	b->events[b->count] = *event;
	b->from[b->count++] = from;
	b->opened += opened_by(from, event->state);
	return 0;
}

void batch_cut_events(struct batch *b, size_t count)
{
	while (b->count > count) {
		b->count--;
		b->opened -= opened_by(b->from[b->count], b->events[b->count].state);
		store_head_free(b->events[b->count].head);
	}
}

void batch_move_events(struct batch *to, struct batch *from)
{
	struct batch empty = *to;

	assert(to->count == 0);
	to->events = from->events;
	to->from = from->from;
	to->count = from->count;
	to->room = from->room;
	to->opened = from->opened;
	from->events = empty.events;
	from->from = empty.from;
	from->count = 0;
	from->room = empty.room;
	from->opened = 0;
}
