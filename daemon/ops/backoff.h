/*
 * How long to wait before something that ended is started again: not at all when it had lived, else twice as long each time, with jitter so that many do not
 * come back at once. And when to give up.
 */
#ifndef BAKERY_OPS_BACKOFF_H
#define BAKERY_OPS_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* Ends within this window that are a crash loop. */
enum { BACKOFF_LOOP_ENDS = 5, BACKOFF_LOOP_WINDOW_MS = 60000 };

struct backoff {
	int64_t started_ns;
	int quick;                          /* ends in a row soon after the start */
	int64_t ends_ns[BACKOFF_LOOP_ENDS]; /* the last ones, a ring */
	unsigned ends;
};

/* It was started. */
void backoff_started(struct backoff *b, int64_t now_ns);
/* It ended: when to start it again. */
int64_t backoff_ended(struct backoff *b, int64_t now_ns);
/* After backoff_ended(): it has ended too often in too short a time. */
bool backoff_is_loop(const struct backoff *b, int64_t now_ns);

#endif
