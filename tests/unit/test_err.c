/* Codes of both kinds have texts and names, all different. */
#include <limits.h>
#include <string.h>

#include "daemon/base/err.h"
#include "tests/unit/unit.h"

START_TEST (own_codes_have_their_names) {
	ck_assert_str_eq(err_name(ERR_KEYCONFLICT), "KEYCONFLICT");
	ck_assert_str_eq(err_text(ERR_PENDING), "no result yet");
	for (int a = ERR_FIRST + 1; a < ERR_LAST; a++) {
		ck_assert_str_ne(err_name(a), "UNKNOWN");
		for (int b = a + 1; b < ERR_LAST; b++)
			ck_assert_str_ne(err_name(a), err_name(b));
	}
}
END_TEST

START_TEST (errno_values_have_theirs) {
	ck_assert_str_eq(err_name(-ENOSPC), "ENOSPC");
	ck_assert_str_eq(err_text(-ENOSPC), "No space left on device");
	ck_assert_str_eq(err_name(ERR_TIMEOUT), "ETIMEDOUT");
	ck_assert_str_eq(err_name(ERR_CANCELLED), "ECANCELED");
	ck_assert_str_eq(err_name(0), "OK");
}
END_TEST

START_TEST (any_other_number_is_unknown) {
	static const int codes[] = {INT_MAX, 1, -3000, ERR_FIRST, ERR_LAST, INT_MIN + 1, INT_MIN};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		ck_assert_str_eq(err_name(codes[i]), "UNKNOWN");
		ck_assert_ptr_nonnull(err_text(codes[i]));
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("err");
	tcase_add_test(t, own_codes_have_their_names);
	tcase_add_test(t, errno_values_have_theirs);
	tcase_add_test(t, any_other_number_is_unknown);
	return unit_run();
}
