/* What a real worker process says to the fronts that come and go, and what it lets them say. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_world.h"

/* ---- fronts come and go ---- */

START_TEST (a_result_is_kept_until_it_is_acknowledged) {
	start_worker();
	send_script(1, "echo kept");
	expect_ended(job_of(1));
	for (int i = 0; i < 3; i++) {
		channel_clear(&front);
		give_front();
		expect_claim(NULL, 1);
		expect_ended(job_of(1));
		ck_assert_str_eq(result, "kept\n");
	}
	send_ack(job_of(1));
	give_front();
	expect_claim(NULL, 0);
	stop_worker();
}
END_TEST

START_TEST (it_works_on_while_results_wait_to_be_acknowledged) {
	start_worker();
	for (int i = 1; i <= WORKER_HELD_MAX; i++) {
		char script[60];
		snprintf(script, sizeof script, "echo result %d; echo message %d >&2", i, i);
		send_script(i, script);
		expect_ended(job_of(i));
	}
	/* The oldest of them, and one from the middle, are acknowledged while the next job runs. */
	send_ack(job_of(1));
	send_script(100, script_with_mark("true", "sleep 1000"));
	wait_mark("mark");
	send_ack(job_of(3));
	give_front();
	expect_claim(&(struct job_name){100, 1, 0, 0}, WORKER_HELD_MAX - 2);
	for (int i = 2; i <= WORKER_HELD_MAX; i++) {
		if (i == 3)
			continue;
		char expected[60];
		expect_ended(job_of(i));
		snprintf(expected, sizeof expected, "result %d\n", i);
		ck_assert_str_eq(result, expected);
		snprintf(expected, sizeof expected, "message %d\n", i);
		ck_assert_str_eq(message, expected);
	}
	send_stop(job_of(100), WHY_CANCEL);
	expect_ended(job_of(100));
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	stop_worker();
}
END_TEST

START_TEST (a_job_outlives_its_front) {
	start_worker();
	char script[500];
	snprintf(
	    script, sizeof script, "while ! test -e %s/go; do sleep 0.01; done; echo went on", unit_dir());
	send_script(1, script);
	channel_clear(&front);
	give_front();
	expect_claim(&(struct job_name){1, 1, 0, 0}, 0);
	channel_clear(&front);
	char go[300];
	snprintf(go, sizeof go, "%s/go", unit_dir());
	close(open(go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	give_front();
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_CLAIM);
	expect_ended(job_of(1));
	ck_assert_str_eq(result, "went on\n");
	stop_worker();
}
END_TEST

START_TEST (half_a_job_of_a_dead_front_is_no_job) {
	start_worker();
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB);
	message_add_int(&w, 1);
	message_add_bytes(&w, "payload", 7);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	front.out.len -= 3;
	flush(&front);
	give_front();
	expect_claim(NULL, 0);
	run_script("echo fine");
	ck_assert_str_eq(result, "fine\n");
	stop_worker();
}
END_TEST

START_TEST (it_answers_while_a_job_runs) {
	start_worker();
	send_script(1, "sleep 1000");
	for (int i = 0; i < 10; i++) {
		struct message_writer w;
		channel_begin(&front, &w, MESSAGE_PING);
		message_add_int(&w, i);
		ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
		flush(&front);
		struct message m = receive(&front);
		ck_assert_int_eq(m.type, MESSAGE_PONG);
		ck_assert_int_eq(message_get_int(&m, 0, 10), i);
	}
	stop_worker();
}
END_TEST

/* ---- the end ---- */

START_TEST (without_a_supervisor_it_kills_its_tree_and_ends) {
	start_worker();
	send_script(1, script_with_mark("trap '' TERM; setsid sleep 1000 & sleep 1000 & echo", "sleep 1000"));
	pid_t pid = atoi(wait_mark("mark"));
	ck_assert(!is_gone(pid));
	stop_worker();
	ck_assert(is_gone(pid));
	ck_assert_int_eq(kill(-pid, 0), -1);
}
END_TEST

START_TEST (violations_end_it_with_its_job) {
	start_worker();
	send_script(1, script_with_mark("true", "sleep 1000"));
	pid_t pid = atoi(wait_mark("mark"));
	send_script(2, "true");
	expect_protocol_exit();
	ck_assert(is_gone(pid));

	start_worker();
	send_job("no such recipe", 1, CONF_NONE, "", 0);
	expect_protocol_exit();

	start_worker();
	send_job("elsewhere", 1, CONF_NONE, "", 0);
	expect_protocol_exit();

	start_worker();
	send_ack(job_of(1));
	expect_protocol_exit();

	start_worker();
	send_script(1, "true");
	expect_ended(job_of(1));
	send_ack((struct job_name){1, 2, 0, 0});
	expect_protocol_exit();

	start_worker();
	for (int i = 1; i <= WORKER_HELD_MAX; i++) {
		send_script(i, "true");
		expect_ended(job_of(i));
	}
	send_script(100, "true");
	expect_protocol_exit();

	start_worker();
	ck_assert_int_eq(write(front.fd, "\377\377\377\377\377\377\377\377", 8), 8);
	expect_protocol_exit();

	start_worker();
	ck_assert_int_eq(channel_send(&control, MESSAGE_WORKERS_ANNOUNCED, -1), 0);
	flush(&control);
	expect_protocol_exit();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("fronts");
	tcase_add_test(t, a_result_is_kept_until_it_is_acknowledged);
	tcase_add_test(t, it_works_on_while_results_wait_to_be_acknowledged);
	tcase_add_test(t, a_job_outlives_its_front);
	tcase_add_test(t, half_a_job_of_a_dead_front_is_no_job);
	tcase_add_test(t, it_answers_while_a_job_runs);
	tcase_add_test(t, without_a_supervisor_it_kills_its_tree_and_ends);
	tcase_add_test(t, violations_end_it_with_its_job);
	return unit_run();
}
