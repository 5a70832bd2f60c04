/* The payload of a channel's message: one line of JSON, without members that have no value; and who hears it. */
#include <stdlib.h>
#include <string.h>

#include "daemon/session/message.h"
#include "daemon/session/topics.h"
#include "tests/unit/unit.h"

static struct store_event event(void)
{
	return (struct store_event){
	    .seq = 41,
	    .id = 1795251000017,
	    .time_ms = 1795251000123,
	    .recipe = "checksum",
	    .user = "shop",
	    .state = ORDER_DONE,
	    .cause = CAUSE_EXIT,
	    .attempt = 1,
	};
}

static char *message_of(const struct store_event *e)
{
	struct buf out = {0};
	ck_assert_int_eq(message_write(&out, e), 0);
	buf_append(&out, "", 1);
	char *text = strdup(buf_bytes(&out));
	buf_clear(&out);
	return text;
}

START_TEST (of_a_done_order) {
	struct store_event e = event();
	char *text = message_of(&e);
	ck_assert_str_eq(text,
	    "{\"seq\":\"41\",\"id\":\"1795251000017\",\"recipe\":\"checksum\",\"user\":\"shop\","
	    "\"state\":\"done\",\"time\":1795251000123,\"attempt\":1,\"cause\":\"exit\",\"exit\":0}");
	free(text);
}
END_TEST

START_TEST (of_one_that_has_not_ended) {
	struct store_event e = event();
	e.state = ORDER_QUEUED;
	e.cause = CAUSE_NONE;
	e.attempt = 0;
	e.exit = -1;
	char *text = message_of(&e);
	ck_assert_str_eq(text,
	    "{\"seq\":\"41\",\"id\":\"1795251000017\",\"recipe\":\"checksum\",\"user\":\"shop\","
	    "\"state\":\"queued\",\"time\":1795251000123,\"attempt\":0}");
	free(text);
}
END_TEST

START_TEST (of_one_that_a_signal_ended) {
	struct store_event e = event();
	e.state = ORDER_FAILED;
	e.cause = CAUSE_SIGNAL;
	e.exit = -1;
	e.signal = 9;
	char *text = message_of(&e);
	ck_assert_ptr_nonnull(strstr(text, "\"cause\":\"signal\",\"signal\":9}"));
	ck_assert_ptr_null(strstr(text, "exit"));
	free(text);
}
END_TEST

START_TEST (names_are_quoted) {
	struct store_event e = event();
	e.user = "DOM\\al\"ice\n\xc3\xa9";
	char *text = message_of(&e);
	ck_assert_ptr_nonnull(strstr(text, "\"user\":\"DOM\\u005cal\\u0022ice\\u000a\xc3\xa9\""));
	ck_assert_ptr_null(strchr(text, '\n'));
	free(text);
}
END_TEST

/* ---- topics ---- */

struct ear {
	struct listening listening;
	int heard;
	int64_t last;
};

static void on_event(struct listening *l, const struct store_event *e)
{
	struct ear *ear = (struct ear *)l;
	ear->heard++;
	ear->last = e->id;
}

static void publish(struct topics *t, int64_t id)
{
	struct store_event e = event();
	e.id = id;
	topics_publish(t, &e);
}

START_TEST (heard_by_those_who_listen) {
	struct topics *t;
	struct ear seven = {{.on_event = on_event}}, other = {{.on_event = on_event}},
		   all = {{.on_event = on_event}};
	ck_assert_int_eq(topics_new(&t), 0);
	publish(t, 7);
	ck_assert_int_eq(topics_listen_order(t, 7, &seven.listening), 0);
	ck_assert_int_eq(topics_listen_order(t, 7, &other.listening), 0);
	topics_listen_all(t, &all.listening);
	publish(t, 7);
	publish(t, 8);
	ck_assert_int_eq(seven.heard, 1);
	ck_assert_int_eq(other.heard, 1);
	ck_assert_int_eq(all.heard, 2);
	ck_assert_int_eq(all.last, 8);
	topics_leave(&seven.listening);
	publish(t, 7);
	ck_assert_int_eq(seven.heard, 1);
	ck_assert_int_eq(other.heard, 2);
	topics_leave(&other.listening);
	topics_leave(&other.listening); /* again is fine */
	topics_leave(&all.listening);
	publish(t, 7);
	ck_assert_int_eq(all.heard, 3);
	topics_free(t);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("topics");
	tcase_add_test(t, of_a_done_order);
	tcase_add_test(t, of_one_that_has_not_ended);
	tcase_add_test(t, of_one_that_a_signal_ended);
	tcase_add_test(t, names_are_quoted);
	tcase_add_test(t, heard_by_those_who_listen);
	return unit_run();
}
