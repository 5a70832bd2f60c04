/* Addresses as text, and where a person's socket is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/address.h"
#include "tests/unit/unit.h"

START_TEST (texts_are_read_and_written_the_same) {
	static const char *const good[] = {"unix:/run/bakery/bakery.sock", "127.0.0.1:2253", "localhost:0",
	    "[::1]:65535", "tls:bakery.example:2254", "tls:[2001:db8::1]:2254"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct address a;
		const char *why;
		char text[300];
		ck_assert_int_eq(address_parse(good[i], &a, &why), 0);
		ck_assert_str_eq(address_format(&a, text), good[i]);
	}
}
END_TEST

START_TEST (a_bare_path_is_a_socket) {
	struct address a;
	const char *why;
	ck_assert_int_eq(address_parse("/tmp/s", &a, &why), 0);
	ck_assert_int_eq(a.kind, ADDRESS_UNIX);
	ck_assert_str_eq(a.path, "/tmp/s");
}
END_TEST

START_TEST (the_rest_is_refused_with_a_reason) {
	char longest[200] = "unix:/", host[400] = "";
	memset(longest + 6, 'x', 107);
	memset(host, 'h', 300);
	strcpy(host + 300, ":1");
	const char *const bad[] = {"", "unix:relative", "host", "host:", ":1", "host:65536", "host:-1",
	    "host:1x", "::1:2253", "[::1]", "[::1:2", longest, host};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct address a = {.port = 7};
		const char *why = NULL;
		ck_assert_int_eq(address_parse(bad[i], &a, &why), -EINVAL);
		ck_assert_ptr_nonnull(why);
		ck_assert_int_eq(a.port, 7);
	}
}
END_TEST

START_TEST (a_person_s_socket_is_in_the_runtime_directory) {
	char path[108], want[300], folder[300];
	struct stat st;
	setenv("XDG_RUNTIME_DIR", unit_dir(), 1);
	snprintf(want, sizeof want, "%s/bakery/bakery.sock", unit_dir());
	snprintf(folder, sizeof folder, "%s/bakery", unit_dir());
	ck_assert_int_eq(address_person_socket(0, path), 0);
	ck_assert_str_eq(path, want);
	ck_assert_int_ne(stat(folder, &st), 0);
	ck_assert_int_eq(address_person_socket(1, path), 0);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
}
END_TEST

START_TEST (a_runtime_directory_may_be_too_long) {
	char path[108], long_dir[200] = "/";
	memset(long_dir + 1, 'x', 150);
	setenv("XDG_RUNTIME_DIR", long_dir, 1);
	ck_assert_int_eq(address_person_socket(0, path), -ENAMETOOLONG);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("address");
	tcase_add_test(t, texts_are_read_and_written_the_same);
	tcase_add_test(t, a_bare_path_is_a_socket);
	tcase_add_test(t, the_rest_is_refused_with_a_reason);
	tcase_add_test(t, a_person_s_socket_is_in_the_runtime_directory);
	tcase_add_test(t, a_runtime_directory_may_be_too_long);
	return unit_run();
}
