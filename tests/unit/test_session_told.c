/*
 * Waiting and being told: AWAIT, channels, whatever comes first, the order's end or the question.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/session/shared.h"
#include "tests/unit/session_world.h"
#include "tests/unit/unit.h"

START_TEST (await_answers_when_it_is_final) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	send_bytes(&one, "AWAIT 0 1 2\r\nPING\r\n");
	expect_silence(&one);
	tell(2, ORDER_RUNNING);
	expect_silence(&one);
	tell(2, ORDER_DONE);
	expect(&one, "*52\r\n$2\r\nid\r\n$1\r\n2\r\n");
	run_turns(20);
	read_some(&one);
	ck_assert_ptr_nonnull(strstr(one.got, "+PONG\r\n")); /* what came after it is answered after it */
	one.len = 0;
	/* Again: it takes nothing away. Several are final: the first of the arguments. */
	tell(1, ORDER_FAILED);
	ask(&one, "AWAIT 10s 1 2", "*52\r\n$2\r\nid\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST (await_all) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	tell(2, ORDER_DONE);
	send_bytes(&one, "AWAIT 0 2 1 all\r\n");
	expect_silence(&one);
	tell(1, ORDER_CANCELLED);
	expect(&one, "*2\r\n*52\r\n$2\r\nid\r\n$1\r\n2\r\n");
}
END_TEST

START_TEST (await_misses_no_end_while_it_reads) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	fake_hold = true;
	send_bytes(&one, "AWAIT 0 1 2 ALL\r\n");
	while (fake_pending < 2)
		run_turns(1);
	fake_answer(1);      /* the second is queued, says the store; */
	tell(2, ORDER_DONE); /* and then it is not any more, while the first is still being read */
	run_turns(5);
	fake_hold = false;
	fake_answer(0);
	run_turns(5);
	tell(1, ORDER_DONE);
	expect(&one, "*2\r\n*52\r\n$2\r\nid\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST (await_ends_in_time) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	send_bytes(&one, "AWAIT 500 1\r\n");
	run_turns(20);
	clock_test_advance(NS_PER_S, 1000);
	expect(&one, "*-1\r\n");
	ask(&one, "AWAIT 500 1 77", "-NOTFOUND no such order\r\n");
	ask(&one, "AWAIT 11m 1", "-BADARG timeout: at most 10m\r\n");
	ask(&one, "AWAIT soon 1", "-ERR timeout");
}
END_TEST

START_TEST (who_hangs_up_is_not_waited_for) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	send_bytes(&one, "AWAIT 0 1\r\nPING\r\n");
	run_turns(20);
	close_client(&one);
	run_until(nobody_there);
	ck_assert_uint_eq(world_sessions->counters.waiting, 0);
	tell(1, ORDER_DONE); /* nobody listens */
}
END_TEST

START_TEST (who_hung_up_before_it_was_read_is_not_waited_for) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	send_bytes(&one, "AWAIT 0 1\r\nPING\r\n");
	close_client(&one);
	run_until(nobody_there);
}
END_TEST

/* The message of order 1 being done, as it is pushed. */
static const char *done_message(void)
{
	static char text[300];
	char json[200];
	snprintf(json, sizeof json,
	    "{\"seq\":\"2\",\"id\":\"1\",\"recipe\":\"cake\",\"user\":\"%s\",\"state\":\"done\",\"time\":"
	    "1000,\"attempt\":1,\"cause\":\"exit\",\"exit\":0}",
	    fake_orders[1].user);
	snprintf(
	    text, sizeof text, "*3\r\n$7\r\nmessage\r\n$7\r\norder:1\r\n$%zu\r\n%s\r\n", strlen(json), json);
	return text;
}

START_TEST (told_once_whether_before_or_after) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "SUBSCRIBE order:1", "*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:1\r\n");
	expect_silence(&one);
	tell(1, ORDER_DONE);
	expect(&one, done_message());
	/* Somebody else comes late. */
	open_client(&two);
	send_bytes(&two, "SUBSCRIBE order:1\r\n");
	expect(&two, "*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:1\r\n");
	expect(&two, done_message());
	expect_silence(&one);
	expect_silence(&two);
}
END_TEST

