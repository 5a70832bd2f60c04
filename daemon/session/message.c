/*
 * Writes the payload of a message by plain appending: names are the only texts in it.
 */
#include "daemon/session/message.h"

#include <inttypes.h>

#include "daemon/order/order.h"

/* A JSON string. Names come from the configuration and from the system; they may hold anything but NUL. */
static int write_text(struct buf *out, const char *text)
{
	int r = buf_append(out, "\"", 1);
	for (; r == 0 && *text; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte < 0x20 || byte == '"' || byte == '\\')
			r = buf_printf(out, "\\u%04x", byte);
		else
			r = buf_append(out, text, 1);
	}
	return r < 0 ? r : buf_append(out, "\"", 1);
}

static int write_named(struct buf *out, const char *name, const char *text)
{
	int r = buf_printf(out, ",\"%s\":", name);
	return r < 0 ? r : write_text(out, text);
}

int message_write(struct buf *out, const struct store_event *event)
{
	int r = buf_printf(out, "{\"seq\":\"%" PRIu64 "\",\"id\":\"%" PRId64 "\"", event->seq, event->id);
	if (r == 0)
		r = write_named(out, "recipe", event->recipe);
	if (r == 0)
		r = write_named(out, "user", event->user);
	if (r == 0)
		r = buf_printf(out, ",\"state\":\"%s\",\"time\":%" PRId64 ",\"attempt\":%d",
		    order_state_word(event->state), event->time_ms, event->attempt);
	if (r == 0 && event->cause != CAUSE_NONE)
		r = buf_printf(out, ",\"cause\":\"%s\"", order_cause_word(event->cause));
	if (r == 0 && event->exit >= 0)
		r = buf_printf(out, ",\"exit\":%d", event->exit);
	if (r == 0 && event->signal > 0)
		r = buf_printf(out, ",\"signal\":%d", event->signal);
	return r < 0 ? r : buf_append(out, "}", 1);
}
