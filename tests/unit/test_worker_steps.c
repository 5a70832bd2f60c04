/* Steps and tries at a real worker process: the results that come with a job, and jobs of one attempt that are told apart. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_world.h"

/* The job of "cake" with this name, whose payload is the script. */
static void send_cake(
    struct job_name name, const char *script, const struct job_result *results, size_t count)
{
	const struct job job = {.order = name.order,
	    .attempt = name.attempt,
	    .step = name.step,
	    .try = name.try,
	    .recipe = "cake",
	    .generation = GENERATION,
	    .timeout_ms = CONF_NONE,
	    .payload = {script, strlen(script)},
	    .results = results,
	    .result_count = count};
	send_job_as_it_is(&job);
}

START_TEST (a_step_gets_the_results_that_it_names) {
	const struct job_name mix = {1, 1, 2, 0};
	start_worker();
	const struct job_result results[] = {
	    {.step = 0, .bytes = {"two 'eggs'", 10}}, {.step = 1, .bytes = {"and: ", 5}}};
	send_cake(mix, "", results, 2);
	expect_ended(mix);
	expect_exit(0);
	ck_assert_str_eq(result, "two 'eggs' mix\nand: two 'eggs'");
	stop_worker();
}
END_TEST

START_TEST (a_result_that_is_missing_or_cut_ends_the_step) {
	const struct job_name mix = {1, 1, 2, 0};
	start_worker();
	const struct job_result results[] = {
	    {.step = 0, .bytes = {"eggs", 4}}, {.step = 1, .cut = true, .bytes = {"x", 1}}};
	send_cake(mix, "", results, 2);
	expect_ended(mix);
	ck_assert_int_eq(outcome.cause, CAUSE_PARAMS);
	ck_assert_str_eq(message, "step 'wait': its result was cut after 1 bytes");
	send_ack(mix);
	send_cake(mix, "", results, 1);
	expect_ended(mix);
	ck_assert_int_eq(outcome.cause, CAUSE_PARAMS);
	ck_assert_str_eq(message, "step 'wait': it has no result");
	stop_worker();
}
END_TEST

START_TEST (a_big_result_comes_through) {
	enum { BIG = 8 << 20 };
	const struct job_name knead = {1, 1, 3, 0};
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	for (int i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 256);
	start_worker();
	const struct job_result results[] = {{.step = 0, .bytes = {big, BIG}}};
	send_cake(knead, "", results, 1);
	expect_ended(knead);
	ck_assert_int_eq(outcome.cause, CAUSE_EXIT);
	ck_assert_uint_eq(outcome.result_total, BIG);
	ck_assert_mem_eq(result, big, RESULT_MAX);
	stop_worker();
	free(big);
}
END_TEST

START_TEST (standard_output_is_kept_for_whom_it_is) {
	start_worker();
	send_cake(job_of(1), "echo eggs", NULL, 0);
	expect_ended(job_of(1));
	ck_assert_str_eq(result, "eggs\n");
	send_cake((struct job_name){1, 1, 5, 0}, "echo cake", NULL, 0);
	expect_ended((struct job_name){1, 1, 5, 0});
	ck_assert_str_eq(result, "cake\n");
	/* No later step names the first, and the recipe has no result. */
	for (int step = 0; step < 2; step++) {
		const struct job job = {.order = 2,
		    .attempt = 1,
		    .step = step,
		    .recipe = "quiet",
		    .generation = GENERATION,
		    .timeout_ms = CONF_NONE,
		    .payload = {"echo loud", 9}};
		send_job_as_it_is(&job);
		expect_ended((struct job_name){2, 1, step, 0});
		expect_exit(0);
		ck_assert_uint_eq(outcome.result_total, 0);
	}
	stop_worker();
}
END_TEST

