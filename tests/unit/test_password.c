/* Passwords and their hashes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/net/password.h"
#include "tests/unit/unit.h"

START_TEST (a_hash_knows_its_password) {
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	ck_assert_int_eq(password_hash("pa\0ss", 5, hash), 0);
	ck_assert_int_eq(password_hash("pa\0ss", 5, again), 0);
	ck_assert_int_eq(strncmp(hash, "scrypt$14$8$1$", 14), 0);
	ck_assert_str_ne(hash, again);
	ck_assert_int_eq(password_verify("pa\0ss", 5, hash), 1);
	ck_assert_int_eq(password_verify("pa\0sS", 5, hash), 0);
	ck_assert_int_eq(password_verify("pa", 2, hash), 0);
	ck_assert_int_eq(password_verify("", 0, hash), 0);
}
END_TEST

/* RFC 7914, section 12, the third: its first 32 bytes. */
START_TEST (the_vector_of_the_rfc) {
	static const char hash[] =
	    "scrypt$14$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";
	ck_assert_int_eq(password_verify("pleaseletmein", 13, hash), 1);
}
END_TEST

START_TEST (malformed_hashes_are_refused) {
	static const char *const bad[] = {"", "scrypt$", "scrypt$14$8$1$", "scrypt$14$8$1$AAAA",
	    "scrypt$14$8$1$AAAA$", "scrypt$14$8$1$AAAA$AAAA",
	    "scrypt$0$8$1$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$19$8$1$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$14$17$1$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$14$8$5$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$99999999999999$8$1$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$14$8$1$A*AA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "scrypt$14$8$1$AAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=",
	    "bcrypt$14$8$1$AAAA$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=", "…"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(password_verify("x", 1, bad[i]), -EINVAL);
	char long_one[400] = "scrypt$14$8$1$";
	memset(long_one + 14, 'A', 300);
	ck_assert_int_eq(password_verify("x", 1, long_one), -EINVAL);
}
END_TEST

START_TEST (a_costly_hash_is_not_too_much_for_the_library) {
	/* OpenSSL's own limit of 32 MiB is passed at 2^15; what it is compared with is not its hash. */
	static const char hash[] =
	    "scrypt$15$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI=";
	ck_assert_int_eq(password_verify("pleaseletmein", 13, hash), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("password");
	tcase_add_test(t, a_hash_knows_its_password);
	tcase_add_test(t, the_vector_of_the_rfc);
	tcase_add_test(t, malformed_hashes_are_refused);
	tcase_add_test(t, a_costly_hash_is_not_too_much_for_the_library);
	return unit_run();
}
