/* The reply line: replies come in the order of the requests whatever the order of their answers; slots outlive a client that is gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/session/line.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

static struct buf out;
static struct reply_writer writer;
static struct line line;
static int changes, last_error, released;

static void on_change(struct line *l, int error)
{
	changes += l == &line;
	last_error = error;
}

struct numbered {
	struct slot slot;
	int number;
};

static int render(struct slot *slot, struct reply_writer *w)
{
	return reply_int(w, ((struct numbered *)slot)->number);
}

static void release(struct slot *slot)
{
	released++;
	free(slot);
}

static struct numbered *open_slot(int number, bool write, size_t bytes)
{
	struct numbered *n = calloc(1, sizeof *n);
	n->slot = (struct slot){.render = render, .release = release, .write = write, .bytes = bytes};
	n->number = number;
	line_open(&line, &n->slot);
	return n;
}

static void set_up(void)
{
	changes = released = last_error = 0;
	out = (struct buf){0};
	writer = (struct reply_writer){.out = &out, .version = 2};
	line_init(&line, &writer, on_change);
}

static void tear_down(void)
{
	buf_clear(&out);
}

static void expect_out(const char *text)
{
	ck_assert_uint_eq(out.len, strlen(text));
	ck_assert_mem_eq(buf_bytes(&out), text, out.len);
}

START_TEST (replies_in_the_order_of_requests) {
	struct numbered *a = open_slot(1, false, 0), *b = open_slot(2, false, 0), *c = open_slot(3, false, 0);
	line_fill(&c->slot);
	expect_out("");
	line_fill(&a->slot);
	expect_out(":1\r\n");
	line_fill(&b->slot);
	expect_out(":1\r\n:2\r\n:3\r\n");
	ck_assert_int_eq(released, 3);
	ck_assert_uint_eq(line.count, 0);
}
END_TEST

START_TEST (what_is_ready_waits_for_what_is_before) {
	struct numbered *a = open_slot(1, false, 0);
	struct buf ready = {0};
	buf_append_text(&ready, "+PONG\r\n");
	ck_assert_int_eq(line_add(&line, &ready), 0);
	buf_clear(&ready);
	expect_out("");
	line_fill(&a->slot);
	expect_out(":1\r\n+PONG\r\n");
	ck_assert_uint_eq(line.count, 0);
	ck_assert_uint_eq(line.bytes, 0);
}
END_TEST

START_TEST (counts_writes_and_bytes) {
	struct numbered *a = open_slot(1, true, 100), *b = open_slot(2, true, 50),
			*c = open_slot(3, false, 7);
	ck_assert_uint_eq(line.writes, 2);
	ck_assert_uint_eq(line.bytes, 157);
	line_fill(&b->slot); /* done, though it may not be replied yet */
	ck_assert_uint_eq(line.writes, 1);
	ck_assert_uint_eq(line.bytes, 157);
	line_fill(&a->slot);
	ck_assert_uint_eq(line.writes, 0);
	ck_assert_uint_eq(line.bytes, 7);
	line_fill(&c->slot);
	ck_assert_uint_eq(line.bytes, 0);
}
END_TEST

START_TEST (the_last_write_is_news_even_behind_others) {
	struct numbered *a = open_slot(1, false, 0), *b = open_slot(2, true, 0);
	line_fill(&b->slot);
	ck_assert_int_eq(changes, 1); /* a reader behind it may go on */
	line_fill(&a->slot);
	ck_assert_int_eq(changes, 2);
}
END_TEST

START_TEST (a_client_that_is_gone) {
	struct numbered *a = open_slot(1, true, 10), *b = open_slot(2, false, 10),
			*c = open_slot(3, true, 10);
	line_fill(&b->slot);
	line_abandon(&line);
	ck_assert_int_eq(released, 1); /* b: nobody needs it */
	ck_assert_uint_eq(line.count, 2);
	line_fill(&c->slot);
	line_fill(&a->slot);
	ck_assert_int_eq(released, 3);
	ck_assert_uint_eq(line.count, 0);
	ck_assert_uint_eq(line.bytes, 0);
	ck_assert_uint_eq(line.writes, 0);
	ck_assert_int_eq(changes, 2);
	expect_out("");
}
END_TEST

START_TEST (no_memory_for_a_reply_is_told) {
	struct numbered *a = open_slot(1, false, 0), *b = open_slot(2, false, 0);
	line_fill(&b->slot);
	refuse_memory_after(0);
	line_fill(&a->slot);
	refuse_memory_never();
	ck_assert_int_eq(last_error, -ENOMEM);
	ck_assert_int_eq(released, 2); /* nothing is left behind */
	expect_out("");                /* and nothing is out of step */
}
END_TEST

int main(void)
{
	TCase *t = unit_case("line");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, replies_in_the_order_of_requests);
	tcase_add_test(t, what_is_ready_waits_for_what_is_before);
	tcase_add_test(t, counts_writes_and_bytes);
	tcase_add_test(t, the_last_write_is_news_even_behind_others);
	tcase_add_test(t, a_client_that_is_gone);
	tcase_add_test(t, no_memory_for_a_reply_is_told);
	return unit_run();
}
