#include "daemon/worker/capture.h"

#include <string.h>

int head_capture_add(struct head_capture *c, const char *bytes, size_t len)
{
	uint64_t room = c->max - c->kept.len;
	size_t keep = len < room ? len : (size_t)room;
	/* Once something is missing, what follows would not be the head any more. */
	if (c->total != c->kept.len)
		keep = 0;
	c->total += len;
	return keep ? buf_append(&c->kept, bytes, keep) : 0;
}

void tail_capture_add(struct tail_capture *c, const char *bytes, size_t len)
{
	if (len > ORDER_MESSAGE_MAX) {
		bytes += len - ORDER_MESSAGE_MAX;
		len = ORDER_MESSAGE_MAX;
	}
	/* Twice the room, so that bytes are moved at most once for each byte that comes. */
	if (c->len + len > sizeof c->bytes) {
		memmove(c->bytes, c->bytes + c->len - ORDER_MESSAGE_MAX, ORDER_MESSAGE_MAX);
		c->len = ORDER_MESSAGE_MAX;
	}
	memcpy(c->bytes + c->len, bytes, len);
	c->len += len;
}

struct slice tail_capture_get(const struct tail_capture *c)
{
	size_t skip = c->len > ORDER_MESSAGE_MAX ? c->len - ORDER_MESSAGE_MAX : 0;
	return (struct slice){c->bytes + skip, c->len - skip};
}