START_TEST (jobs_of_one_attempt_are_told_apart) {
	static const struct job_name gather = {1, 1, 0, 0}, again = {1, 1, 0, 1}, bake = {1, 1, 5, 2};
	start_worker();
	send_cake(gather, "echo first", NULL, 0);
	expect_ended(gather);
	send_cake(again, "echo second", NULL, 0);
	expect_ended(again);
	send_cake(bake, script_with_mark("true", "sleep 1000"), NULL, 0);
	pid_t pid = atoi(wait_mark("mark"));

	/* Another front hears of all three. What it says of one it says of no other. */
	give_front();
	expect_claim(&bake, 2);
	expect_ended(gather);
	ck_assert_str_eq(result, "first\n");
	expect_ended(again);
	ck_assert_str_eq(result, "second\n");
	send_stop(gather, WHY_CANCEL);
	send_ack(again);
	give_front();
	expect_claim(&bake, 1);
	expect_ended(gather);
	ck_assert_str_eq(result, "first\n");
	ck_assert(!is_gone(pid));
	send_stop(bake, WHY_DRAIN);
	expect_ended(bake);
	ck_assert_int_eq(outcome.cause, CAUSE_DRAINED);
	send_ack(bake);
	send_ack(gather);
	give_front();
	expect_claim(NULL, 0);
	stop_worker();
}
END_TEST

START_TEST (a_stop_or_an_acknowledgement_of_another_step_or_try_ends_it) {
	static const struct job_name running = {1, 1, 5, 1}, held = {1, 1, 0, 1};
	static const struct job_name strangers[] = {{1, 1, 5, 0}, {1, 1, 5, 2}, {1, 1, 0, 0}, {1, 1, 0, 2},
	    {1, 1, 4, 1}, {1, 2, 5, 1}, {1, 2, 0, 1}, {2, 1, 5, 1}};
	enum { COUNT = sizeof strangers / sizeof *strangers };
	for (int i = 0; i < 2 * COUNT + 1; i++) {
		start_worker();
		send_cake(held, "true", NULL, 0);
		expect_ended(held);
		send_cake(running, script_with_mark("true", "sleep 1000"), NULL, 0);
		pid_t pid = atoi(wait_mark("mark"));
		if (i < COUNT)
			send_stop(strangers[i], WHY_CANCEL);
		else
			send_ack(i < 2 * COUNT ? strangers[i - COUNT] : running);
		expect_protocol_exit();
		ck_assert(is_gone(pid));
	}
}
END_TEST

/* ---- what is no JOB ---- */

/* The fields of a JOB, each as any number. */
struct raw_job {
	int64_t name[4], generation, timeout_ms;
	const char *recipe;
	int64_t count;
	struct {
		int64_t step, cut;
	} results[3];
	int given;        /* so many results are there */
	const char *more; /* behind the last field */
};

static void send_raw(const struct raw_job *j)
{
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB);
	for (int i = 0; i < 4; i++)
		message_add_int(&w, j->name[i]);
	message_add_int(&w, j->generation);
	message_add_int(&w, j->timeout_ms);
	message_add_text(&w, j->recipe);
	message_add_text(&w, "echo fine");
	message_add_int(&w, j->count);
	for (int i = 0; i < j->given; i++) {
		message_add_int(&w, j->results[i].step);
		message_add_int(&w, j->results[i].cut);
		message_add_text(&w, "x");
	}
	if (j->more)
		message_add_text(&w, j->more);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

#define FIELDS(generation_, timeout_, recipe_) \
	.generation = (generation_), .timeout_ms = (timeout_), .recipe = (recipe_)
#define NAMED(order, attempt, step, try) \
	.name = {order, attempt, step, try}, FIELDS(GENERATION, CONF_NONE, "cake")
