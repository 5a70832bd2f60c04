/*
 * Descriptors of a library that takes its time and does not read until EAGAIN (libcurl): told for as long as they are ready (level-triggered), after
 * everybody else, and for a bounded time in each turn. So ten thousand of them that become ready at once hold up no client.
 */
#ifndef BAKERY_LOOP_WATCH_H
#define BAKERY_LOOP_WATCH_H

#include <stdbool.h>
#include <sys/queue.h>

#include "daemon/loop/loop.h"

/* Storage is the caller's, until loop_watch_remove(); start from {0}. */
struct loop_watch {
	struct loop_fd fd;
	int wanted, ready; /* LOOP_READ | LOOP_WRITE */
	bool queued;
	TAILQ_ENTRY(loop_watch) entry;
	void (*on_ready)(struct loop_watch *w, int what);
};

/*
 * Says what is wanted of fd (0: nothing for now). on_ready is told, once a turn at most, which of it fd is ready for (an error or hang-up counts as both); it may
 * change and remove any watch. Again for the same w and fd: another wish, which cannot fail. 0, or a negative errno value and nothing has happened.
 */
int loop_watch(struct loop *loop, struct loop_watch *w, int fd, int wanted,
    void (*on_ready)(struct loop_watch *w, int what));
/* Before close(2). Fine when it is not registered. */
void loop_watch_remove(struct loop_watch *w);

/* ---- for loop.c ---- */

struct loop_watches {
	TAILQ_HEAD(loop_watch_line, loop_watch) line; /* those that are ready */
	struct loop_watch *telling;                   /* NULL: none, or it has been removed meanwhile */
};
struct loop_watches *loop_watches(struct loop *loop);
/* Tells some of them. False when there was none: else another turn must follow at once, for what was not told yet and for the tasks that have become ready. */
bool loop_watches_run(struct loop_watches *all);

#endif
