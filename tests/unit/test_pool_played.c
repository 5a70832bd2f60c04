/* Pools of workers that the test plays, where the order of things matters. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/unit.h"

START_TEST (settled_without_any_worker) {
	set_up();
	pools_announced(pools);
	ck_assert_int_eq(settled, 0); /* never inside the call */
	run_until(is_settled);
	ck_assert_int_eq(settled, 1);
	take_down();
}
END_TEST

START_TEST (a_worker_is_lost_when_it_is_reaped_and_read_to_its_end) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	/* The end of its socket alone says nothing. */
	channel_clear(&played);
	turn();
	ck_assert(!first_ended());
	ck_assert_int_eq(start_job(1, "true"), -EAGAIN);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(first_ended);
	expect_lost(0);
	take_down();
}
END_TEST

START_TEST (one_that_says_nothing_is_broken_after_a_while) {
	clock_test_advance(0, 0);
	set_up();
	play(false);
	pools_announced(pools);
	clock_test_advance(29 * NS_PER_S, 0);
	turn();
	ck_assert_int_eq(broken, 0);
	clock_test_advance(2 * NS_PER_S, 0);
	run_until(is_broken);
	ck_assert_int_eq(broken_pid, 4711);
	ck_assert(!is_settled());
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(is_settled);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (one_that_has_answered_may_be_silent) {
	clock_test_advance(0, 0);
	set_up();
	play(false);
	pools_announced(pools);
	play_claim(0, 0);
	run_until(is_settled);
	clock_test_advance(60 * NS_PER_S, 0);
	turn();
	ck_assert_int_eq(broken, 0);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (reaped_first_read_to_its_end_later) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	pools_worker_ended(pools, "ovens", 1, 4711, 0);
	turn();
	ck_assert(!first_ended());
	channel_clear(&played);
	run_until(first_ended);
	expect_lost(0);
	take_down();
}
END_TEST

START_TEST (what_it_said_before_it_died_counts) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "true"), 0);
	play_ended(100, "in time");
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(first_ended);
	expect_result(0, "in time");
	job_run_release(&runs[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

START_TEST (an_old_worker_that_ends_without_a_word_settles) {
	set_up();
	play(false);
	pools_announced(pools);
	turn();
	ck_assert_int_eq(settled, 0);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	run_until(is_settled);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

START_TEST (it_has_answered_when_all_that_it_holds_is_here) {
	set_up();
	play(false);
	pools_announced(pools);
	play_claim(100, 2);
	play_ended(101, "first");
	run_until(two_claims);
	turn();
	ck_assert_int_eq(settled, 0);
	play_ended(102, "second");
	run_until(is_settled);
	ck_assert_int_eq(claims, 3);
	ck_assert(!claim[0].ended && claim[1].ended && claim[2].ended);
	ck_assert_int_eq(pool_busy_count(ovens), 1);
	ck_assert_int_eq(job_run_adopt(claimed[2], &claim[2], &runs[2]), 0);
	expect_result(2, "second");
	job_discard(claimed[1], &claim[1]);
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(!first_ended());
	play_ended(100, "third");
	run_until(one_idle);
	expect_result(0, "third");
	job_run_release(&runs[0]);
	job_run_release(&runs[2]);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (a_claim_is_answered_after_its_worker_has_died) {
	set_up();
	play(false);
	play_claim(100, 0);
	pools_announced(pools);
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	turn();
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(first_ended());
	expect_lost(0);

	pools_free(pools);
	start_front();
	play(false);
	play_claim(0, 1);
	play_ended(100, "kept");
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert(first_ended());
	expect_result(0, "kept");
	job_run_release(&runs[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);

	pools_free(pools);
	start_front();
	play(false);
	play_claim(100, 0);
	run_until(is_claimed);
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	job_discard(claimed[0], &claim[0]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	take_down();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("played");
	tcase_add_test(t, settled_without_any_worker);
	tcase_add_test(t, a_worker_is_lost_when_it_is_reaped_and_read_to_its_end);
	tcase_add_test(t, one_that_says_nothing_is_broken_after_a_while);
	tcase_add_test(t, one_that_has_answered_may_be_silent);
	tcase_add_test(t, reaped_first_read_to_its_end_later);
	tcase_add_test(t, what_it_said_before_it_died_counts);
	tcase_add_test(t, an_old_worker_that_ends_without_a_word_settles);
	tcase_add_test(t, it_has_answered_when_all_that_it_holds_is_here);
	tcase_add_test(t, a_claim_is_answered_after_its_worker_has_died);
	return unit_run();
}
