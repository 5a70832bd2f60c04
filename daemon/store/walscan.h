/*
 * Our own look at the write-ahead log, before SQLite opens it: SQLite takes the first frame with a wrong checksum for the end, so that one flipped bit would silently
 * take back every later commit. Frame format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
#ifndef BAKERY_STORE_WALSCAN_H
#define BAKERY_STORE_WALSCAN_H

#include <stdint.h>

#include "daemon/store/mark.h"

struct walscan {
	uint32_t frames;    /* in the file */
	uint32_t good;      /* from the beginning, without a break */
	uint32_t committed; /* of these, up to the last commit */
};

/*
 * Reads the WAL at path. 0 with *out; ERR_CORRUPT when commits that were on the disk are damaged or missing: frames that the mark vouches for, or good frames
 * beyond the first bad one that cannot belong to the one transaction that a crash may cut off; or a negative errno value. No file is fine when the mark says nothing.
 */
int walscan(const char *path, const struct mark_value *mark, struct walscan *out, char why[static 256]);

/* Cuts off what lies behind so many frames: what walscan() found to be uncommitted. 0 or a negative errno value. */
int walscan_cut(const char *path, uint32_t frames);

/* The salts in the header of an open WAL. 0 or a negative errno value. */
int walscan_salts(int fd, unsigned char salts[static 8]);

#endif
