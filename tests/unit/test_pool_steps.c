/* Steps and tries at a worker that the test plays; what it is sent, and what it may not say. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

/* ---- steps and tries ---- */

/* The next that the worker is told is this, of this job. */
static void expect_told(enum message_type type, struct job_name name, int why)
{
	struct message m = hear();
	ck_assert_str_eq(message_name(m.type), message_name(type));
	struct job_name told = message_get_job(&m);
	ck_assert_msg(job_name_equal(&told, &name), "of %lld/%d/%d/%d", (long long)told.order, told.attempt,
	    told.step, told.try);
	if (type == MESSAGE_JOB_STOP)
		ck_assert_int_eq(message_get_int(&m, 0, 2), why);
	ck_assert_int_eq(message_end(&m), 0);
}

static bool four_claims(void)
{
	return claims == 4;
}

static const struct job_name gather = {100, 1, 0, 0}, again = {100, 1, 0, 1}, mix = {100, 1, 1, 0},
			     other = {101, 7, 0, 0};

/* A worker that runs step 1 of an attempt, and holds the outcomes of two tries of step 0 and of another order. */
static void meet_one_with_four(void)
{
	static const struct job_name *const names[] = {&mix, &gather, &again, &other};
	set_up();
	play(false);
	pools_announced(pools);
	play_claim_of(&mix, 3);
	play_ended_of(gather, "first");
	play_ended_of(again, "second");
	play_ended_of(other, "other");
	run_until(four_claims);
	run_until(is_settled);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(claim[i].order, names[i]->order);
		ck_assert_int_eq(claim[i].attempt, names[i]->attempt);
		ck_assert_int_eq(claim[i].step, names[i]->step);
		ck_assert_int_eq(claim[i].try, names[i]->try);
		ck_assert(claim[i].ended == (i > 0));
	}
}

