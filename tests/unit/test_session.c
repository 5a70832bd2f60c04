/*
 * Clients against a store in the test's hand: replies in order, pipelines, clients that vanish with work in flight.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/session/connection.h"
#include "daemon/session/shared.h"
#include "tests/unit/session_world.h"
#include "tests/unit/unit.h"

/* ---- replies ---- */

START_TEST (answers_when_it_is_on_disk) {
	fake_hold = true;
	send_bytes(&one, "ORDER cake {}\r\n");
	expect_silence(&one);
	ck_assert_int_eq(fake_pending, 1);
	fake_answer_all();
	expect(&one, "$1\r\n1\r\n");
}
END_TEST

START_TEST (a_pipeline_waits_for_nothing_and_keeps_its_order) {
	fake_hold = true;
	send_bytes(&one, "ORDER cake {}\r\nPING\r\nORDER cake {}\r\nORDER nothing {}\r\nORDER cake "
			 "bad\r\nORDER cake {}\r\nECHO hi\r\n");
	expect_silence(&one);
	ck_assert_int_eq(fake_pending, 3);
	fake_answer(2); /* the last order's commit comes first */
	expect_silence(&one);
	fake_answer(0);
	expect(&one, "$1\r\n2\r\n+PONG\r\n");
	expect_silence(&one);
	fake_answer(0);
	expect(&one, "$1\r\n3\r\n-NORECIPE no recipe 'nothing'\r\n-BADARG flavour: "
		     "required\r\n$1\r\n1\r\n$2\r\nhi\r\n");
}
END_TEST

START_TEST (a_reader_sees_its_own_writes) {
	fake_hold = true;
	send_bytes(&one, "ORDER cake {}\r\nRESULT 1\r\nPING\r\n");
	expect_silence(&one);
	ck_assert_int_eq(fake_pending, 1); /* RESULT has not asked the store yet */
	fake_answer(0);
	expect(&one, "$1\r\n1\r\n");
	while (fake_pending == 0)
		run_turns(1);
	fake_hold = false;
	fake_answer_all();
	expect(&one, "$-1\r\n+PONG\r\n");
}
END_TEST

START_TEST (errands_do_not_hold_up_the_pipeline) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	fake_hold = true;
	send_bytes(&one, "RESULT 1\r\nRESULT 1\r\nRESULT 1\r\nCANCEL 1\r\n");
	while (fake_pending < 4)
		run_turns(1);
	fake_hold = false;
	fake_answer(3);
	fake_answer_all();
	expect(&one, "$-1\r\n$-1\r\n$-1\r\n:1\r\n");
}
END_TEST

START_TEST (errors_of_the_store) {
	static const struct {
		int error;
		const char *reply;
	} rows[] = {
	    {ERR_STORAGE, "-STORAGE "},
	    {ERR_UNCERTAIN, "-UNCERTAIN "},
	    {ERR_QUEUEFULL, "-QUEUEFULL "},
	    {ERR_KEYCONFLICT, "-KEYCONFLICT 7 "},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fake_next_error = rows[i].error;
		ask(&one, "ORDER cake {} KEY k", rows[i].reply);
		drop_rest(&one);
	}
	ask(&one, "STATUS 17", "-NOTFOUND no such order\r\n");
	ask(&one, "STATUS 1999", "-GONE the order was here; history has been trimmed\r\n");
	ask(&one, "STATUS x", "-BADID 'x' is not an order's id\r\n");
}
END_TEST

