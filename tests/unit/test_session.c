/*
 * Clients against a store in the test's hand: replies in order, pipelines, clients that vanish with work in flight, notification, authentication.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/session/connection.h"
#include "daemon/session/session.h"
#include "daemon/session/shared.h"
#include "daemon/task/task.h"
#include "tests/unit/fake_below.h"
#include "tests/unit/unit.h"

#define T(text) ((char *)(text))

static struct conf_param flavour = {.name = T("flavour"), .type = CONF_PARAM_STRING, .required = true};
static struct conf_recipe recipes[] = {
    {.name = T("cake"),
	.description = T("a cake"),
	.has_params = true,
	.params = &flavour,
	.param_count = 1,
	.pool = T("ovens"),
	.timeout_ms = 60000,
	.retries = 3,
	.concurrency = CONF_NONE},
    {.name = T("bytes"), .description = T(""), .pool = T("ovens"), .timeout_ms = CONF_NONE, .concurrency = 2},
};
static char *shop_allow[] = {T("order cake"), T("read own"), T("cancel own"), T("events own"), NULL};
static struct conf_user users[] = {{.name = T("shop"), .password = T("plain:sesame"), .allow = shop_allow}};
static struct conf conf = {
    .recipes = recipes,
    .recipe_count = 2,
    .users = users,
    .user_count = 1,
    .limits = {.connections = 100,
	.payload = 1 << 20,
	.request = 16 << 20,
	.buffers = 256 << 20,
	.result = 1 << 20},
};

static struct loop *loop;
static struct sessions *sessions;
static char path[108];

/* ---- running the loop until something is so ---- */

static bool (*condition)(void);
static long turns_left;
static struct ready checking;

static void check(struct ready *r)
{
	if (condition() || --turns_left == 0)
		loop_stop(loop);
	else
		ready_add(r, check);
}

static void run_until(bool (*is_so)(void))
{
	condition = is_so;
	turns_left = 200000;
	ready_add(&checking, check);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_msg(turns_left > 0, "it never came");
}

static int turns_to_go;
static bool turned(void)
{
	return turns_to_go-- == 0;
}

static void run_turns(int n)
{
	turns_to_go = n;
	run_until(turned);
}

/* ---- clients ---- */

struct client {
	int fd;
	char got[1 << 20];
	size_t len;
	bool closed;
};
static struct client one, two;
static struct client *reader;
static size_t wanted;

