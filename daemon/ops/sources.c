#include "daemon/ops/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "proto/buf.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* As in the file: a header and behind it the path and the text, for each source. */
struct header {
	uint64_t path_len, len, included;
};

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int sources_to_memfd(const struct conf_sources *s, int *out_fd)
{
	struct buf b = {0};
	int r = 0;
	for (size_t i = 0; i < s->count && !r; i++) {
		const struct conf_source *c = &s->items[i];
		struct header h = {strlen(c->path), c->len, c->included};
		r = buf_append(&b, &h, sizeof h);
		if (!r)
			r = buf_append(&b, c->path, h.path_len);
		if (!r)
			r = buf_append(&b, c->bytes, c->len);
	}
	int fd = r ? -1 : memfd_create("bakery configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (!r && fd < 0)
		r = -errno;
	if (!r)
		r = write_all(fd, buf_bytes(&b), b.len);
	if (!r && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	/* It holds password hashes. */
	if (b.data)
		explicit_bzero(b.data, b.cap);
	buf_clear(&b);
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*out_fd = fd;
	return 0;
}

/* The next n bytes as a new text with a NUL; NULL when memory is refused. */
static char *take(const char **at, size_t n)
{
	char *text = malloc(n + 1);
	if (text) {
		memcpy(text, *at, n);
		text[n] = 0;
		*at += n;
	}
	return text;
}

static int parse(const char *at, const char *end, struct conf_sources *out)
{
	while (at < end) {
		struct header h;
		if ((size_t)(end - at) < sizeof h)
			return ERR_PROTOCOL;
		memcpy(&h, at, sizeof h);
		at += sizeof h;
		size_t left = (size_t)(end - at);
		if (h.path_len > left || h.len > left - h.path_len)
			return ERR_PROTOCOL;
		struct conf_source *items = realloc(out->items, (out->count + 1) * sizeof *items);
		if (!items)
			return -ENOMEM;
		out->items = items;
		struct conf_source *c = &items[out->count++];
		*c = (struct conf_source){.included = h.included, .len = h.len};
		c->path = take(&at, h.path_len);
		c->bytes = c->path ? take(&at, h.len) : NULL;
		if (!c->bytes)
			return -ENOMEM;
	}
	return 0;
}

int sources_from_memfd(int fd, struct conf_sources *out)
{
	struct stat st;
	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) < 0)
		return ERR_PROTOCOL;
	size_t len = (size_t)st.st_size;
	const char *bytes = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : "";
	if (bytes == MAP_FAILED)
		return -errno;
	struct conf_sources s = {0};
	int r = parse(bytes, bytes + len, &s);
	if (len)
		munmap((void *)bytes, len);
	if (r) {
		conf_sources_clear(&s);
		return r;
	}
	*out = s;
	return 0;
}
