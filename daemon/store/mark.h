/*
 * The mark: a small file beside the database that says how much of the WAL is on the disk for certain. It is written after each fsync, through a mapping (no system
 * call), so it survives the end of the process; after a power cut it may be older than the truth, never newer. With it a damaged WAL can be told from
 * one whose last transaction was cut off before anybody was told of it.
 */
#ifndef BAKERY_STORE_MARK_H
#define BAKERY_STORE_MARK_H

#include <stdbool.h>
#include <stdint.h>

struct mark_slot;

struct mark {
	struct mark_slot *slots; /* mapped; NULL: none */
	uint64_t turn;
};

/* What it says: of the WAL with these salts, so many frames are on the disk. */
struct mark_value {
	unsigned char salts[8];
	uint32_t frames; /* 0: nothing is said */
};

/* Opens or makes the file. 0 or a negative errno value. */
int mark_open(struct mark *m, const char *path);
void mark_close(struct mark *m);

void mark_read(const struct mark *m, struct mark_value *out);
void mark_write(struct mark *m, const struct mark_value *value);
/* Says nothing any more, on the disk too: before a WAL is emptied or removed. 0 or a negative errno value. */
int mark_erase(struct mark *m);

#endif