static void open_client(struct client *c)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(at.sun_path, path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&at, sizeof at), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->len = 0;
	c->closed = false;
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void send_bytes(struct client *c, const char *text)
{
	size_t len = strlen(text);
	ck_assert_int_eq(send(c->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void read_some(struct client *c)
{
	ssize_t n = recv(c->fd, c->got + c->len, sizeof c->got - c->len - 1, 0);
	if (n > 0)
		c->len += (size_t)n;
	c->closed |= n == 0 || (n < 0 && errno != EAGAIN);
	c->got[c->len] = '\0';
}

static bool has_read(void)
{
	read_some(reader);
	return reader->len >= wanted || reader->closed;
}

/* Exactly this comes next. */
static void expect(struct client *c, const char *text)
{
	reader = c;
	wanted = strlen(text);
	run_until(has_read);
	ck_assert_msg(
	    c->len >= wanted && memcmp(c->got, text, wanted) == 0, "expected %s, got %s", text, c->got);
	memmove(c->got, c->got + wanted, c->len - wanted + 1);
	c->len -= wanted;
}

/* Nothing comes, for as long as anything could take. */
static void expect_silence(struct client *c)
{
	run_turns(50);
	read_some(c);
	ck_assert_msg(c->len == 0 && !c->closed, "expected silence, got %s", c->got);
}

static bool is_closed(void)
{
	read_some(reader);
	return reader->closed;
}

static void expect_closed(struct client *c)
{
	reader = c;
	run_until(is_closed);
	ck_assert_msg(c->len == 0, "expected the end, got %s", c->got);
}

static bool nobody_there(void)
{
	return LIST_EMPTY(&sessions->connections);
}

/* Inline requests are the shortest to write; the socket is local. */
static void ask(struct client *c, const char *request, const char *reply)
{
	send_bytes(c, request);
	send_bytes(c, "\r\n");
	expect(c, reply);
}

/* ---- */

static void open_sessions(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fake_reset();
	one.fd = two.fd = -1;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	struct sessions_options o = {.conf = &conf, .started_ms = clock_wall_ms()};
	ck_assert_int_eq(sessions_new(&o, &sessions), 0);
	snprintf(path, sizeof path, "%s/s", unit_dir());
	unlink(path);
	strcpy(at.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(sessions_listen(sessions, fd), 0);
}

static void set_up(void)
{
	open_sessions();
	sessions_serve(sessions);
	open_client(&one);
}

static int close_all(void *arg)
{
	(void)arg;
	await_sessions_close(sessions, clock_deadline_ms(1000));
	loop_stop(loop);
	return 0;
}

static void tear_down(void)
{
	struct task_spec spec = {.name = "close", .fn = close_all};
	close_client(&one);
	close_client(&two);
	fake_answer_all();
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	sessions_free(sessions);
	task_runtime_clear();
	loop_free(loop);
}

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
		reader = &one;
		wanted = 1;
		run_until(has_read);
		one.len = 0;
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
	ck_assert_uint_eq(sessions->buffered, 0);
	ck_assert_uint_eq(gate_count(sessions->gate), 0);
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
	ck_assert_uint_eq(sessions->buffered, 0);
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
	struct connection *c = LIST_FIRST(&sessions->connections);
	ck_assert_ptr_null(c->task);
	ck_assert_ptr_null(c->parser);
	ck_assert_uint_eq(c->in.cap + c->stream.out.cap, 0);
	ck_assert_uint_eq(sessions->buffered, 0);
	ck_assert_uint_lt(sizeof *c, 1024);
}
END_TEST

/* With all buffers full, what holds much is not read, and what holds little is served. */
START_TEST (crowded) {
	static char much[400000];
	memset(much, 'x', sizeof much);
	conf.limits.buffers = 300000;
	send_bytes(&one, "*2\r\n$4\r\nECHO\r\n$900000\r\n");
	size_t sent = 0;
	for (int i = 0; i < 50; i++) {
		ssize_t n = send(one.fd, much, sizeof much, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		run_turns(5);
	}
	struct connection *c = LIST_FIRST(&sessions->connections);
	ck_assert(c->starved);
	ck_assert_uint_lt(sent, 900000);
	open_client(&two);
	ask(&two, "PING", "+PONG\r\n");
	/* It is not kept for ever: there may be too many like it for any to be finished. */
	clock_test_advance(61 * NS_PER_S, 61000);
	expect_closed(&one);
	ask(&two, "PING", "+PONG\r\n");
	ck_assert(!sessions->crowded);
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
	conf.limits.buffers = 300000;
	while (!sessions->crowded) { /* it asks and asks, and does not read the replies */
		ssize_t n = send(one.fd, "INFO\r\n", 6, MSG_NOSIGNAL);
		ck_assert_int_eq(n, 6);
		run_turns(2);
	}
	open_client(&two);
	send_echo(&two, 100000, 100);
	run_turns(20);
	ck_assert(LIST_FIRST(&sessions->connections)->starved);
	while (sessions->crowded) {
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

/* ---- waiting and being told ---- */

static void tell(int64_t id, enum order_state state)
{
	struct store_event e = fake_move(id, state);
	sessions_on_events(sessions, &e, 1);
}

START_TEST (await_answers_when_it_is_final) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	send_bytes(&one, "AWAIT 0 1 2\r\nPING\r\n");
	expect_silence(&one);
	tell(2, ORDER_RUNNING);
	expect_silence(&one);
	tell(2, ORDER_DONE);
	expect(&one, "*46\r\n$2\r\nid\r\n$1\r\n2\r\n");
	run_turns(20);
	read_some(&one);
	ck_assert_ptr_nonnull(strstr(one.got, "+PONG\r\n")); /* what came after it is answered after it */
	one.len = 0;
	/* Again: it takes nothing away. Several are final: the first of the arguments. */
	tell(1, ORDER_FAILED);
	ask(&one, "AWAIT 10s 1 2", "*46\r\n$2\r\nid\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST (await_all) {
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
	ask(&one, "ORDER cake {}", "$1\r\n2\r\n");
	tell(2, ORDER_DONE);
	send_bytes(&one, "AWAIT 0 2 1 all\r\n");
	expect_silence(&one);
	tell(1, ORDER_CANCELLED);
	expect(&one, "*2\r\n*46\r\n$2\r\nid\r\n$1\r\n2\r\n");
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
	expect(&one, "*2\r\n*46\r\n$2\r\nid\r\n$1\r\n1\r\n");
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
	ck_assert_uint_eq(sessions->counters.waiting, 0);
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
	sessions_on_events(sessions, &e, 1);
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
	run_turns(5);
	read_some(&one);
	one.len = 0;
	ask(&one, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	ask(&one, "PUNSUBSCRIBE x* order:*",
	    "*3\r\n$12\r\npunsubscribe\r\n$2\r\nx*\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$7\r\norder:*\r\n:"
	    "0\r\n");
	ask(&one, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
	ask(&one, "PING", "+PONG\r\n");
	ck_assert_uint_eq(sessions->counters.subscriptions, 0);
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
	ck_assert_uint_eq(sessions->buffered, 0);
}
END_TEST

/* ---- who is there ---- */

START_TEST (hello_is_all_or_nothing) {
	ask(&one, "HELLO 3 AUTH shop wrong", "-WRONGPASS ");
	run_turns(5);
	read_some(&one);
	one.len = 0;
	ask(&one, "AWAIT 1 77", "-NOTFOUND");
	run_turns(5);
	read_some(&one);
	one.len = 0;
	ask(&one, "CLIENT GETNAME", "$-1\r\n"); /* RESP2 still */
	ask(&one, "HELLO 4", "-NOPROTO unsupported protocol version\r\n");
	ask(&one, "HELLO 3 SETNAME me", "%11\r\n$6\r\nserver\r\n$5\r\nredis\r\n");
	run_turns(20);
	read_some(&one);
	one.len = 0;
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
	run_turns(5);
	read_some(&one);
	one.len = 0;
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
	run_turns(5);
	read_some(&one);
	one.len = 0;
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
	run_turns(5);
	read_some(&one);
	one.len = 0;
	send_bytes(&one, "INFO persistence\r\n");
	expect(&one, "$51\r\n# Persistence\r\nloading:1\r\nloading_eta_seconds:1\r\n");
	run_turns(5);
	read_some(&one);
	one.len = 0;
	sessions_serve(sessions);
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
}
END_TEST

START_TEST (draining_takes_no_orders) {
	sessions_drain(sessions);
	ask(&one, "ORDER cake {}", "-DRAINING the daemon is shutting down\r\n");
	ask(&one, "PING", "+PONG\r\n");
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
	ck_assert_int_eq(loop_run(loop), 0);
	close_client(&one);
	close_client(&two);
	sessions_free(sessions);
	task_runtime_clear();
	loop_free(loop);
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
	tcase_add_test(t, half_a_request_has_a_minute);
	tcase_add_test(t, crowded);
	tcase_add_test(t, goes_on_when_it_is_no_longer_crowded);
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
	return unit_run();
}
