/* Failpoints: at the n-th passing, or at all; and a list that is wrong is refused. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "daemon/base/failpoint.h"
#include "tests/unit/unit.h"

static int arm(const char *list)
{
	const char *why = NULL;
	setenv("BAKERY_FAIL", list, 1);
	int r = failpoint_init(&why);
	ck_assert(r == 0 || why != NULL);
	return r;
}

START_TEST (nothing_happens_unless_armed) {
	unsetenv("BAKERY_FAIL");
	const char *why;
	ck_assert_int_eq(failpoint_init(&why), 0);
	ck_assert_int_eq(failpoint("store.before_commit"), 0);
	ck_assert_int_eq(arm(""), 0);
	ck_assert_int_eq(failpoint_armed, 0);
}
END_TEST

START_TEST (the_nth_passing_of_this_name_fails) {
	ck_assert_int_eq(arm("a:3:ENOSPC,b:0:EAGAIN"), 0);
	ck_assert_int_eq(failpoint("a"), 0);
	ck_assert_int_eq(failpoint("b"), -EAGAIN);
	ck_assert_int_eq(failpoint("c"), 0);
	ck_assert_int_eq(failpoint("a"), 0);
	ck_assert_int_eq(failpoint("a"), -ENOSPC);
	ck_assert_int_eq(failpoint("a"), 0);
	ck_assert_int_eq(failpoint("b"), -EAGAIN);
}
END_TEST

START_TEST (every_entry_counts_every_passing) {
	ck_assert_int_eq(arm("a:1:EIO,a:2:ENOSPC,a:4:EAGAIN"), 0);
	ck_assert_int_eq(failpoint("a"), -EIO);
	ck_assert_int_eq(failpoint("a"), -ENOSPC);
	ck_assert_int_eq(failpoint("a"), 0);
	ck_assert_int_eq(failpoint("a"), -EAGAIN);
}
END_TEST

START_TEST (kill_kills) {
	ck_assert_int_eq(arm("end:1:kill"), 0);
	failpoint("end");
}
END_TEST

START_TEST (exit_ends) {
	ck_assert_int_eq(arm("end:1:exit"), 0);
	failpoint("end");
}
END_TEST

START_TEST (what_is_wrong_is_refused) {
	static const char *const lists[] = {
	    "a", "a:1", ":1:kill", "a:x:kill", "a::kill", "a:1:", "a:1:explode", "a:1:kill,", "a:1:kill,b"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		ck_assert_msg(arm(lists[i]) == -EINVAL, "%s", lists[i]);
		ck_assert_int_eq(failpoint_armed, 0);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("failpoint");
	tcase_add_test(t, nothing_happens_unless_armed);
	tcase_add_test(t, the_nth_passing_of_this_name_fails);
	tcase_add_test(t, every_entry_counts_every_passing);
	tcase_add_test_raise_signal(t, kill_kills, SIGKILL);
	tcase_add_exit_test(t, exit_ends, 99);
	tcase_add_test(t, what_is_wrong_is_refused);
	return unit_run();
}
