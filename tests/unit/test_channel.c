#include "daemon/worker/channel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "tests/unit/unit.h"

static struct channel a, b;

static void open_pair(void)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&a, fds[0]), 0);
	ck_assert_int_eq(channel_init(&b, fds[1]), 0);
}

static void close_pair(void)
{
	channel_clear(&a);
	channel_clear(&b);
}

static void send_ping(struct channel *c, int64_t number)
{
	struct message_writer w;
	channel_begin(c, &w, MESSAGE_PING);
	message_add_int(&w, number);
	ck_assert_int_eq(channel_finish(c, &w, -1), 0);
}

/* A descriptor that can be told from others: a pipe that holds one byte. */
static int marked_fd(char mark)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], &mark, 1), 1);
	close(fds[1]);
	return fds[0];
}

static void check_mark(int fd, char mark)
{
	char got = 0;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(read(fd, &got, 1), 1);
	ck_assert_int_eq(got, mark);
	close(fd);
}

static int count_fds(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST (several_messages_go_in_one_write) {
	open_pair();
	for (int i = 0; i < 100; i++)
		send_ping(&a, i);
	ck_assert_int_eq(channel_flush(&a), 0);
	ck_assert_int_eq(channel_read(&b), 0);
	struct message m;
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(channel_next(&b, &m), 1);
		ck_assert_int_eq(message_get_int(&m, 0, 100), i);
		ck_assert_int_eq(message_end(&m), 0);
	}
	ck_assert_int_eq(channel_next(&b, &m), 0);
	ck_assert_int_eq(channel_read(&b), -EAGAIN);
	close_pair();
}
END_TEST