#define BAKE .name = {1, 1, 5, 0}
#define GOOD NAMED(1, 1, 5, 0)
static const struct raw_job bad_jobs[] = {
    {NAMED(0, 1, 5, 0)},
    {NAMED(-1, 1, 5, 0)},
    {NAMED(1, 0, 5, 0)},
    {NAMED(1, (int64_t)1 << 32, 5, 0)},
    {NAMED(1, 1, -1, 0)},
    {NAMED(1, 1, 6, 0)},
    {NAMED(1, 1, CONF_STEPS_MAX, 0)},
    {NAMED(1, 1, ((int64_t)1 << 32) + 5, 0)},
    {NAMED(1, 1, 1, 0)}, /* is light */
    {NAMED(1, 1, 4, 0)}, /* is for another pool */
    {NAMED(1, 1, 5, -1)},
    {NAMED(1, 1, 5, (int64_t)1 << 31)},
    {BAKE, FIELDS(GENERATION + 1, CONF_NONE, "cake")},
    {BAKE, FIELDS(-1, CONF_NONE, "cake")},
    {BAKE, FIELDS(GENERATION, -2, "cake")},
    {BAKE, FIELDS(GENERATION, CONF_NONE, "no such")},
    {GOOD, .count = -1},
    {GOOD, .count = 1},
    {GOOD, .count = 6, .given = 3, .results = {{0, 0}, {1, 0}, {2, 0}}},
    {GOOD, .count = 0, .given = 1},
    {GOOD, .count = 1, .given = 1, .results = {{5, 0}}},
    {GOOD, .count = 1, .given = 1, .results = {{6, 0}}},
    {GOOD, .count = 1, .given = 1, .results = {{-1, 0}}},
    {GOOD, .count = 1, .given = 1, .results = {{0, 2}}},
    {GOOD, .count = 1, .given = 1, .results = {{0, -1}}},
    {GOOD, .count = 2, .given = 2, .results = {{1, 0}, {1, 0}}},
    {GOOD, .count = 2, .given = 2, .results = {{2, 0}, {1, 0}}},
    {GOOD, .count = 2, .given = 2, .results = {{4, 0}, {5, 0}}},
    {GOOD, .count = 2, .given = 1, .results = {{4, 0}}},
    {NAMED(1, 1, 0, 0), .count = 1, .given = 1, .results = {{0, 0}}},
    {GOOD, .more = ""},
};

START_TEST (what_is_no_job_ends_it) {
	start_worker();
	send_raw(&bad_jobs[_i]);
	expect_protocol_exit();
}
END_TEST

START_TEST (what_is_a_job_does_not) {
	static const struct raw_job good[] = {
	    {GOOD},
	    {NAMED(INT64_MAX, INT_MAX, 5, INT_MAX)},
	    {GOOD, .count = 3, .given = 3, .results = {{0, 0}, {1, 1}, {4, 0}}},
	    {NAMED(1, 1, 0, 0)},
	};
	start_worker();
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const int64_t *n = good[i].name;
		const struct job_name name = {n[0], (int)n[1], (int)n[2], (int)n[3]};
		send_raw(&good[i]);
		expect_ended(name);
		ck_assert_str_eq(result, "fine\n");
		send_ack(name);
	}
	stop_worker();
}
END_TEST

START_TEST (a_job_of_the_name_of_one_that_is_held_ends_it) {
	start_worker();
	send_cake(job_of(1), "true", NULL, 0);
	expect_ended(job_of(1));
	send_cake(job_of(1), "true", NULL, 0);
	expect_protocol_exit();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("steps");
	tcase_add_test(t, a_step_gets_the_results_that_it_names);
	tcase_add_test(t, a_result_that_is_missing_or_cut_ends_the_step);
	tcase_add_test(t, a_big_result_comes_through);
	tcase_add_test(t, standard_output_is_kept_for_whom_it_is);
	tcase_add_test(t, jobs_of_one_attempt_are_told_apart);
	t = unit_case("violations");
	tcase_add_test(t, a_stop_or_an_acknowledgement_of_another_step_or_try_ends_it);
	tcase_add_loop_test(t, what_is_no_job_ends_it, 0, (int)(sizeof bad_jobs / sizeof *bad_jobs));
	tcase_add_test(t, what_is_a_job_does_not);
	tcase_add_test(t, a_job_of_the_name_of_one_that_is_held_ends_it);
	return unit_run();
}