START_TEST (jobs_of_one_attempt_are_adopted_each) {
	meet_one_with_four();
	job_discard(claimed[1], &claim[1]);
	ck_assert_int_eq(job_run_adopt(claimed[2], &claim[2], &runs[2]), 0);
	ck_assert_int_eq(job_run_adopt(claimed[0], &claim[0], &runs[0]), 0);
	ck_assert_int_eq(job_run_adopt(claimed[3], &claim[3], &runs[3]), 0);
	watch(0);
	expect_result(2, "second");
	expect_result(3, "other");
	ck_assert_int_eq(runs[2].step, 0);
	ck_assert_int_eq(runs[2].try, 1);
	ck_assert_int_eq(runs[0].step, 1);
	ck_assert(!first_ended());
	job_run_release(&runs[2]);
	job_run_stop(&runs[0], JOB_STOP_DRAIN);
	expect_told(MESSAGE_JOB_ACK, gather, 0);
	expect_told(MESSAGE_JOB_ACK, again, 0);
	expect_told(MESSAGE_JOB_STOP, mix, JOB_STOP_DRAIN);
	play_ended_of(mix, "third");
	run_until(first_ended);
	expect_result(0, "third");
	job_run_release(&runs[0]);
	expect_told(MESSAGE_JOB_ACK, mix, 0);
	job_run_release(&runs[3]);
	expect_told(MESSAGE_JOB_ACK, other, 0);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (one_of_several_claims_is_discarded) {
	meet_one_with_four();
	job_discard(claimed[0], &claim[0]);
	expect_told(MESSAGE_JOB_STOP, mix, 2);
	ck_assert_int_eq(job_run_adopt(claimed[2], &claim[2], &runs[2]), 0);
	expect_result(2, "second");
	job_discard(claimed[3], &claim[3]);
	play_ended_of(mix, "too late");
	expect_told(MESSAGE_JOB_ACK, other, 0);
	expect_told(MESSAGE_JOB_ACK, mix, 0);
	ck_assert_int_eq(job_run_adopt(claimed[1], &claim[1], &runs[1]), 0);
	expect_result(1, "first");
	job_run_release(&runs[1]);
	expect_told(MESSAGE_JOB_ACK, gather, 0);
	job_run_release(&runs[2]);
	expect_told(MESSAGE_JOB_ACK, again, 0);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	channel_clear(&played);
	take_down();
}
END_TEST

START_TEST (what_is_claimed_of_one_that_dies_is_lost_or_kept) {
	meet_one_with_four();
	channel_clear(&played);
	pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
	turn();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(job_run_adopt(claimed[i], &claim[i], &runs[i]), 0);
	job_discard(claimed[3], &claim[3]);
	expect_result(1, "first");
	expect_result(2, "second");
	job_run_release(&runs[1]);
	job_run_release(&runs[2]);
	expect_lost(0);
	take_down();
}
END_TEST

/* ---- what is sent ---- */

static const struct job_result two_results[] = {
    {.step = 0, .bytes = {"eggs", 4}}, {.step = 2, .cut = true, .bytes = {"a\0", 2}}};
static const struct job job_with_results = {.order = 5,
    .attempt = 6,
    .step = 7,
    .try = 8,
    .recipe = "cake",
    .generation = 9,
    .timeout_ms = 10,
    .payload = {"{}", 2},
    .results = two_results,
    .result_count = 2};

static void expect_bytes(struct message *m, const char *bytes, size_t len)
{
	struct slice s = message_get_bytes(m);
	ck_assert_uint_eq(s.len, len);
	ck_assert_mem_eq(s.data, bytes, len);
}

static void expect_job_with_results(void)
{
	struct message m = hear();
	ck_assert_int_eq(m.type, MESSAGE_JOB);
	struct job_name name = message_get_job(&m);
	ck_assert(job_name_equal(&name, &(struct job_name){5, 6, 7, 8}));
	ck_assert_int_eq(message_get_int(&m, 0, 100), 9);
	ck_assert_int_eq(message_get_int(&m, 0, 100), 10);
	expect_bytes(&m, "cake", 4);
	expect_bytes(&m, "{}", 2);
	ck_assert_int_eq(message_get_int(&m, 0, 100), 2);
	ck_assert_int_eq(message_get_int(&m, 0, 100), 0);
	ck_assert_int_eq(message_get_int(&m, 0, 1), 0);
	expect_bytes(&m, "eggs", 4);
	ck_assert_int_eq(message_get_int(&m, 0, 100), 2);
	ck_assert_int_eq(message_get_int(&m, 0, 1), 1);
	expect_bytes(&m, "a\0", 2);
	ck_assert_int_eq(message_end(&m), 0);
}

START_TEST (a_job_that_is_too_big_is_refused) {
	/* Nobody touches it: what is too big is not even copied. */
	enum { BIG = MESSAGE_BODY_MAX - 100 };
	char *big = calloc(1, BIG);
	ck_assert_ptr_nonnull(big);
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	const struct job_result results[] = {{.step = 0, .bytes = {big, BIG}}};
	struct job job = job_with_results;
	job.payload = (struct slice){big, 100};
	job.results = results;
	job.result_count = 1;
	ck_assert_int_eq(start_job_as_it_is(0, &job), ERR_TOOBIG);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	ck_assert_int_eq(start_job_as_it_is(0, &job_with_results), 0);
	ck_assert_int_eq(runs[0].step, 7);
	ck_assert_int_eq(runs[0].try, 8);
	expect_job_with_results();
	channel_clear(&played);
	take_down();
	free(big);
}
END_TEST

START_TEST (memory_is_refused_while_a_job_is_sent) {
	set_up();
	play(true);
	play_claim(0, 0);
	run_until(one_idle);
	int r = -ENOMEM, index;
	long n = 0;
	for (; r == -ENOMEM; n++) {
		refuse_memory_after(n);
		r = job_run_start(ovens, &job_with_results, &runs[0], &index);
		refuse_memory_never();
		ck_assert(r == 0 || r == -ENOMEM);
		ck_assert_int_eq(pool_idle_count(ovens), r ? 1 : 0);
	}
	ck_assert_int_ge(n, 2);
	expect_job_with_results();
	channel_clear(&played);
	take_down();
}
END_TEST

/* ---- violations ---- */

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

/* What the front says is not for it to say. */
static void a_stop_of_its_own(void)
{
	const struct job_name name = {100, 1, 0, 0};
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_JOB_STOP);
	message_add_job(&w, &name);
	message_add_int(&w, 0);
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

static void a_request(void)
{
	ck_assert_int_eq(channel_send(&played, MESSAGE_FRONT_READY, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

START_TEST (a_worker_that_breaks_the_rules_is_reported_and_used_no_more) {
	static void (*const crimes[])(void) = {
	    garbage, second_claim, result_of_another, a_request, a_stop_of_its_own};
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

/* ---- bodies that cannot be ---- */

struct raw {
	int count;
	int64_t numbers[16];
};

static void send_raw(enum message_type type, const struct raw *raw)
{
	struct message_writer w;
	channel_begin(&played, &w, type);
	for (int i = 0; i < raw->count; i++)
		message_add_int(&w, raw->numbers[i]);
	if (type == MESSAGE_JOB_ENDED) {
		message_add_text(&w, "abc");
		message_add_text(&w, "");
	}
	ck_assert_int_eq(channel_finish(&played, &w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

START_TEST (claims_that_cannot_be) {
	static const struct raw rows[] = {
	    {3, {IPC_VERSION - 1, 0, 0}},
	    {3, {IPC_VERSION + 1, 0, 0}},
	    {7, {IPC_VERSION, 2, 100, 1, 0, 0, 0}},
	    {7, {IPC_VERSION, 0, 100, 1, 0, 0, 0}},
	    {3, {IPC_VERSION, 1, 0}},
	    {7, {IPC_VERSION, 1, 0, 1, 0, 0, 0}},
	    {7, {IPC_VERSION, 1, 100, 0, 0, 0, 0}},
	    {7, {IPC_VERSION, 1, 100, 1, -1, 0, 0}},
	    {7, {IPC_VERSION, 1, 100, 1, CONF_STEPS_MAX, 0, 0}},
	    {7, {IPC_VERSION, 1, 100, 1, 0, -1, 0}},
	    {7, {IPC_VERSION, 1, 100, 1, 0, 0, -1}},
	    {7, {IPC_VERSION, 1, 100, 1, 0, 0, WORKER_HELD_MAX + 1}},
	    {6, {IPC_VERSION, 1, 100, 1, 0, 0}},
	    {8, {IPC_VERSION, 1, 100, 1, 0, 0, 0, 0}},
	    {4, {IPC_VERSION, 0, 0, 0}},
	};
	set_up();
	pools_free(pools);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start_front();
		play(false);
		pools_announced(pools);
		send_raw(MESSAGE_CLAIM, &rows[i]);
		run_until(is_broken);
		ck_assert_int_eq(claims, 0);
		pools_worker_ended(pools, "ovens", 1, 4711, SIGKILL);
		run_until(is_settled);
		channel_clear(&played);
		pools_free(pools);
	}
	start_front();
	take_down();
}
END_TEST

START_TEST (outcomes_that_cannot_be) {
	/* order, attempt, step, try; cause, exit, signal, error; begin, end, processor time, memory; bytes of the result */
	static const struct raw rows[] = {
	    {13, {100, 2, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 1, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 1, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, CONF_STEPS_MAX, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, -1, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_NONE, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, ORDER_CAUSES, 0, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 256, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, -2, 0, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 128, 0, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, -1, 1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, -1, 2, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, -1, 3, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, -1, 4, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, -1, 3}},
	    {13, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 2}},
	    {12, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4}},
	    {14, {100, 1, 0, 0, CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4, 3, 0}},
	};
	set_up();
	pools_free(pools);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		start_front();
		play(true);
		play_claim(0, 0);
		run_until(one_idle);
		ck_assert_int_eq(start_job(0, "true"), 0);
		send_raw(MESSAGE_JOB_ENDED, &rows[i]);
		run_until(is_broken);
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
	TCase *t = unit_case("steps");
	tcase_add_test(t, jobs_of_one_attempt_are_adopted_each);
	tcase_add_test(t, one_of_several_claims_is_discarded);
	tcase_add_test(t, what_is_claimed_of_one_that_dies_is_lost_or_kept);
	tcase_add_test(t, a_job_that_is_too_big_is_refused);
	tcase_add_test(t, memory_is_refused_while_a_job_is_sent);
	t = unit_case("violations");
	tcase_add_test(t, a_worker_that_breaks_the_rules_is_reported_and_used_no_more);
	tcase_add_test(t, claims_that_cannot_be);
	tcase_add_test(t, outcomes_that_cannot_be);
	return unit_run();
}