START_TEST (descriptors_arrive_with_their_frames) {
	int before = count_fds();
	open_pair();
	send_ping(&a, 1);
	ck_assert_int_eq(channel_send(&a, MESSAGE_LISTENER, marked_fd('x')), 0);
	ck_assert_int_eq(channel_send(&a, MESSAGE_LISTENER, marked_fd('y')), 0);
	send_ping(&a, 2);
	ck_assert_int_eq(channel_send(&a, MESSAGE_LOCK, marked_fd('z')), 0);
	ck_assert_int_eq(channel_flush(&a), 0);
	static const struct {
		enum message_type type;
		char mark;
	} expected[] = {{MESSAGE_PING, 0}, {MESSAGE_LISTENER, 'x'}, {MESSAGE_LISTENER, 'y'},
	    {MESSAGE_PING, 0}, {MESSAGE_LOCK, 'z'}};
	for (size_t i = 0; i < 5;) {
		struct message m;
		int r = channel_next(&b, &m);
		if (r == 0) {
			ck_assert_int_eq(channel_read(&b), 0);
			continue;
		}
		ck_assert_int_eq(r, 1);
		ck_assert_int_eq(m.type, expected[i].type);
		if (expected[i].mark)
			check_mark(m.fd, expected[i].mark);
		else
			ck_assert_int_eq(m.fd, -1);
		i++;
	}
	close_pair();
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

/* Everything that one end sends, cut into two writes at each place, comes out the same. */
START_TEST (every_split_of_the_stream) {
	int before = count_fds();
	open_pair();
	send_ping(&a, 7);
	ck_assert_int_eq(channel_send(&a, MESSAGE_WORKERS_ANNOUNCED, -1), 0);
	send_ping(&a, 8);
	struct buf bytes = {0};
	ck_assert_int_eq(buf_append(&bytes, buf_bytes(&a.out), a.out.len), 0);
	close_pair();
	for (size_t split = 1; split < bytes.len; split++) {
		open_pair();
		ck_assert_int_eq(write(a.fd, buf_bytes(&bytes), split), (ssize_t)split);
		int got = 0;
		struct message m;
		ck_assert_int_eq(channel_read(&b), 0);
		while (channel_next(&b, &m) == 1)
			got++;
		ck_assert_int_eq(
		    write(a.fd, buf_bytes(&bytes) + split, bytes.len - split), (ssize_t)(bytes.len - split));
		ck_assert_int_eq(channel_read(&b), 0);
		while (channel_next(&b, &m) == 1)
			got++;
		ck_assert_int_eq(got, 3);
		close_pair();
	}
	buf_clear(&bytes);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST (a_full_socket_keeps_the_rest_for_later) {
	open_pair();
	enum { BIG = 4 << 20 };
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	memset(big, 'k', BIG);
	struct message_writer w;
	channel_begin(&a, &w, MESSAGE_JOB_ENDED);
	message_add_bytes(&w, big, BIG);
	ck_assert_int_eq(channel_finish(&a, &w, -1), 0);
	ck_assert_int_eq(channel_send(&a, MESSAGE_LOCK, marked_fd('k')), 0);
	ck_assert_int_eq(channel_flush(&a), -EAGAIN);
	ck_assert(channel_wants_write(&a));
	struct message m;
	int r;
	while ((r = channel_next(&b, &m)) == 0) {
		int read = channel_read(&b);
		ck_assert(read == 0 || read == -EAGAIN);
		int flushed = channel_flush(&a);
		ck_assert(flushed == 0 || flushed == -EAGAIN);
	}
	ck_assert_int_eq(r, 1);
	struct slice s = message_get_bytes(&m);
	ck_assert_uint_eq(s.len, BIG);
	ck_assert_mem_eq(s.data, big, BIG);
	while ((r = channel_next(&b, &m)) == 0)
		(void)channel_read(&b);
	ck_assert_int_eq(r, 1);
	check_mark(m.fd, 'k');
	ck_assert(!channel_wants_write(&a));
	free(big);
	close_pair();
}
END_TEST

START_TEST (the_end_comes_after_what_was_said) {
	open_pair();
	send_ping(&a, 5);
	ck_assert_int_eq(channel_flush(&a), 0);
	channel_clear(&a);
	ck_assert_int_eq(channel_read(&b), 0);
	ck_assert_int_eq(channel_read(&b), ERR_CLOSED);
	struct message m;
	ck_assert_int_eq(channel_next(&b, &m), 1);
	ck_assert_int_eq(message_get_int(&m, 0, 10), 5);
	send_ping(&b, 6);
	ck_assert_int_eq(channel_flush(&b), -EPIPE);
	close_pair();
}
END_TEST

/* Sends raw bytes with a descriptor. */
static void send_raw(const void *bytes, size_t len, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {(void *)bytes, len};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	ck_assert_int_eq(sendmsg(a.fd, &msg, 0), (ssize_t)len);
	close(fd);
}

START_TEST (a_descriptor_where_none_belongs_is_refused_and_closed) {
	int before = count_fds();
	open_pair();
	send_ping(&a, 1);
	send_raw(buf_bytes(&a.out), a.out.len, marked_fd('q'));
	ck_assert_int_eq(channel_read(&b), 0);
	struct message m;
	ck_assert_int_eq(channel_next(&b, &m), 1);
	ck_assert_int_eq(channel_next(&b, &m), ERR_PROTOCOL);
	close_pair();
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST (a_missing_descriptor_is_refused) {
	open_pair();
	const uint32_t body = 0;
	const uint16_t rest[2] = {MESSAGE_LOCK, 1};
	ck_assert_int_eq(write(a.fd, &body, sizeof body), sizeof body);
	ck_assert_int_eq(write(a.fd, rest, sizeof rest), sizeof rest);
	ck_assert_int_eq(channel_read(&b), 0);
	struct message m;
	ck_assert_int_eq(channel_next(&b, &m), ERR_PROTOCOL);
	close_pair();
}
END_TEST

START_TEST (a_flood_of_descriptors_is_refused_and_closed) {
	int before = count_fds();
	open_pair();
	int r = 0;
	for (int i = 0; i < 2 * CHANNEL_FDS_MAX && !r; i++) {
		send_raw("", 1, marked_fd('f')); /* never a whole frame */
		r = channel_read(&b);
		b.in.len = b.in.len > 4 ? 4 : b.in.len;
	}
	ck_assert_int_eq(r, ERR_PROTOCOL);
	close_pair();
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST (what_was_not_sent_is_closed) {
	int before = count_fds();
	open_pair();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(channel_send(&a, MESSAGE_FRONT, marked_fd('n')), 0);
	close_pair();
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("channel");
	tcase_add_test(t, several_messages_go_in_one_write);
	tcase_add_test(t, descriptors_arrive_with_their_frames);
	tcase_add_test(t, every_split_of_the_stream);
	tcase_add_test(t, a_full_socket_keeps_the_rest_for_later);
	tcase_add_test(t, the_end_comes_after_what_was_said);
	tcase_add_test(t, a_descriptor_where_none_belongs_is_refused_and_closed);
	tcase_add_test(t, a_missing_descriptor_is_refused);
	tcase_add_test(t, a_flood_of_descriptors_is_refused_and_closed);
	tcase_add_test(t, what_was_not_sent_is_closed);
	return unit_run();
}
