/*
 * A unit test program: a check(3) suite whose cases are reported in TAP, so that `make check` counts each of them.
 *
 *     int main(void)
 *     {
 *             TCase *t = unit_case("buf");
 *             tcase_add_test(t, appends);
 *             return unit_run();
 *     }
 *
 * CK_FORK=no runs all cases in one process, for a debugger; CK_RUN_CASE=NAME runs one.
 */
#ifndef BAKERY_TESTS_UNIT_UNIT_H
#define BAKERY_TESTS_UNIT_UNIT_H

#include <check.h>

/* A new, empty case of this program's suite. Its time limit is a minute: a hang, not a measurement. */
TCase *unit_case(const char *name);
/* Runs all. The program's exit status. */
int unit_run(void);

/* A new private directory below $TMPDIR, removed with all in it when the program ends, however the test did. Owned by the library. */
const char *unit_dir(void);

#endif