START_TEST (a_long_line_is_not_read_any_further) {
	char request[] = "ORDER bytes x\r\n";
	fake_hold = true;
	for (int i = 0; i < 4400; i++) {
		while (send(one.fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
			run_turns(5);
	}
	run_turns(200);
	ck_assert_int_eq(fake_pending, 4096);
	fake_last_id = 0;
	for (int i = 0; i < 1000; i++)
		fake_answer(0);
	run_turns(200);
	ck_assert_int_eq(fake_pending, 4400 - 1000);
	close_client(&one);
	fake_last_id = 0;
	for (int i = 0; i < 1000; i++)
		fake_answer(0);
	fake_last_id = 0;
	for (int i = 0; i < 1000; i++)
		fake_answer(0);
	fake_last_id = 0;
	fake_answer_all();
	run_until(nobody_there);
}
END_TEST

/* ---- clients that vanish ---- */

START_TEST (vanishes_with_work_in_flight) {
	fake_hold = true;
	send_bytes(&one, "ORDER cake {}\r\nORDER cake {}\r\nCANCEL 1\r\nPING\r\nSTATUS 1\r\n");
	while (fake_pending < 3)
		run_turns(1);
	close_client(&one);
	run_turns(50);
	ck_assert(!nobody_there()); /* what the store works on is still there */
	fake_answer_all();
	run_turns(20);
	fake_answer_all();
	run_until(nobody_there);
	ck_assert_uint_eq(world_sessions->buffered, 0);
	ck_assert_uint_eq(gate_count(world_sessions->gate), 0);
}
END_TEST

START_TEST (vanishes_in_the_middle_of_a_request) {
	send_bytes(&one, "*3\r\n$5\r\nORDER\r\n$4\r\nca");
	run_turns(20);
	close_client(&one);
	run_until(nobody_there);
	ck_assert_int_eq((int)fake_last_id, 0);
}
END_TEST

START_TEST (vanishes_in_the_middle_of_replies) {
	char request[300], big[260];
	memset(big, 'x', sizeof big);
	big[250] = '\0';
	int n = snprintf(request, sizeof request, "ECHO %s\r\n", big);
	for (int i = 0; i < 10000; i++)
		if (send(one.fd, request, (size_t)n, MSG_NOSIGNAL) < 0)
			run_turns(2);
	run_turns(50);
	close_client(&one);
	run_until(nobody_there);
	ck_assert_uint_eq(world_sessions->buffered, 0);
}
END_TEST

START_TEST (half_closed_it_still_gets_its_answers) {
	fake_hold = true;
	send_bytes(&one, "ORDER cake {}\r\nPING\r\n");
	shutdown(one.fd, SHUT_WR);
	run_turns(20);
	fake_answer_all();
	expect(&one, "$1\r\n1\r\n+PONG\r\n");
	expect_closed(&one);
}
END_TEST

START_TEST (an_idle_connection_holds_nothing) {
	ask(&one, "PING", "+PONG\r\n");
	run_turns(10);
	struct connection *c = LIST_FIRST(&world_sessions->connections);
	ck_assert_ptr_null(c->task);
	ck_assert_ptr_null(c->parser);
	ck_assert_uint_eq(c->in.cap + c->stream.out.cap, 0);
	ck_assert_uint_eq(world_sessions->buffered, 0);
	ck_assert_uint_lt(sizeof *c, 1024);
}
END_TEST

/* With all buffers full, what holds much is not read, and what holds little is served. */
START_TEST (crowded) {
	static char much[400000];
	memset(much, 'x', sizeof much);
	world_conf.limits.buffers = 300000;
	send_bytes(&one, "*2\r\n$4\r\nECHO\r\n$900000\r\n");
	size_t sent = 0;
	for (int i = 0; i < 50; i++) {
		ssize_t n = send(one.fd, much, sizeof much, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		run_turns(5);
	}
	struct connection *c = LIST_FIRST(&world_sessions->connections);
	ck_assert(c->starved);
	ck_assert_uint_lt(sent, 900000);
	open_client(&two);
	ask(&two, "PING", "+PONG\r\n");
	/* It is not kept for ever: there may be too many like it for any to be finished. */
	clock_test_advance(61 * NS_PER_S, 61000);
	expect_closed(&one);
	ask(&two, "PING", "+PONG\r\n");
	ck_assert(!world_sessions->crowded);
}
END_TEST

/* Sends ECHO of so many bytes, however long the daemon takes to read it, at most so many turns. */
static size_t send_echo(struct client *c, size_t len, int most_turns)
{
	static char much[300000];
	char head[64];
	memset(much, 'x', sizeof much);
	snprintf(head, sizeof head, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", len);
	send_bytes(c, head);
	memcpy(much + len, "\r\n", 2);
	size_t sent = 0;
	for (; sent < len + 2 && most_turns > 0; most_turns--) {
		ssize_t n = send(c->fd, much + sent, len + 2 - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		run_turns(2);
	}
	return sent;
}

START_TEST (goes_on_when_it_is_no_longer_crowded) {
	world_conf.limits.buffers = 300000;
	while (!world_sessions->crowded) { /* it asks and asks, and does not read the replies */
		ssize_t n = send(one.fd, "INFO\r\n", 6, MSG_NOSIGNAL);
		ck_assert_int_eq(n, 6);
		run_turns(2);
	}
	open_client(&two);
	send_echo(&two, 100000, 100);
	run_turns(20);
	ck_assert(LIST_FIRST(&world_sessions->connections)->starved);
	while (world_sessions->crowded) {
		read_some(&one);
		one.len = 0;
		run_turns(2);
	}
	expect(&two, "$100000\r\nxxxxx");
}
END_TEST

START_TEST (half_a_request_has_a_minute) {
	send_bytes(&one, "*1\r\n$4\r\nPI");
	run_turns(20);
	clock_test_advance(59 * NS_PER_S, 59000);
	send_bytes(&one, "N");
	run_turns(20);
	ck_assert(!nobody_there());
	clock_test_advance(2 * NS_PER_S, 2000);
	expect_closed(&one);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("session");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, answers_when_it_is_on_disk);
	tcase_add_test(t, a_pipeline_waits_for_nothing_and_keeps_its_order);
	tcase_add_test(t, a_reader_sees_its_own_writes);
	tcase_add_test(t, errands_do_not_hold_up_the_pipeline);
	tcase_add_test(t, errors_of_the_store);
	tcase_add_test(t, a_long_line_is_not_read_any_further);
	tcase_add_test(t, vanishes_with_work_in_flight);
	tcase_add_test(t, vanishes_in_the_middle_of_a_request);
	tcase_add_test(t, vanishes_in_the_middle_of_replies);
	tcase_add_test(t, half_closed_it_still_gets_its_answers);
	tcase_add_test(t, an_idle_connection_holds_nothing);
	tcase_add_test(t, crowded);
	tcase_add_test(t, goes_on_when_it_is_no_longer_crowded);
	tcase_add_test(t, half_a_request_has_a_minute);
	return unit_run();
}
