#include "daemon/store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* Two slots, written in turn: a process that dies while it writes one leaves the other. */
struct mark_slot {
	uint64_t turn;
	struct mark_value value;
	uint64_t sum;
};

enum { SLOTS = 2, FILE_BYTES = SLOTS * sizeof(struct mark_slot) };

static uint64_t checksum(const struct mark_slot *slot)
{
	return XXH3_64bits_withSeed(&slot->value, sizeof(slot->value), slot->turn);
}

static int map(struct mark *m, int fd)
{
	void *at;

	if (ftruncate(fd, FILE_BYTES) < 0)
		return -errno;
	at = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	/* A full disk must be noticed here, not by SIGBUS at the first store into a hole. */
	int err = posix_fallocate(fd, 0, FILE_BYTES);
	if (err != 0) {
		munmap(at, FILE_BYTES);
		return -err;
	}
	m->slots = at;
	return 0;
}

int mark_open(struct mark *m, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	*m = (struct mark){0};
	if (fd < 0)
		return -errno;
	err = map(m, fd);
	close(fd);
	return err;
}

void mark_close(struct mark *m)
{
	if (m->slots)
		munmap(m->slots, FILE_BYTES);
	m->slots = NULL;
}

void mark_read(const struct mark *m, struct mark_value *out)
{
	uint64_t turn = 0;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < SLOTS; i++) {
		const struct mark_slot *slot = &m->slots[i];

		if (slot->turn > turn && slot->sum == checksum(slot)) {
			turn = slot->turn;
			*out = slot->value;
		}
	}
}

void mark_write(struct mark *m, const struct mark_value *value)
{
	for (int i = 0; m->turn == 0 && i < SLOTS; i++) {
		if (m->slots[i].sum == checksum(&m->slots[i]) && m->slots[i].turn > m->turn)
			m->turn = m->slots[i].turn;
	}
	struct mark_slot *slot = &m->slots[++m->turn % SLOTS];
	slot->turn = m->turn;
	slot->value = *value;
	slot->sum = checksum(slot);
}

int mark_erase(struct mark *m)
{
	mark_write(m, &(struct mark_value){0});
	return msync(m->slots, FILE_BYTES, MS_SYNC) < 0 ? -errno : 0;
}
