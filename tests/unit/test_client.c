/*
 * The client library against a server that does exactly what a test says: answers, stays silent, closes, says
 * nonsense.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/bakery.h"
#include "proto/request.h"
#include "tests/unit/unit.h"

#define HELLO "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"

/* What each connection gets for its requests, one after the other; NULL ends it: the server closes. */
enum { CONNECTIONS = 8, REPLIES = 12 };
static const char *script[CONNECTIONS][REPLIES];

static struct server {
	int fd;
	char address[256];
	pthread_t thread;
	struct buf seen; /* every request: its words with spaces, then a line end */
	int connections;
} server;

/* Reads one request into `seen`. False when the client has gone. */
static bool read_request(int fd, struct request_parser *p, struct buf *in)
{
	static const struct request_limits limits = {100, 1 << 20, 1 << 24, 0, false};
	struct request r;
	while (request_parse(p, in, &limits, &r) != REQUEST_READY) {
		char *at = buf_reserve(in, 65536);
		ssize_t n = read(fd, at, 65536);
		if (n <= 0)
			return false;
		buf_commit(in, (size_t)n);
	}
	for (uint32_t i = 0; i < r.argc; i++) {
		buf_append_text(&server.seen, i ? " " : "");
		buf_append(&server.seen, r.argv[i].data, r.argv[i].len < 100 ? r.argv[i].len : 100);
	}
	buf_append_text(&server.seen, "\n");
	request_done(p, in);
	return true;
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(server.fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		const char **replies = script[server.connections++];
		struct request_parser *p;
		struct buf in = {0};
		request_parser_new(&p);
		for (int i = 0; read_request(fd, p, &in) && replies[i]; i++)
			if (send(fd, replies[i], strlen(replies[i]), MSG_NOSIGNAL) < 0)
				break;
		close(fd);
		request_parser_free(p);
		buf_clear(&in);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	ck_assert_uint_lt(strlen(path), sizeof to.sun_path);
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

static void set_up(void)
{
	char path[200];
	server = (struct server){0};
	memset(script, 0, sizeof script);
	unsetenv("BAKERY_SERVER");
	snprintf(path, sizeof path, "%s/s", unit_dir());
	snprintf(server.address, sizeof server.address, "unix:%s", path);
	server.fd = listen_at(path);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

/* Ends the server; then what it has seen can be looked at. */
static void end_server(void)
{
	if (server.fd < 0)
		return;
	shutdown(server.fd, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.fd);
	server.fd = -1;
	buf_append(&server.seen, "", 1);
}

static void tear_down(void)
{
	end_server();
	buf_clear(&server.seen);
	unlink(server.address + 5);
}

static struct bakery *open_ok(void)
{
	struct bakery *b;
	struct bakery_options o = {.server = server.address};
	ck_assert_msg(bakery_open(&o, &b) == 0, "%s", bakery_error(b));
	return b;
}

START_TEST (says_hello) {
	script[0][0] = HELLO;
	script[0][1] = "+PONG\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_str_eq(bakery_address(b), server.address);
	ck_assert_int_eq(bakery_command(b, &v, "PING", NULL), 0);
	ck_assert_str_eq(v->text, "PONG");
	value_free(v);
	bakery_close(b);
	end_server();
	ck_assert_str_eq(buf_bytes(&server.seen), "HELLO 3\nPING\n");
}
END_TEST

START_TEST (logs_in) {
	script[0][0] = HELLO;
	struct bakery *b;
	struct bakery_options o = {.server = server.address, .login = "shop", .password = "secret word"};
	ck_assert_int_eq(bakery_open(&o, &b), 0);
	bakery_close(b);
	end_server();
	ck_assert_str_eq(buf_bytes(&server.seen), "HELLO 3 AUTH shop secret word\n");
}
END_TEST

START_TEST (says_why_it_was_refused) {
	static const struct {
		const char *reply;
		int code;
	} rows[] = {
	    {"-WRONGPASS invalid username-password pair\r\n", -EACCES},
	    {"-NOAUTH HELLO must be called\r\n", -EACCES},
	    {"-ERR max number of clients reached\r\n", -EAGAIN},
	    {"-ERR unknown command 'HELLO'\r\n", -EPROTO},
	    {"+OK\r\n", -EPROTO},
	    {"HTTP/1.1 400 Bad Request\r\n", -EPROTO},
	    {NULL, -ECONNRESET},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bakery *b;
		struct bakery_options o = {.server = server.address};
		script[i][0] = rows[i].reply;
		ck_assert_int_eq(bakery_open(&o, &b), rows[i].code);
		ck_assert_ptr_nonnull(strstr(bakery_error(b), server.address));
		ck_assert_int_eq(bakery_fd(b), -1);
		struct value *v;
		ck_assert_int_eq(bakery_command(b, &v, "PING", NULL), -ENOTCONN);
		bakery_close(b);
	}
}
END_TEST

START_TEST (nobody_there) {
	char path[200];
	struct bakery *b;
	struct bakery_options o = {.server = path};
	snprintf(path, sizeof path, "unix:%s/nobody", unit_dir());
	ck_assert_int_eq(bakery_open(&o, &b), -ENOENT);
	ck_assert_ptr_nonnull(strstr(bakery_error(b), "nobody"));
	bakery_close(b);
	o.server = "not an address";
	ck_assert_int_eq(bakery_open(&o, &b), -EINVAL);
	ck_assert_ptr_nonnull(strstr(bakery_error(b), "not an address"));
	bakery_close(b);
}
END_TEST

START_TEST (a_socket_that_refuses_is_not_passed_by) {
	/* The person's socket is there, and nobody listens: the system's must not be tried instead. */
	char runtime[200], folder[220], path[240];
	snprintf(runtime, sizeof runtime, "%s/run", unit_dir());
	snprintf(folder, sizeof folder, "%s/bakery", runtime);
	snprintf(path, sizeof path, "%s/bakery.sock", folder);
	ck_assert_int_eq(mkdir(runtime, 0700), 0);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	close(listen_at(path));
	struct bakery *b;
	struct bakery_options o = {0};
	ck_assert_int_eq(bakery_open(&o, &b), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(bakery_address(b), path));
	bakery_close(b);
	/* $BAKERY_SERVER goes before it. */
	script[0][0] = HELLO;
	setenv("BAKERY_SERVER", server.address, 1);
	ck_assert_int_eq(bakery_open(&o, &b), 0);
	bakery_close(b);
	unlink(path);
	rmdir(folder);
	rmdir(runtime);
}
END_TEST

START_TEST (errors_are_replies) {
	script[0][0] = HELLO;
	script[0][1] = "-NOTFOUND no such order\r\n";
	script[0][2] = "+OK\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_command(b, &v, "STATUS", "7", NULL), 0);
	ck_assert_int_eq(v->type, VALUE_ERROR);
	ck_assert_str_eq(v->text, "NOTFOUND no such order");
	value_free(v);
	ck_assert_int_eq(bakery_command(b, &v, "PAUSE", NULL), 0);
	value_free(v);
	bakery_close(b);
}
END_TEST

START_TEST (pushes_wait_their_turn) {
	script[0][0] = HELLO;
	script[0][1] = ">3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$"
		       "6\r\nevents\r\n$1\r\na\r\n";
	script[0][2] = ">3\r\n$7\r\nmessage\r\n$6\r\nevents\r\n$1\r\nb\r\n+PONG\r\n";
	script[0][3] = "-NOPERM no\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_send(b, 2, (struct slice[]){{"SUBSCRIBE", 9}, {"events", 6}}), 0);
	ck_assert_int_eq(bakery_push(b, -1, &v), 0);
	ck_assert_str_eq(v->items[0].text, "subscribe");
	value_free(v);
	ck_assert_int_eq(bakery_command(b, &v, "PING", NULL), 0);
	ck_assert_str_eq(v->text, "PONG");
	value_free(v);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(bakery_push(b, 0, &v), 0);
		ck_assert_str_eq(v->items[2].text, i ? "b" : "a");
		value_free(v);
	}
	ck_assert_int_eq(bakery_push(b, 0, &v), -ETIMEDOUT);
	/* A refused SUBSCRIBE is told. */
	ck_assert_int_eq(bakery_send(b, 2, (struct slice[]){{"SUBSCRIBE", 9}, {"events", 6}}), 0);
	ck_assert_int_eq(bakery_push(b, -1, &v), -EPROTO);
	ck_assert_ptr_nonnull(strstr(bakery_error(b), "NOPERM"));
	bakery_close(b);
}
END_TEST

START_TEST (sends_again_what_was_lost) {
	/* Closed without an answer, closed at once, answered. */
	script[0][0] = script[2][0] = HELLO;
	script[2][1] = "$1\r\n7\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_call_again(b, 2, (struct slice[]){{"ORDER", 5}, {"x", 1}}, -1, &v), 0);
	ck_assert_str_eq(v->text, "7");
	value_free(v);
	bakery_close(b);
	end_server();
	ck_assert_str_eq(buf_bytes(&server.seen), "HELLO 3\nORDER x\nHELLO 3\nHELLO 3\nORDER x\n");
}
END_TEST

START_TEST (waits_for_a_daemon_that_starts) {
	script[0][0] = HELLO;
	script[0][1] = script[0][2] = "-LOADING the daemon is starting\r\n";
	script[0][3] = "+PONG\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_call_again(b, 1, (struct slice[]){{"PING", 4}}, -1, &v), 0);
	ck_assert_str_eq(v->text, "PONG");
	value_free(v);
	bakery_close(b);
}
END_TEST

START_TEST (gives_up_when_told_to) {
	script[0][0] = HELLO;
	struct bakery *b;
	struct bakery_options o = {.server = server.address, .retry_for_ms = -1};
	struct value *v;
	ck_assert_int_eq(bakery_open(&o, &b), 0);
	ck_assert_int_eq(bakery_call_again(b, 1, (struct slice[]){{"PING", 4}}, -1, &v), -ECONNRESET);
	bakery_close(b);
	end_server();
	ck_assert_str_eq(buf_bytes(&server.seen), "HELLO 3\nPING\n");
}
END_TEST

START_TEST (a_wrong_password_is_not_tried_again) {
	script[0][0] = HELLO;
	script[1][0] = "-WRONGPASS no\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_call_again(b, 1, (struct slice[]){{"PING", 4}}, -1, &v), -EACCES);
	bakery_close(b);
}
END_TEST

START_TEST (silence_has_an_end) {
	script[0][0] = script[1][0] = HELLO;
	script[0][1] = script[1][1] = "";
	script[1][2] = "+1\r\n+2\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_call(b, 1, (struct slice[]){{"PING", 4}}, 1, &v), -ETIMEDOUT);
	ck_assert_int_eq(bakery_fd(b), -1);
	/* Of a pipeline a late reply is still to come. */
	ck_assert_int_eq(bakery_reopen(b), 0);
	ck_assert_int_eq(bakery_send(b, 1, (struct slice[]){{"A", 1}}), 0);
	ck_assert_int_eq(bakery_reply(b, 1, &v), -ETIMEDOUT);
	ck_assert_int_eq(bakery_send(b, 1, (struct slice[]){{"B", 1}}), 0);
	for (int i = 1; i <= 2; i++) {
		ck_assert_int_eq(bakery_reply(b, -1, &v), 0);
		ck_assert_str_eq(v->text, i == 1 ? "1" : "2");
		value_free(v);
	}
	bakery_close(b);
}
END_TEST

START_TEST (an_interrupt_ends_waiting) {
	int ends[2];
	script[0][0] = HELLO;
	script[0][1] = "";
	ck_assert_int_eq(pipe(ends), 0);
	struct bakery *b = open_ok();
	struct value *v;
	bakery_set_interrupt(b, ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(bakery_send(b, 1, (struct slice[]){{"PING", 4}}), 0);
	ck_assert_int_eq(bakery_reply(b, -1, &v), -EINTR);
	int64_t since = 0;
	ck_assert_int_eq(bakery_pause(b, &since), -EINTR);
	bakery_close(b);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST (nonsense_loses_the_connection) {
	script[0][0] = HELLO;
	script[0][1] = "what?\r\n";
	struct bakery *b = open_ok();
	struct value *v;
	ck_assert_int_eq(bakery_command(b, &v, "PING", NULL), -EPROTO);
	ck_assert_int_eq(bakery_fd(b), -1);
	bakery_close(b);
}
END_TEST

/* A server that answers each request with much, and reads the next only when that has been sent. */
static void *serve_much(void *arg)
{
	(void)arg;
	static char reply[100 * 1000 + 16];
	int n = snprintf(reply, sizeof reply, "$100000\r\n");
	memset(reply + n, 'x', 100000);
	memcpy(reply + n + 100000, "\r\n", 2);
	int fd = accept(server.fd, NULL, NULL);
	struct request_parser *p;
	struct buf in = {0};
	request_parser_new(&p);
	for (bool first = true; read_request(fd, p, &in); first = false) {
		const char *at = first ? HELLO : reply;
		size_t left = first ? strlen(HELLO) : (size_t)n + 100002;
		while (left) {
			ssize_t sent = send(fd, at, left, MSG_NOSIGNAL);
			if (sent <= 0)
				break;
			at += sent;
			left -= (size_t)sent;
		}
	}
	close(fd);
	request_parser_free(p);
	buf_clear(&in);
	return NULL;
}

START_TEST (a_pipeline_does_not_lock_up) {
	/* Far more than both sockets' buffers hold, in both directions, before the first reply is read. */
	end_server();
	buf_clear(&server.seen);
	unlink(server.address + 5);
	server.fd = listen_at(server.address + 5);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve_much, NULL), 0);
	static char big[100000];
	memset(big, 'y', sizeof big);
	struct bakery *b = open_ok();
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(bakery_send(b, 2, (struct slice[]){{"ECHO", 4}, {big, sizeof big}}), 0);
	ck_assert_int_eq(bakery_flush(b), 0);
	for (int i = 0; i < 100; i++) {
		struct value *v;
		ck_assert_int_eq(bakery_reply(b, -1, &v), 0);
		ck_assert_uint_eq(v->len, 100000);
		value_free(v);
	}
	bakery_close(b);
}
END_TEST

START_TEST (keys_grow_and_differ) {
	char last[37] = "";
	for (int i = 0; i < 1000; i++) {
		char key[37];
		ck_assert_int_eq(bakery_make_key(key), 0);
		ck_assert_uint_eq(strlen(key), 36);
		ck_assert_int_eq(key[14], '7');
		ck_assert_ptr_nonnull(strchr("89ab", key[19]));
		ck_assert_int_ge(strncmp(key, last, 13), 0);
		ck_assert_str_ne(key, last);
		memcpy(last, key, sizeof last);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("client");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, says_hello);
	tcase_add_test(t, logs_in);
	tcase_add_test(t, says_why_it_was_refused);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, a_socket_that_refuses_is_not_passed_by);
	tcase_add_test(t, errors_are_replies);
	tcase_add_test(t, pushes_wait_their_turn);
	tcase_add_test(t, sends_again_what_was_lost);
	tcase_add_test(t, waits_for_a_daemon_that_starts);
	tcase_add_test(t, gives_up_when_told_to);
	tcase_add_test(t, a_wrong_password_is_not_tried_again);
	tcase_add_test(t, silence_has_an_end);
	tcase_add_test(t, an_interrupt_ends_waiting);
	tcase_add_test(t, nonsense_loses_the_connection);
	tcase_add_test(t, a_pipeline_does_not_lock_up);
	tcase_add_test(t, keys_grow_and_differ);
	return unit_run();
}
