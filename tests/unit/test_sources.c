#include "daemon/ops/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char[]){s})

START_TEST (texts_come_out_as_they_went_in) {
	struct conf_source items[] = {
	    {.path = TEXT("/etc/bakery/bakery.yaml"), .bytes = TEXT("a: 1\n"), .len = 5},
	    {.path = TEXT("more.yaml"), .bytes = TEXT("\0\xff"), .len = 2, .included = true},
	    {.path = TEXT(""), .bytes = TEXT(""), .len = 0}};
	const struct conf_sources in = {items, 3};
	struct conf_sources out;
	int fd;
	ck_assert_int_eq(sources_to_memfd(&in, &fd), 0);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(sources_from_memfd(fd, &out), 0);
		ck_assert_uint_eq(out.count, 3);
		for (size_t i = 0; i < 3; i++) {
			ck_assert_str_eq(out.items[i].path, items[i].path);
			ck_assert_uint_eq(out.items[i].len, items[i].len);
			ck_assert_mem_eq(out.items[i].bytes, items[i].bytes, items[i].len);
			ck_assert_int_eq(out.items[i].included, items[i].included);
		}
		conf_sources_clear(&out);
	}
	/* Nobody can change it any more. */
	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	close(fd);
}
END_TEST

START_TEST (no_texts_at_all) {
	const struct conf_sources in = {0};
	struct conf_sources out;
	int fd;
	ck_assert_int_eq(sources_to_memfd(&in, &fd), 0);
	ck_assert_int_eq(sources_from_memfd(fd, &out), 0);
	ck_assert_uint_eq(out.count, 0);
	conf_sources_clear(&out);
	close(fd);
}
END_TEST

static int read_bytes(const void *bytes, size_t len, bool sealed)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	if (sealed)
		ck_assert_int_eq(
		    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	struct conf_sources out = {0};
	int r = sources_from_memfd(fd, &out);
	if (r == 0)
		conf_sources_clear(&out);
	close(fd);
	return r;
}

START_TEST (what_is_not_whole_or_not_sealed_is_refused) {
	const uint64_t header[] = {1, 2, 0};
	char good[27];
	memcpy(good, header, sizeof header);
	memcpy(good + sizeof header, "pab", 3);
	ck_assert_int_eq(read_bytes(good, sizeof good, true), 0);
	ck_assert_int_eq(read_bytes(good, sizeof good, false), ERR_PROTOCOL);
	for (size_t len = 1; len < sizeof good; len++)
		ck_assert_int_eq(read_bytes(good, len, true), ERR_PROTOCOL);
	const uint64_t hostile[][3] = {
	    {UINT64_MAX, 1, 0}, {1, UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX, 0}, {0, 4, 0}};
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		memcpy(good, hostile[i], sizeof hostile[i]);
		ck_assert_int_eq(read_bytes(good, sizeof good, true), ERR_PROTOCOL);
	}
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct conf_sources out;
	ck_assert_int_eq(sources_from_memfd(null, &out), ERR_PROTOCOL);
	close(null);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("sources");
	tcase_add_test(t, texts_come_out_as_they_went_in);
	tcase_add_test(t, no_texts_at_all);
	tcase_add_test(t, what_is_not_whole_or_not_sealed_is_refused);
	return unit_run();
}
