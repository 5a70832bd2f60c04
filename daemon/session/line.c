#include "daemon/session/line.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ready_slot {
	struct slot slot;
	size_t len;
	char bytes[];
};

void line_init(struct line *line, struct reply_writer *out, void (*on_change)(struct line *line, int error))
{
	*line = (struct line){.out = out, .on_change = on_change};
	STAILQ_INIT(&line->slots);
}

void line_open(struct line *line, struct slot *slot)
{
	assert(line->out);
	slot->line = line;
	slot->filled = false;
	STAILQ_INSERT_TAIL(&line->slots, slot, entry);
	line->count++;
	line->writes += slot->write;
	line->bytes += slot->bytes;
}

static void release(struct line *line, struct slot *slot)
{
	line->count--;
	line->bytes -= slot->bytes;
	slot->release(slot);
}

/* Renders and releases what is filled at the head. */
static int advance(struct line *line)
{
	int error = 0;
	struct slot *slot;
	while ((slot = STAILQ_FIRST(&line->slots)) && slot->filled) {
		STAILQ_REMOVE_HEAD(&line->slots, entry);
		if (error == 0)
			error = slot->render ? slot->render(slot, line->out) : -ENOMEM;
		release(line, slot);
	}
	return error;
}

void line_fill(struct slot *slot)
{
	struct line *line = slot->line;
	assert(!slot->filled);
	slot->filled = true;
	line->writes -= slot->write;
	if (!line->out) {
		release(line, slot);
		line->on_change(line, 0);
		return;
	}
	if (slot != STAILQ_FIRST(&line->slots)) {
		if (slot->write && line->writes == 0)
			line->on_change(line, 0);
		return;
	}
	line->on_change(line, advance(line));
}

static int ready_render(struct slot *slot, struct reply_writer *w)
{
	const struct ready_slot *r = (const struct ready_slot *)slot;
	return buf_append(w->out, r->bytes, r->len);
}

static void ready_release(struct slot *slot)
{
	free(slot);
}

int line_add(struct line *line, const struct buf *bytes)
{
	struct ready_slot *r = malloc(sizeof *r + bytes->len);
	if (!r)
		return -ENOMEM;
	r->slot = (struct slot){
	    .render = ready_render, .release = ready_release, .bytes = sizeof *r + bytes->len};
	r->len = bytes->len;
	memcpy(r->bytes, buf_bytes(bytes), bytes->len);
	line_open(line, &r->slot);
	line_fill(&r->slot);
	return 0;
}

void line_abandon(struct line *line)
{
	line->out = NULL;
	struct slot *slot;
	while ((slot = STAILQ_FIRST(&line->slots))) {
		STAILQ_REMOVE_HEAD(&line->slots, entry);
		if (slot->filled)
			release(line, slot); /* those in flight are found again by line_fill() alone */
	}
}
