/*
 * The fuzz targets without a fuzzer: runs a target over its corpus, over every prefix of each input and over some thousand small changes of it, always
 * the same ones. Reports in TAP, one case for each input of the corpus. A failure is a crash (or a sanitizer's complaint) of this program.
 *
 * The corpus of fuzz-NAME is tests/fuzz/corpus/NAME below $top_srcdir; files named as arguments are run as they are, without changes.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES = 2000, LONGEST_FOR_PREFIXES = 4096 };

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64 (Marsaglia 2003). */
static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A copy of exactly this size, so that a sanitizer sees a read beyond the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static size_t change(uint8_t *data, size_t size, size_t room)
{
	static const char *const words[] = {
	    "\r\n", "-1", "0", "99999999999999999999", "2147483648", "$", "*", "{", "\"", "\0", "\xff", ": "};
	for (unsigned n = 1 + (unsigned)(next() % 4); n > 0; n--) {
		size_t at = size ? next() % size : 0;
		switch (next() % 4) {
		case 0:
			if (size)
				data[at] ^= (uint8_t)(1u << (next() % 8));
			break;
		case 1:
			if (size) {
				memmove(data + at, data + at + 1, size - at - 1);
				size--;
			}
			break;
		case 2:
			if (size < room) {
				memmove(data + at + 1, data + at, size - at);
				data[at] = (uint8_t)next();
				size++;
			}
			break;
		default: {
			const char *w = words[next() % (sizeof words / sizeof *words)];
			size_t len = *w ? strlen(w) : 1;
			if (size + len <= room) {
				memmove(data + at + len, data + at, size - at);
				memcpy(data + at, w, len);
				size += len;
			}
		}
		}
	}
	return size;
}

static uint8_t *read_whole(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	long len = ftell(f);
	rewind(f);
	uint8_t *data = malloc((size_t)len + 1);
	if (!data || fread(data, 1, (size_t)len, f) != (size_t)len) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	*size = (size_t)len;
	return data;
}

static void run_with_changes(const uint8_t *data, size_t size)
{
	run(data, size);
	for (size_t n = 0; n < size && size <= LONGEST_FOR_PREFIXES; n++)
		run(data, n);
	size_t room = size + 128;
	uint8_t *work = malloc(room);
	if (!work)
		abort();
	for (int i = 0; i < CHANGES; i++) {
		memcpy(work, data, size);
		run(work, change(work, size, room));
	}
	free(work);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			size_t size;
			uint8_t *data = read_whole(argv[i], &size);
			run(data, size);
			free(data);
		}
		return EXIT_SUCCESS;
	}
	const char *top = getenv("top_srcdir"), *name = strrchr(argv[0], '-');
	char path[4096];
	if (!name || snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", top ? top : ".", name + 1) >=
			 (int)sizeof path)
		return EXIT_FAILURE;
	struct dirent **entries;
	int count = scandir(path, &entries, visible, alphasort);
	if (count <= 0) {
		fprintf(stderr, "%s: no corpus\n", path);
		return EXIT_FAILURE;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char file[8192];
		snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
		size_t size;
		uint8_t *data = read_whole(file, &size);
		run_with_changes(data, size);
		free(data);
		printf("ok %d - %s\n", i + 1, entries[i]->d_name);
		fflush(stdout);
		free(entries[i]);
	}
	free(entries);
	return EXIT_SUCCESS;
}
