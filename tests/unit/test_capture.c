#include "daemon/worker/capture.h"

#include <string.h>

#include "tests/unit/unit.h"

START_TEST (head_keeps_the_first_bytes_and_counts_all) {
	struct head_capture c = {.max = 10};
	ck_assert_int_eq(head_capture_add(&c, "01234567", 8), 0);
	ck_assert_uint_eq(c.kept.len, 8);
	ck_assert_int_eq(head_capture_add(&c, "89abc", 5), 0);
	ck_assert_int_eq(head_capture_add(&c, "def", 3), 0);
	ck_assert_uint_eq(c.total, 16);
	ck_assert_uint_eq(c.kept.len, 10);
	ck_assert_mem_eq(buf_bytes(&c.kept), "0123456789", 10);
	buf_clear(&c.kept);
}
END_TEST

START_TEST (head_of_nothing) {
	struct head_capture c = {.max = 0};
	ck_assert_int_eq(head_capture_add(&c, "x", 1), 0);
	ck_assert_uint_eq(c.total, 1);
	ck_assert_uint_eq(c.kept.len, 0);
	buf_clear(&c.kept);
}
END_TEST

/* Whatever the pieces, the tail is that of the whole. */
START_TEST (tail_keeps_the_last_bytes_for_every_size_of_pieces) {
	enum { ALL = 5 * ORDER_MESSAGE_MAX + 123 };
	static char all[ALL];
	for (int i = 0; i < ALL; i++)
		all[i] = (char)(i * 31 + i / 251);
	static const size_t pieces[] = {
	    1, 7, 100, ORDER_MESSAGE_MAX - 1, ORDER_MESSAGE_MAX, ORDER_MESSAGE_MAX + 1, ALL};
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		struct tail_capture c = {0};
		for (size_t at = 0; at < ALL; at += pieces[p]) {
			size_t n = ALL - at < pieces[p] ? ALL - at : pieces[p];
			tail_capture_add(&c, all + at, n);
			size_t seen = at + n, expected = seen < ORDER_MESSAGE_MAX ? seen : ORDER_MESSAGE_MAX;
			struct slice s = tail_capture_get(&c);
			ck_assert_uint_eq(s.len, expected);
			ck_assert_mem_eq(s.data, all + seen - expected, expected);
		}
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("capture");
	tcase_add_test(t, head_keeps_the_first_bytes_and_counts_all);
	tcase_add_test(t, head_of_nothing);
	tcase_add_test(t, tail_keeps_the_last_bytes_for_every_size_of_pieces);
	return unit_run();
}
