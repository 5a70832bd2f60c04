#include "daemon/store/events.h"

#include <stdbool.h>
#include <xxhash.h>

#include "daemon/base/err.h"

/* The most that one event can take: nine numbers of at most ten bytes. How many there are stands before the first, so that more can be added. */
enum { EVENT_NUMBERS = 9, EVENT_MAX_BYTES = EVENT_NUMBERS * 10 };

int64_t ids_checksum(const struct ids *ids)
{
	return (int64_t)XXH3_64bits(ids, sizeof(*ids));
}

uint64_t events_checksum(uint64_t seq, struct slice bytes)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.len, seq);
}

/* Seven bits a byte, lowest first (LEB128); negative numbers folded so that small ones stay short. */
static char *put(char *p, int64_t number)
{
	uint64_t n = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);

	while (n >= 0x80) {
		*p++ = (char)(n | 0x80);
		n >>= 7;
	}
	*p++ = (char)n;
	return p;
}

static bool get(const unsigned char **p, const unsigned char *end, int64_t *number)
{
	uint64_t n = 0;

	for (int shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned char byte = *(*p)++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*number = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
			return true;
		}
	}
	return false;
}

int events_pack(const struct store_event *events, size_t count, struct buf *out)
{
	int64_t id = 0, time_ms = 0;
	char *begin = buf_reserve(out, (count + 1) * EVENT_MAX_BYTES), *p = begin;

	if (!begin)
		return -ENOMEM;
	p = put(p, EVENT_NUMBERS);
	for (const struct store_event *e = events; e < events + count; e++) {
		p = put(p, (int64_t)((uint64_t)e->id - (uint64_t)id));
		p = put(p, e->time_ms - time_ms);
		p = put(p, e->state);
		p = put(p, e->cause);
		p = put(p, e->attempt);
		p = put(p, e->exit);
		p = put(p, e->signal);
		p = put(p, names_id(e->recipe));
		p = put(p, names_id(e->user));
		id = e->id;
		time_ms = e->time_ms;
	}
	buf_commit(out, (size_t)(p - begin));
	return 0;
}

int events_unpack(
    struct names *names, uint64_t seq, size_t count, struct slice bytes, struct store_event *events)
{
	const unsigned char *p = (const unsigned char *)bytes.data, *end = p + bytes.len;
	int64_t id = 0, time_ms = 0, numbers;

	if (!get(&p, end, &numbers) || numbers < EVENT_NUMBERS)
		return ERR_CORRUPT;
	for (size_t i = 0; i < count; i++) {
		int64_t n[EVENT_NUMBERS], beyond;

		for (int k = 0; k < numbers; k++) {
			if (!get(&p, end, k < EVENT_NUMBERS ? &n[k] : &beyond))
				return ERR_CORRUPT;
		}
		/* Without overflow, whatever the bytes are. */
		id = (int64_t)((uint64_t)id + (uint64_t)n[0]);
		time_ms = (int64_t)((uint64_t)time_ms + (uint64_t)n[1]);
		if (n[2] < 0 || n[2] >= ORDER_STATES || n[3] < 0 || n[3] >= ORDER_CAUSES)
			return ERR_CORRUPT;
		events[i] = (struct store_event){
		    .seq = seq + i,
		    .id = id,
		    .time_ms = time_ms,
		    .state = (enum order_state)n[2],
		    .cause = (enum order_cause)n[3],
		    .attempt = (int)n[4],
		    .exit = (int)n[5],
		    .signal = (int)n[6],
		    .recipe = names_text(names, n[7]),
		    .user = names_text(names, n[8]),
		};
		if (!events[i].recipe || !events[i].user)
			return ERR_CORRUPT;
	}
	return p == end ? 0 : ERR_CORRUPT;
}
