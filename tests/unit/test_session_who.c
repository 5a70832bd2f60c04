/*
 * Who is there: HELLO, AUTH and what a user may see; and the room's beginning and end.
 */
#include <semaphore.h>

#include "daemon/base/clock.h"
#include "daemon/net/password.h"
#include "daemon/session/shared.h"
#include "tests/unit/session_world.h"
#include "tests/unit/unit.h"

START_TEST (hello_is_all_or_nothing) {
	ask(&one, "HELLO 3 AUTH shop wrong", "-WRONGPASS ");
	drop_rest(&one);
	ask(&one, "AWAIT 1 77", "-NOTFOUND");
	drop_rest(&one);
	ask(&one, "CLIENT GETNAME", "$-1\r\n"); /* RESP2 still */
	ask(&one, "HELLO 4", "-NOPROTO unsupported protocol version\r\n");
	ask(&one, "HELLO 3 SETNAME me", "%11\r\n$6\r\nserver\r\n$5\r\nredis\r\n");
	drop_rest(&one);
	ask(&one, "CLIENT GETNAME", "$2\r\nme\r\n");
	ask(&one, "RESET", "+RESET\r\n");
	ask(&one, "CLIENT GETNAME", "$-1\r\n");
}
END_TEST

START_TEST (a_user_sees_its_own) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n"); /* the administrator's */
	ask(&one, "AUTH shop sesame", "+OK\r\n");
	ask(&one, "STATUS 1", "-NOTFOUND no such order\r\n");
	ask(&one, "CANCEL 1", "-NOTFOUND no such order\r\n");
	ask(&one, "STATUS 1999", "-NOTFOUND no such order\r\n"); /* not even that it was here */
	ask(&one, "ORDER bytes x", "-NORECIPE no recipe 'bytes'\r\n");
	ask(&one, "PAUSE RECIPE cake", "-NOPERM your rights do not cover 'pause'\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	ask(&one, "CANCEL 2", ":1\r\n");
	ask(&one, "LIST", "*2\r\n$1\r\n0\r\n*1\r\n");
	drop_rest(&one);
	ask(&one, "SUBSCRIBE events order:1",
	    "*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:"
	    "2\r\n");
	tell(1, ORDER_DONE);
	expect_silence(&one);
	tell(2, ORDER_DONE);
	expect(&one, "*3\r\n$7\r\nmessage\r\n$6\r\nevents\r\n");
}
END_TEST

START_TEST (a_right_password_is_remembered_and_three_wrong_ones_close) {
	ask(&one, "AUTH shop sesame", "+OK\r\n");
	ask(&one, "AUTH shop sesame", "+OK\r\n");
	ask(&one, "AUTH sesame", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	ask(&one, "AUTH nobody sesame", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	send_bytes(&one, "AUTH shop sesam\r\nPING\r\n");
	expect(&one, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
	expect_closed(&one);
}
END_TEST

START_TEST (too_many_wrong_passwords_from_one_place) {
	ask(&one, "AUTH shop sesame", "+OK\r\n"); /* remembered: no reason to answer who guesses */
	for (int i = 0; i < 10; i++) {
		close_client(&one);
		open_client(&one);
		ask(&one, "AUTH shop wrong", "-WRONGPASS ");
	}
	close_client(&one);
	open_client(&one);
	ask(&one, "AUTH shop sesame", "-ERR too many");
	clock_test_advance(61 * NS_PER_S, 61000);
	drop_rest(&one);
	ask(&one, "AUTH shop sesame", "+OK\r\n");
}
END_TEST

START_TEST (vanishes_while_its_password_is_verified) {
	send_bytes(&one, "AUTH shop sesame\r\n");
	run_turns(2);
	close_client(&one);
	run_until(nobody_there);
}
END_TEST

/* ---- beginning and end ---- */

START_TEST (loading_until_it_serves) {
	open_sessions();
	open_client(&one);
	ask(&one, "ORDER cake {}", "-LOADING the daemon is starting\r\n");
	ask(&one, "PING", "+PONG\r\n");
	ask(&one, "HELLO 2", "*22\r\n");
	drop_rest(&one);
	send_bytes(&one, "INFO persistence\r\n");
	expect(&one, "$51\r\n# Persistence\r\nloading:1\r\nloading_eta_seconds:1\r\n");
	drop_rest(&one);
	sessions_serve(world_sessions);
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
}
END_TEST

START_TEST (draining_takes_no_orders) {
	sessions_drain(world_sessions);
	ask(&one, "ORDER cake {}", "-DRAINING the daemon is shutting down\r\n");
	ask(&one, "PING", "+PONG\r\n");
}
END_TEST

/* The thread that verifies stands still here while a test wants it so. */
static bool hold_verify;
static sem_t verifying, go_on;

int __real_password_verify(const char *password, size_t len, const char *hash);
int __wrap_password_verify(const char *password, size_t len, const char *hash);

int __wrap_password_verify(const char *password, size_t len, const char *hash)
{
	if (!hold_verify)
		return __real_password_verify(password, len, hash);
	sem_post(&verifying);
	sem_wait(&go_on);
	return 1;
}

START_TEST (passwords_in_line_are_not_verified_at_the_end) {
	sem_init(&verifying, 0, 0);
	sem_init(&go_on, 0, 0);
	hold_verify = true;
	open_client(&two);
	send_bytes(&one, "AUTH shop first\r\n");
	run_turns(20);
	sem_wait(&verifying);
	send_bytes(&two, "AUTH shop second\r\n");
	run_turns(20);
	struct task_spec spec = {.name = "close", .fn = close_all};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	expect(&two, "-DRAINING the daemon is shutting down\r\n");
	sem_post(&go_on);
	expect(&one, "+OK\r\n"); /* what has begun is waited for */
	ck_assert_int_eq(loop_run(world_loop), 0);
	close_client(&one);
	close_client(&two);
	sessions_free(world_sessions);
	task_runtime_clear();
	loop_free(world_loop);
	ck_assert_int_ne(sem_trywait(&verifying), 0);
}
END_TEST

START_TEST (closes_with_clients_that_wait) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	send_bytes(&one, "AWAIT 0 1\r\n");
	open_client(&two);
	run_turns(20);
	fake_hold = true;
	send_bytes(&two, "ORDER cake {}\r\nQUIT\r\n");
	run_turns(20);
	struct task_spec spec = {.name = "close", .fn = close_all};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	expect(&one, "-DRAINING the daemon is shutting down\r\n");
	expect_closed(&one);
	fake_answer_all();
	expect(&two, "$1\r\n2\r\n+OK\r\n"); /* what was asked is answered */
	ck_assert_int_eq(loop_run(world_loop), 0);
	close_client(&one);
	close_client(&two);
	sessions_free(world_sessions);
	task_runtime_clear();
	loop_free(world_loop);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("session-who");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, hello_is_all_or_nothing);
	tcase_add_test(t, a_user_sees_its_own);
	tcase_add_test(t, a_right_password_is_remembered_and_three_wrong_ones_close);
	tcase_add_test(t, too_many_wrong_passwords_from_one_place);
	tcase_add_test(t, vanishes_while_its_password_is_verified);
	tcase_add_test(t, draining_takes_no_orders);
	TCase *own = unit_case("session-life");
	tcase_add_checked_fixture(own, NULL, tear_down);
	tcase_add_test(own, loading_until_it_serves);
	TCase *end = unit_case("session-end");
	tcase_add_checked_fixture(end, set_up, NULL);
	tcase_add_test(end, closes_with_clients_that_wait);
	tcase_add_test(end, passwords_in_line_are_not_verified_at_the_end);
	return unit_run();
}
