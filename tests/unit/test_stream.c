/* Byte streams over real sockets: output is flushed once a turn, short writes go on when there is room, dead peers are noticed. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/net/stream.h"
#include "daemon/task/task.h"
#include "tests/unit/unit.h"

static struct loop *loop;
static struct stream stream;
static int fds[2]; /* [0] is the stream's, [1] the peer's */
static int readable, written, failed, writes;
static bool close_on_event;
static size_t expected;

static ssize_t counted_write(struct stream *s, const void *bytes, size_t n)
{
	writes++;
	return stream_plain.write(s, bytes, n);
}

static ssize_t plain_read(struct stream *s, void *to, size_t n)
{
	return stream_plain.read(s, to, n);
}

static void plain_close(struct stream *s)
{
	stream_plain.close(s);
}

static const struct stream_ops counted = {plain_read, counted_write, plain_close};

static void on_event(struct stream *s, enum stream_event event)
{
	readable += event == STREAM_READABLE;
	written += event == STREAM_WRITTEN;
	failed += event == STREAM_FAILED;
	if (close_on_event)
		stream_close(s);
	loop_stop(loop);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_DFL); /* a write must not kill us without anybody ignoring the signal */
	readable = written = failed = writes = 0;
	close_on_event = false;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(stream_open(&stream, loop, fds[0], &counted, on_event), 0);
}

static void tear_down(void)
{
	stream_close(&stream);
	stream_close(&stream); /* again is fine */
	close(fds[1]);
	task_runtime_clear();
	loop_free(loop);
}

/* Runs the loop until the next event of the stream. */
static void run(void)
{
	ck_assert_int_eq(loop_run(loop), 0);
}

START_TEST (reads_until_there_is_nothing) {
	struct buf in = {0};
	ck_assert_int_eq(write(fds[1], "hello", 5), 5);
	run();
	ck_assert_int_eq(readable, 1);
	ck_assert_int_eq(stream_read(&stream, &in, 3), 3);
	ck_assert_int_eq(stream_read(&stream, &in, 100), 2);
	ck_assert_int_eq(stream_read(&stream, &in, 100), -EAGAIN);
	ck_assert_uint_eq(in.len, 5);
	ck_assert_mem_eq(buf_bytes(&in), "hello", 5);
	ck_assert_int_eq(write(fds[1], "!", 1), 1);
	run();
	ck_assert_int_eq(readable, 2);
	ck_assert_int_eq(stream_read(&stream, &in, 100), 1);
	buf_clear(&in);
}
END_TEST

START_TEST (the_end_of_the_stream) {
	struct buf in = {0};
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	shutdown(fds[1], SHUT_WR);
	run();
	ck_assert_int_eq(stream_read(&stream, &in, 100), 1);
	ck_assert_int_eq(stream_read(&stream, &in, 100), 0);
	buf_clear(&in);
}
END_TEST

START_TEST (many_replies_share_a_write) {
	char got[1024];
	for (int i = 0; i < 100; i++) {
		buf_append_text(&stream.out, "+OK\r\n");
		stream_flush_soon(&stream);
	}
	ck_assert_int_eq(writes, 0);
	run();
	ck_assert_int_eq(written, 1);
	ck_assert_int_eq(writes, 1);
	ck_assert_int_eq(read(fds[1], got, sizeof got), 500);
	ck_assert_uint_eq(stream.out.cap, 0); /* nothing is held when nothing is to be sent */
}
END_TEST

/* Reads as the peer until all has come; what is written after a short write must be the rest, unharmed. */
static size_t read_all(struct buf *got)
{
	ssize_t n;
	do {
		char *to = buf_reserve(got, 65536);
		n = read(fds[1], to, 65536);
		if (n > 0)
			buf_commit(got, (size_t)n);
	} while (n > 0);
	return got->len;
}

START_TEST (short_writes_go_on) {
	struct buf got = {0};
	expected = 3 * 1024 * 1024;
	char *to = buf_reserve(&stream.out, expected);
	for (size_t i = 0; i < expected; i++)
		to[i] = (char)(i * 7 + i / 251);
	buf_commit(&stream.out, expected);
	ck_assert_int_eq(stream_flush(&stream), 0);
	ck_assert_uint_gt(stream.out.len, 0); /* the socket does not take it all */
	while (read_all(&got) < expected)
		run();
	ck_assert_uint_eq(stream.out.len, 0);
	ck_assert_uint_eq(got.len, expected);
	for (size_t i = 0; i < expected; i++)
		if (buf_bytes(&got)[i] != (char)(i * 7 + i / 251))
			ck_abort_msg("byte %zu is wrong", i);
	buf_clear(&got);
}
END_TEST

START_TEST (a_peer_that_is_gone) {
	close(fds[1]);
	fds[1] = -1;
	buf_append_text(&stream.out, "+OK\r\n");
	stream_flush_soon(&stream);
	while (!failed)
		run();
	ck_assert_int_eq(stream.error, -EPIPE);
	ck_assert_int_eq(stream_flush(&stream), -EPIPE); /* it stays */
	stream_flush_soon(&stream);
	ck_assert(!stream.flush.queued);
}
END_TEST

START_TEST (flushing_by_hand_tells_nobody) {
	close(fds[1]);
	fds[1] = -1;
	buf_append_text(&stream.out, "+OK\r\n");
	ck_assert_int_eq(stream_flush(&stream), -EPIPE);
	ck_assert_int_eq(failed, 0);
}
END_TEST

START_TEST (may_be_closed_by_its_owner_when_told) {
	close_on_event = true;
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	run();
	ck_assert_int_eq(stream.fd, -1);
	char byte;
	ck_assert_int_eq(read(fds[1], &byte, 1), -1); /* unread bytes: the peer hears of it as a reset */
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST (what_waits_to_be_sent_goes_with_it) {
	buf_append_text(&stream.out, "+OK\r\n");
	stream_flush_soon(&stream);
	stream_close(&stream);
	char byte;
	ck_assert_int_eq(read(fds[1], &byte, 1), 0);
	stream_flush_soon(&stream); /* a no-op */
	ck_assert(!stream.flush.queued);
}
END_TEST

START_TEST (parts_without_a_reset) {
	char got[10];
	ck_assert_int_eq(write(fds[1], "unread", 6), 6);
	buf_append_text(&stream.out, "bye");
	ck_assert_int_eq(stream_flush(&stream), 0);
	stream_part(&stream);
	stream_close(&stream);
	ck_assert_int_eq(read(fds[1], got, sizeof got), 3);
	ck_assert_int_eq(read(fds[1], got, sizeof got), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("stream");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, reads_until_there_is_nothing);
	tcase_add_test(t, the_end_of_the_stream);
	tcase_add_test(t, many_replies_share_a_write);
	tcase_add_test(t, short_writes_go_on);
	tcase_add_test(t, a_peer_that_is_gone);
	tcase_add_test(t, flushing_by_hand_tells_nobody);
	tcase_add_test(t, may_be_closed_by_its_owner_when_told);
	tcase_add_test(t, what_waits_to_be_sent_goes_with_it);
	tcase_add_test(t, parts_without_a_reset);
	return unit_run();
}
