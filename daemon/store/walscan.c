#include "daemon/store/walscan.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"

enum { HEADER = 32, FRAME_HEADER = 24, FRAME = FRAME_HEADER + DB_PAGE_BYTES };

struct sums {
	uint32_t s0, s1;
};

struct wal {
	int fd;
	bool big_endian; /* of the words that are summed; the sums themselves always are */
	unsigned char salts[8];
	struct sums header;
	uint32_t frames;
	unsigned char *frame; /* one */
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t word(const struct wal *w, const unsigned char *p)
{
	uint32_t n;

	if (w->big_endian)
		return be32(p);
	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

static struct sums add(const struct wal *w, struct sums s, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		s.s0 += word(w, p + i) + s.s1;
		s.s1 += word(w, p + i + 4) + s.s0;
	}
	return s;
}

static bool same(struct sums s, const unsigned char *stored)
{
	return s.s0 == be32(stored) && s.s1 == be32(stored + 4);
}

/* Reads all of it: 1; 0 when the file ends before; or a negative errno value. */
static int read_all(int fd, unsigned char *p, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		p += n;
		len -= (size_t)n;
		at += n;
	}
	return 1;
}

int walscan_cut(const char *path, uint32_t frames)
{
	return truncate(path, HEADER + (off_t)frames * FRAME) < 0 ? -errno : 0;
}

int walscan_salts(int fd, unsigned char salts[static 8])
{
	int err = read_all(fd, salts, 8, 16);

	return err < 0 ? err : err == 0 ? -EIO : 0;
}

/* 1 when the header is good; 0 when there is no WAL to speak of. */
static int read_header(struct wal *w)
{
	unsigned char h[HEADER];
	int err = read_all(w->fd, h, sizeof h, 0);

	if (err <= 0)
		return err;
	if ((be32(h) & ~1u) != 0x377f0682 || be32(h + 8) != DB_PAGE_BYTES)
		return 0;
	w->big_endian = be32(h) & 1;
	w->header = add(w, (struct sums){0}, h, 24);
	memcpy(w->salts, h + 16, sizeof(w->salts));
	return same(w->header, h + 24);
}

struct frame {
	uint32_t page;
	bool commit, current, good;
	struct sums sums; /* as stored: what the next one goes on from */
};

/* Reads frame number n (from 1), summed from what the frame before it has stored. */
static int read_frame(struct wal *w, uint32_t n, struct sums from, struct frame *out)
{
	unsigned char *f = w->frame;
	int err = read_all(w->fd, f, FRAME, HEADER + (off_t)(n - 1) * FRAME);

	if (err <= 0)
		return err < 0 ? err : -EIO;
	struct sums sums = add(w, add(w, from, f, 8), f + FRAME_HEADER, DB_PAGE_BYTES);
	*out = (struct frame){
	    .page = be32(f),
	    .commit = be32(f + 4) != 0,
	    .current = memcmp(f + 8, w->salts, sizeof(w->salts)) == 0,
	    .sums = {be32(f + 16), be32(f + 20)},
	};
	out->good = out->current && same(sums, f + 16);
	return 0;
}

/*
 * A transaction writes its pages in ascending order, the last with a commit mark, and is on the disk before the next one begins. So what a crash cut off is
 * the rest of one transaction; anything else beyond the first bad frame proves that the bad one had been on the disk.
 */
static int look_beyond(
    struct wal *w, const struct walscan *s, uint32_t last_page, struct sums from, char why[static 256])
{
	bool committed = false;
	struct frame f;
	int err;

	for (uint32_t n = s->good + 1; n <= w->frames; n++, from = f.sums) {
		err = read_frame(w, n, from, &f);
		if (err < 0)
			return err;
		if (n == s->good + 1 || !f.good)
			continue;
		if (committed || f.page <= last_page) {
			snprintf(why, 256,
			    "its write-ahead log is damaged: frame %u of %u is bad, later commits are there",
			    s->good + 1, w->frames);
			return ERR_CORRUPT;
		}
		last_page = f.page;
		committed = f.commit;
	}
	return 0;
}

static int scan(struct wal *w, const struct mark_value *mark, struct walscan *out, char why[static 256])
{
	bool marked = mark->frames > 0 && memcmp(mark->salts, w->salts, sizeof(w->salts)) == 0;
	struct walscan s = {.frames = w->frames};
	struct sums from = w->header;
	uint32_t last_page = 0;
	struct frame f;
	int err;

	while (s.good < w->frames) {
		err = read_frame(w, s.good + 1, from, &f);
		if (err < 0)
			return err;
		if (!f.good)
			break;
		from = f.sums;
		last_page = f.commit ? 0 : f.page;
		s.good++;
		if (f.commit)
			s.committed = s.good;
	}
	if (marked && s.committed < mark->frames) {
		snprintf(why, 256,
		    "its write-ahead log is damaged: %u frames were on the disk, frame %u is bad or missing",
		    mark->frames, s.good + 1);
		return ERR_CORRUPT;
	}
	err = look_beyond(w, &s, last_page, from, why);
	if (err == 0)
		*out = s;
	return err;
}

static int scan_file(struct wal *w, const struct mark_value *mark, struct walscan *out, char why[static 256])
{
	struct stat st;
	int err;

	if (fstat(w->fd, &st) < 0)
		return -errno;
	err = read_header(w);
	if (err < 0)
		return err;
	if (err == 0) {
		*out = (struct walscan){0};
		if (mark->frames == 0)
			return 0;
		snprintf(why, 256,
		    "its write-ahead log is damaged or missing: %u frames of it were on the disk",
		    mark->frames);
		return ERR_CORRUPT;
	}
	w->frames = (uint32_t)((st.st_size - HEADER) / FRAME);
	w->frame = malloc(FRAME);
	if (!w->frame)
		return -ENOMEM;
	err = scan(w, mark, out, why);
	free(w->frame);
	return err;
}

int walscan(const char *path, const struct mark_value *mark, struct walscan *out, char why[static 256])
{
	struct wal w = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	int err;

	if (w.fd < 0 && errno != ENOENT)
		return -errno;
	if (w.fd < 0) {
		*out = (struct walscan){0};
		if (mark->frames == 0)
			return 0;
		snprintf(why, 256, "its write-ahead log is missing: %u frames of it were on the disk",
		    mark->frames);
		return ERR_CORRUPT;
	}
	err = scan_file(&w, mark, out, why);
	close(w.fd);
	return err;
}
