/* Jobs in a real worker process, spoken to as the supervisor and the front speak to it: their surroundings, outputs and end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_world.h"

/* ---- jobs ---- */

START_TEST (a_job_ends_with_its_result) {
	start_worker();
	run_script("cat; echo; echo oops >&2");
	expect_exit(0);
	ck_assert_str_eq(result, "from stdin\n");
	ck_assert_str_eq(message, "oops\n");
	ck_assert_uint_eq(outcome.result_total, 11);
	ck_assert_int_gt(outcome.max_rss_kib, 0);
	run_script("exit 3");
	expect_exit(3);
	run_script("kill -QUIT $$");
	ck_assert_int_eq(outcome.cause, CAUSE_SIGNAL);
	ck_assert_int_eq(outcome.signal, SIGQUIT);
	ck_assert_int_eq(outcome.exit, -1);
	stop_worker();
}
END_TEST

START_TEST (its_environment_is_clean) {
	setenv("SECRET_OF_THE_DAEMON", "x", 1);
	start_worker();
	send_script(4711, "env | grep -v ^_= | sort");
	expect_ended(job_of(4711));
	static const char *const expected[] = {"\nBAKERY_ATTEMPT=1\n", "\nBAKERY_INSTANCE=0123456789abcdef\n",
	    "\nBAKERY_ORDER=4711\n", "\nBAKERY_RECIPE=sh\n", "\nBAKERY_SERVER=unix:/s\n",
	    "\nBAKERY_STEP=run\n", "\nBAKERY_WORKER=0\n", "\nCOLOUR=dark brown\n",
	    "\nHOME=", "\nLANG=", "\nPATH=", "\nTMPDIR=", "\nUSER="};
	char text[RESULT_MAX + 2];
	snprintf(text, sizeof text, "\n%s", result);
	size_t lines = 0;
	for (const char *p = result; *p; p++)
		lines += *p == '\n';
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		ck_assert_msg(strstr(text, expected[i]) != NULL, "%s is missing in %s", expected[i], text);
	/* The shell adds PWD. */
	ck_assert_uint_eq(lines, sizeof expected / sizeof *expected + 1);
	stop_worker();
}
END_TEST

START_TEST (its_directory_is_private_and_emptied) {
	start_worker();
	run_script(
	    "test \"$PWD\" = \"$TMPDIR\" && echo x > left && mkdir -p a/b && touch a/b/c && chmod 0 a");
	expect_exit(0);
	run_script("ls -A; stat -c %a .");
	ck_assert_str_eq(result, "700\n");
	run_script("rmdir \"$TMPDIR\"");
	run_script("ls -A; pwd");
	expect_exit(0);
	ck_assert_ptr_nonnull(strstr(result, "ovens-0\n"));
	char path[300];
	snprintf(path, sizeof path, "%s/ovens-0", unit_dir());
	ck_assert_int_eq(access(path, F_OK), 0);
	stop_worker();
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST (a_program_that_is_missing) {
	start_worker();
	run_job("missing", "", 0);
	ck_assert_int_eq(outcome.cause, CAUSE_SPAWN);
	ck_assert_int_eq(outcome.error, ENOENT);
	ck_assert_int_eq(outcome.exit, -1);
	ck_assert_ptr_nonnull(strstr(message, "no-such-program"));
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
}
END_TEST

START_TEST (a_payload_of_any_bytes_and_size) {
	enum { BIG = 3 << 20 };
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	for (int i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 256);
	start_worker();
	run_job("cat", "a\0b\0", 4);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_len, 4);
	ck_assert_mem_eq(result, "a\0b\0", 4);
	run_job("cat", big, BIG);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_total, BIG);
	ck_assert_uint_eq(outcome.result_len, RESULT_MAX);
	ck_assert_mem_eq(result, big, RESULT_MAX);
	run_job("cat", "", 0);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_len, 0);
	stop_worker();
	free(big);
}
END_TEST

START_TEST (an_input_that_is_never_read_stops_nothing) {
	enum { BIG = 1 << 20 };
	char *big = calloc(1, BIG);
	ck_assert_ptr_nonnull(big);
	char *saved = run_of_cat[0];
	run_of_cat[0] = TEXT("true");
	start_worker();
	run_job("cat", big, BIG);
	expect_exit(0);
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
	run_of_cat[0] = saved;
	free(big);
}
END_TEST

START_TEST (much_output_costs_little) {
	start_worker();
	run_script("head -c 20000000 /dev/zero; head -c 5000000 /dev/zero | tr '\\0' e >&2; echo end >&2");
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_total, 20000000);
	ck_assert_uint_eq(outcome.result_len, RESULT_MAX);
	ck_assert_uint_eq(outcome.message_len, ORDER_MESSAGE_MAX);
	ck_assert_str_eq(message + ORDER_MESSAGE_MAX - 6, "ee"
							  "end\n");
	char path[60], text[4096];
	snprintf(path, sizeof path, "/proc/%d/status", (int)worker);
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
#ifndef __SANITIZE_ADDRESS__
	const char *peak = strstr(text, "VmHWM:");
	ck_assert_ptr_nonnull(peak);
	ck_assert_int_lt(strtol(peak + 6, NULL, 10), 8192);
