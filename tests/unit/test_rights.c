/* Rights: what is not on the list is refused; the wider of two rules holds; a rule that is none is named. */
#include <errno.h>

#include "daemon/session/rights.h"
#include "tests/unit/unit.h"

static struct rights parsed(const char *const *allow)
{
	struct rights r;
	const char *bad = NULL;
	ck_assert_int_eq(rights_parse(allow, &r, &bad), 0);
	return r;
}

START_TEST (nothing_without_rules) {
	struct rights r = parsed(NULL);
	for (int i = RIGHT_READ; i < RIGHTS; i++)
		ck_assert_int_eq(rights_reach(&r, i), REACH_NONE);
	ck_assert_int_eq(rights_reach(&r, RIGHT_ANY), REACH_ALL);
	ck_assert(!rights_may_order(&r, "cake"));
	rights_clear(&r);
}
END_TEST

START_TEST (orders_by_glob) {
	const char *allow[] = {"order cake", "order report-*", NULL};
	struct rights r = parsed(allow);
	ck_assert(rights_may_order(&r, "cake"));
	ck_assert(rights_may_order(&r, "report-daily"));
	ck_assert(!rights_may_order(&r, "cakes"));
	ck_assert(!rights_may_order(&r, "report"));
	ck_assert_int_eq(rights_reach(&r, RIGHT_ORDER), REACH_ALL);
	ck_assert_int_eq(rights_reach(&r, RIGHT_READ), REACH_NONE);
	rights_clear(&r);
}
END_TEST

START_TEST (own_and_all) {
	const char *allow[] = {"read all", "read own", "cancel own", "events own", "pause", NULL};
	struct rights r = parsed(allow);
	ck_assert_int_eq(rights_reach(&r, RIGHT_READ), REACH_ALL);
	ck_assert_int_eq(rights_reach(&r, RIGHT_CANCEL), REACH_OWN);
	ck_assert_int_eq(rights_reach(&r, RIGHT_EVENTS), REACH_OWN);
	ck_assert_int_eq(rights_reach(&r, RIGHT_PAUSE), REACH_ALL);
	ck_assert_int_eq(rights_reach(&r, RIGHT_RETRY), REACH_NONE);
	ck_assert(!rights_may_order(&r, "cake"));
	rights_clear(&r);
}
END_TEST

START_TEST (a_star_is_everything) {
	const char *allow[] = {"read own", "*", NULL};
	struct rights r = parsed(allow);
	for (int i = 0; i < RIGHTS; i++)
		ck_assert_int_eq(rights_reach(&r, i), REACH_ALL);
	ck_assert(rights_may_order(&r, "anything"));
	rights_clear(&r);
}
END_TEST

static const char *const no_rules[] = {
    "", "order", "order ", "read", "read some", "pause all", "bake", "readown", "orders x", "* *"};

START_TEST (names_what_is_no_rule) {
	const char *allow[] = {"order cake", no_rules[_i], NULL};
	struct rights r;
	const char *bad = NULL;
	ck_assert_int_eq(rights_parse(allow, &r, &bad), -EINVAL);
	ck_assert_ptr_eq(bad, no_rules[_i]);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("rights");
	tcase_add_test(t, nothing_without_rules);
	tcase_add_test(t, orders_by_glob);
	tcase_add_test(t, own_and_all);
	tcase_add_test(t, a_star_is_everything);
	tcase_add_loop_test(t, names_what_is_no_rule, 0, sizeof no_rules / sizeof *no_rules);
	return unit_run();
}
