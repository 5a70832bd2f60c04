/*
 * The reply line of a connection: every request takes a slot when it is read, the slot is filled at once or when its work is done, and replies are
 * written strictly in the order of the slots. So a hundred pipelined orders wait for one commit, not for a hundred.
 *
 *     opened ──▶ filled ──▶ rendered (when it is at the head) ──▶ released
 *                  └──────────────────────────────────────────▶ released (the client is gone: line_abandon)
 *
 * A slot is the first field of whatever a verb needs until its answer is known (the store's request, a task's arguments), in one
 * allocation. It stays until its verb fills it, also when the client is gone: work in flight owns its memory.
 *
 * Knows nothing of connections or verbs. Loop's thread.
 */
#ifndef BAKERY_SESSION_LINE_H
#define BAKERY_SESSION_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/reply.h"

struct line;

struct slot {
	STAILQ_ENTRY(slot) entry;
	struct line *line;
	size_t bytes; /* memory that it holds, or that its reply may take */
	bool filled;
	bool write; /* later reads of this connection must see it done */
	/* Appends the reply: 0 or -ENOMEM. Called at most once, after line_fill(). NULL: memory for the reply was refused. */
	int (*render)(struct slot *slot, struct reply_writer *w);
	/* Frees the slot and what it is part of. Called once. */
	void (*release)(struct slot *slot);
};

struct line {
	STAILQ_HEAD(, slot) slots;
	struct reply_writer *out; /* NULL: abandoned */
	uint32_t count;           /* slots not released */
	uint32_t writes;          /* of these, writes not filled */
	size_t bytes;             /* of all slots */
	/* Slots have left. error: 0, or -ENOMEM when a reply could not be rendered (and the replies are out of step from there on). */
	void (*on_change)(struct line *line, int error);
};

void line_init(struct line *line, struct reply_writer *out, void (*on_change)(struct line *line, int error));

/* Takes the next place. The fields of slot below `line` are filled in. */
void line_open(struct line *line, struct slot *slot);
/* The answer is known: renders all that has come to the head. The slot may be released inside. */
void line_fill(struct slot *slot);
/* A slot that is filled from the beginning with these bytes (copied). 0 or -ENOMEM. */
int line_add(struct line *line, const struct buf *bytes);

/* The client is gone: filled slots are released, the others when they are filled; nothing is rendered any more. */
void line_abandon(struct line *line);

#endif