#endif
	stop_worker();
}
END_TEST

/* ---- what a job leaves behind ---- */

START_TEST (background_children_do_not_keep_it) {
	start_worker();
	run_script("sleep 1000 & echo $!");
	expect_exit(0);
	ck_assert(is_gone(atoi(result)));
	stop_worker();
}
END_TEST

START_TEST (children_that_left_the_group_are_ended_too) {
	start_worker();
	/* Twice forked, in a session of its own, TERM ignored, its outputs held open; and it says when it is there. */
	run_script("setsid sh -c 'trap \"\" TERM HUP; (sleep 1000 & echo $! > pid; wait) & while ! test -s "
		   "pid; do :; done' ; cat pid");
	expect_exit(0);
	ck_assert_int_gt(atoi(result), 1);
	ck_assert(is_gone(atoi(result)));
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
}
END_TEST

/* ---- stopping ---- */

START_TEST (time_is_over) {
	start_worker();
	char *script = script_with_mark("true", "exec sleep 1000");
	send_job("sh", 1, 60000, script, strlen(script));
	pid_t pid = atoi(wait_mark("mark"));
	advance_ms(60000);
	expect_ended(job_of(1));
	ck_assert_int_eq(outcome.cause, CAUSE_TIMEOUT);
	ck_assert_int_eq(outcome.signal, SIGTERM);
	ck_assert(is_gone(pid));
	stop_worker();
}
END_TEST

START_TEST (a_job_that_ignores_the_signal_is_killed_after_its_grace) {
	start_worker();
	char *script = script_with_mark(
	    "trap 'echo > told' TERM", "while :; do test -s told && echo yes > ../told; sleep 0.01; done");
	send_job("sh", 1, 60000, script, strlen(script));
	wait_mark("mark");
	advance_ms(60000);
	wait_mark("told");
	advance_ms(KILL_AFTER_MS);
	expect_ended(job_of(1));
	ck_assert_int_eq(outcome.cause, CAUSE_TIMEOUT);
	ck_assert_int_eq(outcome.signal, SIGKILL);
	stop_worker();
}
END_TEST

START_TEST (exit_0_after_our_signal_is_still_a_cancel) {
	start_worker();
	send_script(1, script_with_mark("trap 'exit 0' TERM", "while :; do sleep 0.01; done"));
	wait_mark("mark");
	send_stop(job_of(1), WHY_CANCEL);
	expect_ended(job_of(1));
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	ck_assert_int_eq(outcome.exit, 0);
	send_ack(job_of(1));
	send_script(2, script_with_mark("true", "sleep 1000"));
	wait_mark("mark");
	send_stop(job_of(2), WHY_DRAIN);
	expect_ended(job_of(2));
	ck_assert_int_eq(outcome.cause, CAUSE_DRAINED);
	stop_worker();
}
END_TEST

START_TEST (a_stopped_job_can_be_ended) {
	start_worker();
	send_script(1, script_with_mark("true", "kill -STOP $$"));
	wait_mark("mark");
	send_stop(job_of(1), WHY_CANCEL);
	expect_ended(job_of(1));
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	stop_worker();
}
END_TEST

START_TEST (a_stop_that_crosses_the_end_changes_nothing) {
	start_worker();
	send_script(1, "echo done");
	expect_ended(job_of(1));
	send_stop(job_of(1), WHY_CANCEL);
	give_front();
	expect_claim(NULL, 1);
	expect_ended(job_of(1));
	expect_exit(0);
	stop_worker();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("worker");
	tcase_add_test(t, a_job_ends_with_its_result);
	tcase_add_test(t, its_environment_is_clean);
	tcase_add_test(t, its_directory_is_private_and_emptied);
	tcase_add_test(t, a_program_that_is_missing);
	tcase_add_test(t, a_payload_of_any_bytes_and_size);
	tcase_add_test(t, an_input_that_is_never_read_stops_nothing);
	tcase_add_test(t, much_output_costs_little);
	tcase_add_test(t, background_children_do_not_keep_it);
	tcase_add_test(t, children_that_left_the_group_are_ended_too);
	tcase_add_test(t, time_is_over);
	tcase_add_test(t, a_job_that_ignores_the_signal_is_killed_after_its_grace);
	tcase_add_test(t, exit_0_after_our_signal_is_still_a_cancel);
	tcase_add_test(t, a_stopped_job_can_be_ended);
	tcase_add_test(t, a_stop_that_crosses_the_end_changes_nothing);
	return unit_run();
}
