/*
 * The ordered set: a sorted array of pointers whose beginning moves, and a hash by id for those that are cancelled.
 */
#include "daemon/sched/heads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define uthash_nonfatal_oom(entry) ((entry)->head = NULL)
#include <uthash.h>

struct heads_entry {
	struct store_head *head; /* NULL for a moment: the hash had no memory for it */
	int64_t id;
	UT_hash_handle hh;
};

enum { CAPACITY_FIRST = 16 };

void heads_init(struct heads *h, size_t max_count, size_t max_bytes)
{
	*h = (struct heads){.max_count = max_count, .max_bytes = max_bytes, .end = PLACE_LAST};
}

static size_t head_bytes(const struct store_head *head)
{
	return sizeof(struct heads_entry) + sizeof(*head) + head->payload_len * head->has_payload;
}

/* The index, from the first, of the first entry that does not come before p. */
static size_t search(const struct heads *h, struct place p)
{
	size_t low = 0, high = h->count;

	/* Most orders are the newest of their line. */
	if (h->count > 0 && place_before(place_of(h->line[h->first + h->count - 1]->head), p))
		return h->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (place_before(place_of(h->line[h->first + middle]->head), p))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct store_head *remove_at(struct heads *h, size_t index)
{
	struct heads_entry *entry = h->line[h->first + index];
	struct store_head *head = entry->head;

	if (index == 0) {
		h->first++;
	} else {
		memmove(&h->line[h->first + index], &h->line[h->first + index + 1],
		    (h->count - index - 1) * sizeof(h->line[0]));
	}
	h->count--;
	if (h->count == 0)
		h->first = 0;
	h->bytes -= head_bytes(head);
	HASH_DEL(h->by_id, entry);
	free(entry);
	return head;
}

void heads_clear(struct heads *h)
{
	while (h->count > 0)
		store_head_free(remove_at(h, h->count - 1));
	free(h->line);
	heads_init(h, h->max_count, h->max_bytes);
}

/* Room at the end of the array for one more. */
static bool make_room(struct heads *h)
{
	struct heads_entry **line;
	size_t capacity;

	if (h->first + h->count < h->capacity)
		return true;
	if (h->first > 0 && h->first >= h->capacity / 2) {
		memmove(h->line, h->line + h->first, h->count * sizeof(h->line[0]));
		h->first = 0;
		return true;
	}
	capacity = h->capacity ? h->capacity * 2 : CAPACITY_FIRST;
	line = realloc(h->line, capacity * sizeof(h->line[0]));
	if (!line)
		return false;
	h->line = line;
	h->capacity = capacity;
	return true;
}

/* Nothing at or beyond p is held any more. */
static void cut(struct heads *h, struct place p)
{
	while (h->count > 0 && !place_before(place_of(h->line[h->first + h->count - 1]->head), p))
		store_head_free(remove_at(h, h->count - 1));
	if (place_before(p, h->end))
		h->end = p;
}

static void drop(struct heads *h, struct store_head *head)
{
	cut(h, place_of(head));
	store_head_free(head);
}

void heads_put(struct heads *h, struct store_head *head)
{
	struct place p = place_of(head);
	struct heads_entry *entry;
	size_t index;

	store_head_free(heads_take(h, head->id));
	if (!place_before(p, h->end)) {
		store_head_free(head);
		return;
	}
	entry = make_room(h) ? malloc(sizeof(*entry)) : NULL;
	if (!entry) {
		drop(h, head);
		return;
	}
	entry->head = head;
	entry->id = head->id;
	HASH_ADD(hh, h->by_id, id, sizeof(entry->id), entry);
	if (!entry->head) {
		free(entry);
		drop(h, head);
		return;
	}
	index = search(h, p);
	memmove(&h->line[h->first + index + 1], &h->line[h->first + index],
	    (h->count - index) * sizeof(h->line[0]));
	h->line[h->first + index] = entry;
	h->count++;
	h->bytes += head_bytes(head);
	/* One order is held however large it is: a line that could hold none would never move. */
	while (h->count > h->max_count || (h->bytes > h->max_bytes && h->count > 1))
		cut(h, place_of(h->line[h->first + h->count - 1]->head));
}

struct store_head *heads_first(const struct heads *h)
{
	return h->count > 0 ? h->line[h->first]->head : NULL;
}

struct store_head *heads_take_first(struct heads *h)
{
	return h->count > 0 ? remove_at(h, 0) : NULL;
}

struct store_head *heads_take(struct heads *h, int64_t id)
{
	struct heads_entry *entry;
	size_t index;

	HASH_FIND(hh, h->by_id, &id, sizeof(id), entry);
	if (!entry)
		return NULL;
	index = search(h, place_of(entry->head));
	assert(h->line[h->first + index] == entry);
	return remove_at(h, index);
}

void heads_set_end(struct heads *h, struct place p)
{
	cut(h, p);
	h->end = p;
}
