/*
 * Changes of state: how those of one commit are packed into a row of the table `events`, and the row that says where ids and sequence numbers go on.
 * Packed, an event takes 10 to 16 bytes: the log costs a life little more than its bytes.
 */
#ifndef BAKERY_STORE_EVENTS_H
#define BAKERY_STORE_EVENTS_H

#include <stdint.h>

#include "daemon/store/names.h"
#include "daemon/store/store.h"
#include "proto/buf.h"

/* The row of the table `ids`. */
struct ids {
	int64_t created_ms, first_id, next_id, next_seq;
};
int64_t ids_checksum(const struct ids *ids);

/* Appends count events, whose sequence numbers follow each other, to out. All names must have numbers. 0 or -ENOMEM. */
int events_pack(const struct store_event *events, size_t count, struct buf *out);

/* Reads them back; the first has this seq. 0, or ERR_CORRUPT when the bytes are not exactly count events. Heads are NULL. */
int events_unpack(
    struct names *names, uint64_t seq, size_t count, struct slice bytes, struct store_event *events);

uint64_t events_checksum(uint64_t seq, struct slice bytes);

#endif