START_TEST (told_once_when_it_ends_during_the_subscription) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	fake_hold = true;
	send_bytes(&one, "SUBSCRIBE order:1\r\n");
	expect(&one, "*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:1\r\n");
	while (fake_pending == 0)
		run_turns(1);
	tell(1, ORDER_DONE); /* the event is here before the store's answer, which says the same */
	fake_answer_all();
	expect(&one, done_message());
	expect_silence(&one);
}
END_TEST

START_TEST (an_old_event_does_not_follow_the_final_message) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	struct store_event e = fake_move(1, ORDER_DONE); /* committed, and not published yet */
	send_bytes(&one, "SUBSCRIBE order:1\r\n");
	expect(&one, "*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:1\r\n");
	expect(&one, done_message());
	sessions_on_events(world_sessions, &e, 1);
	expect_silence(&one);
}
END_TEST

START_TEST (events_and_patterns) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "SUBSCRIBE events other",
	    "*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:2\r\n");
	ask(&one, "PSUBSCRIBE order:* x*",
	    "*3\r\n$10\r\npsubscribe\r\n$7\r\norder:*\r\n:3\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:"
	    "4\r\n");
	tell(1, ORDER_RUNNING);
	run_turns(20);
	read_some(&one);
	ck_assert_ptr_nonnull(strstr(one.got, "*3\r\n$7\r\nmessage\r\n$6\r\nevents\r\n"));
	ck_assert_ptr_nonnull(strstr(one.got, "*4\r\n$8\r\npmessage\r\n$7\r\norder:*\r\n$7\r\norder:1\r\n"));
	one.len = 0;
	ask(&one, "PSUBSCRIBE a?c*", "-BADARG a pattern is plain text and one * at its end\r\n");
	ask(&one, "UNSUBSCRIBE",
	    "*3\r\n$11\r\nunsubscribe\r\n$6\r\nevents\r\n:3\r\n*3\r\n$11\r\nunsubscribe\r\n$5\r\nother\r\n:"
	    "2\r\n");
	ask(&one, "STATUS 1", "-ERR Can't execute 'status': only (P|S)SUBSCRIBE");
	drop_rest(&one);
	ask(&one, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	ask(&one, "PUNSUBSCRIBE x* order:*",
	    "*3\r\n$12\r\npunsubscribe\r\n$2\r\nx*\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$7\r\norder:*\r\n:"
	    "0\r\n");
	ask(&one, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
	ask(&one, "PING", "+PONG\r\n");
	ck_assert_uint_eq(world_sessions->counters.subscriptions, 0);
}
END_TEST

START_TEST (a_subscriber_that_does_not_read_is_closed) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "SUBSCRIBE order:1", "*3\r\n$9\r\nsubscribe\r\n$7\r\norder:1\r\n:1\r\n");
	for (long i = 0; i < 200000 && !nobody_there(); i++) {
		tell(1, ORDER_RUNNING);
		if (i % 1000 == 0)
			run_turns(2);
	}
	ck_assert(nobody_there());
	ck_assert_uint_eq(world_sessions->buffered, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("session-told");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, await_answers_when_it_is_final);
	tcase_add_test(t, await_all);
	tcase_add_test(t, await_misses_no_end_while_it_reads);
	tcase_add_test(t, await_ends_in_time);
	tcase_add_test(t, who_hangs_up_is_not_waited_for);
	tcase_add_test(t, who_hung_up_before_it_was_read_is_not_waited_for);
	tcase_add_test(t, told_once_whether_before_or_after);
	tcase_add_test(t, told_once_when_it_ends_during_the_subscription);
	tcase_add_test(t, an_old_event_does_not_follow_the_final_message);
	tcase_add_test(t, events_and_patterns);
	tcase_add_test(t, a_subscriber_that_does_not_read_is_closed);
	return unit_run();
}
