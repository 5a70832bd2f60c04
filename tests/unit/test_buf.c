/* The byte buffer keeps what goes in, in order, through growing, moving and giving memory back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/buf.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

START_TEST (what_goes_in_comes_out) {
	struct buf b = {0};
	unsigned char next_in = 0, next_out = 0;
	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand() % 300;
		char *at = buf_reserve(&b, n);
		ck_assert_ptr_nonnull(at);
		for (size_t i = 0; i < n; i++)
			at[i] = (char)next_in++;
		buf_commit(&b, n);
		size_t out = (size_t)rand() % 310;
		if (out > b.len)
			out = b.len;
		size_t wrong = 0;
		for (size_t i = 0; i < out; i++)
			wrong += (unsigned char)buf_bytes(&b)[i] != next_out++;
		ck_assert_uint_eq(wrong, 0);
		buf_consume(&b, out);
		if (round % 100 == 0)
			buf_shrink(&b);
		ck_assert_uint_le(b.off + b.len, b.cap);
	}
	buf_clear(&b);
}
END_TEST

START_TEST (a_steady_stream_does_not_grow) {
	struct buf b = {0};
	char block[1000] = {0};
	for (int i = 0; i < 100000; i++) {
		if (buf_append(&b, block, sizeof block) < 0)
			ck_abort_msg("no memory");
		if (b.len > 3 * sizeof block)
			buf_consume(&b, sizeof block);
	}
	ck_assert_uint_le(b.cap, 16384);
	buf_clear(&b);
}
END_TEST

START_TEST (empty_ones_are_harmless) {
	struct buf b = {0};
	ck_assert_str_eq(buf_bytes(&b), "");
	ck_assert_int_eq(buf_append(&b, NULL, 0), 0);
	buf_consume(&b, 0);
	buf_shrink(&b);
	ck_assert_ptr_null(b.data);
	buf_clear(&b);
}
END_TEST

START_TEST (shrinking_gives_back) {
	struct buf b = {0};
	ck_assert_ptr_nonnull(buf_reserve(&b, 1 << 20));
	ck_assert_int_eq(buf_append_text(&b, "kept"), 0);
	buf_shrink(&b);
	ck_assert_uint_le(b.cap, 4096);
	ck_assert_mem_eq(buf_bytes(&b), "kept", 4);
	buf_consume(&b, 4);
	buf_shrink(&b);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.cap, 0);
}
END_TEST

START_TEST (prints_short_and_long) {
	struct buf b = {0};
	char text[1000];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(buf_printf(&b, "%d,", 42), 0);
	ck_assert_int_eq(buf_printf(&b, "%s", text), 0);
	ck_assert_uint_eq(b.len, 3 + 999);
	ck_assert_mem_eq(buf_bytes(&b), "42,xxx", 6);
	ck_assert_int_eq(buf_bytes(&b)[b.len - 1], 'x');
	buf_clear(&b);
}
END_TEST

START_TEST (refused_memory_changes_nothing) {
	struct buf b = {0};
	ck_assert_int_eq(buf_append_text(&b, "hello"), 0);
	char big[2000] = {0};
	for (int consumed = 0; consumed < 2; consumed++) {
		refuse_memory_after(0);
		int r = buf_append(&b, big, sizeof big);
		refuse_memory_never();
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
		ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX / 2));
		ck_assert_uint_eq(b.len, 5 - (size_t)consumed);
		ck_assert_mem_eq(buf_bytes(&b), "hello" + consumed, b.len);
		buf_consume(&b, 1);
	}
	buf_clear(&b);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("buf");
	tcase_add_test(t, what_goes_in_comes_out);
	tcase_add_test(t, a_steady_stream_does_not_grow);
	tcase_add_test(t, empty_ones_are_harmless);
	tcase_add_test(t, shrinking_gives_back);
	tcase_add_test(t, prints_short_and_long);
	tcase_add_test(t, refused_memory_changes_nothing);
	return unit_run();
}
