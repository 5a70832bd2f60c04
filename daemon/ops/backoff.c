#include "daemon/ops/backoff.h"

#include "daemon/base/clock.h"
#include "daemon/base/rand.h"

enum { LIVED_MS = 10000, FIRST_MS = 50, MOST_MS = 10000, JITTER_PERCENT = 20 };

void backoff_started(struct backoff *b, int64_t now_ns)
{
	b->started_ns = now_ns;
}

int64_t backoff_ended(struct backoff *b, int64_t now_ns)
{
	b->ends_ns[b->ends++ % BACKOFF_LOOP_ENDS] = now_ns;
	if (now_ns - b->started_ns >= LIVED_MS * NS_PER_MS) {
		b->quick = 0;
		return now_ns;
	}
	int64_t ms = FIRST_MS;
	for (int i = 0; i < b->quick && ms < MOST_MS; i++)
		ms *= 2;
	if (ms > MOST_MS)
		ms = MOST_MS;
	b->quick++;
	/* Between 80 % and 120 %. */
	int64_t ns = ms * NS_PER_MS, spread = ns / 100 * JITTER_PERCENT;
	return now_ns + ns - spread + (int64_t)rand_below((uint64_t)(2 * spread + 1));
}

bool backoff_is_loop(const struct backoff *b, int64_t now_ns)
{
	if (b->ends < BACKOFF_LOOP_ENDS)
		return false;
	int64_t oldest_ns = b->ends_ns[b->ends % BACKOFF_LOOP_ENDS];
	return now_ns - oldest_ns < BACKOFF_LOOP_WINDOW_MS * NS_PER_MS;
}
