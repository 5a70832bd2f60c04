/* Pools of workers that the test plays, where the order of things matters. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/refuse.h"
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

static struct channel played;

static void play(bool fresh)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&played, fds[0]), 0);
	ck_assert_int_eq(pools_add_worker(pools, "ovens", 1, 4711, fds[1], fresh), 0);
}

/* held: how many outcomes it will send. */
static void play_claim(int64_t order, int held)
{
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_CLAIM);
	message_add_int(&w, IPC_VERSION);
	message_add_int(&w, order != 0);
	if (order)
		message_add_job(&w, &(struct job_name){order, 1, 0, 0});
	message_add_int(&w, held);
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

static void play_ended(int64_t order, const char *result)
{
	static const int64_t numbers[] = {CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4};
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_JOB_ENDED);
	message_add_job(&w, &(struct job_name){order, 1, 0, 0});
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		message_add_int(&w, numbers[i]);
	message_add_int(&w, (int64_t)strlen(result));
	message_add_text(&w, result);
	message_add_text(&w, "");
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

static void expect_lost(int i)
{
	ck_assert_int_eq(runs[i].outcome.cause, CAUSE_WORKER_LOST);
	ck_assert_ptr_null(runs[i].worker);
	ck_assert_uint_gt(runs[i].outcome.message_len, 0);
	job_run_release(&runs[i]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	struct pool_stats s;
	pool_stats_get(ovens, &s);
	ck_assert_uint_eq(s.lost, 1);
}

/* One turn of the loop and what it brings: something that is due now has happened when a later timer has. */
static void on_turn(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

static void turn(void)
{
	for (int i = 0; i < 3; i++) {
		struct loop_timer t = {0};
		ck_assert_int_eq(loop_timer_set(loop, &t, 0, on_turn), 0);
		ck_assert_int_eq(loop_run(loop), 0);
	}
}

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

static void garbage(void)
{
	ck_assert_int_eq(write(played.fd, "\377\377\377\377\377\377\377\377", 8), 8);
}

static void second_claim(void)
{
	play_claim(0, 0);
}

static void result_of_another(void)
{
	play_ended(999, "x");
}

static void a_request(void)
{
	ck_assert_int_eq(channel_send(&played, MESSAGE_FRONT_READY, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

START_TEST (a_worker_that_breaks_the_rules_is_reported_and_used_no_more) {
	static void (*const crimes[])(void) = {garbage, second_claim, result_of_another, a_request};
	set_up();
	pools_free(pools);
	for (size_t i = 0; i < sizeof crimes / sizeof *crimes; i++) {
		start_front();
		play(true);
		play_claim(0, 0);
		run_until(one_idle);
		ck_assert_int_eq(start_job(0, "true"), 0);
		crimes[i]();
		run_until(is_broken);
		ck_assert_int_eq(broken_pid, 4711);
		ck_assert_int_eq(pool_idle_count(ovens), 0);
		ck_assert(!first_ended());
		pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
		run_until(first_ended);
		expect_lost(0);
		channel_clear(&played);
		pools_free(pools);
	}
	start_front();
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
	tcase_add_test(t, a_worker_that_breaks_the_rules_is_reported_and_used_no_more);
	return unit_run();
}
