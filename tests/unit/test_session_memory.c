/*
 * Memory is refused from the n-th allocation on, for every n, while clients are served. Whatever happens: every reply that comes is right and in its
 * place, nothing leaks, and the next client is served as if nothing had been.
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
#include "daemon/base/log.h"
#include "daemon/session/session.h"
#include "daemon/session/shared.h"
#include "daemon/task/task.h"
#include "tests/unit/fake_below.h"
#include "tests/unit/refuse.h"
#include "tests/unit/unit.h"

#define T(text) ((char *)(text))

static struct conf_step step = {.name = T("bake"), .kind = CONF_STEP_RUN, .pool = T("ovens")};
static struct conf_recipe recipe = {.name = T("cake"),
    .description = T(""),
    .has_params = true,
    .steps = &step,
    .step_count = 1,
    .pool = T("ovens"),
    .timeout_ms = 1000,
    .concurrency = 1};
static struct conf conf = {
    .recipes = &recipe,
    .recipe_count = 1,
    .limits = {.connections = 100,
	.payload = 1 << 20,
	.request = 16 << 20,
	.buffers = 256 << 20,
	.result = 1 << 20},
};

static struct loop *loop;
static struct sessions *sessions;
static struct sockaddr_un at = {.sun_family = AF_UNIX};

/* The loop is kept turning without allocating anything of its own. */
static int turns;
static struct ready turning;

static void turn(struct ready *r)
{
	if (--turns > 0)
		ready_add(r, turn);
	else
		loop_stop(loop);
}

static void run_turns(int n)
{
	turns = n;
	ready_add(&turning, turn);
	loop_run(loop);
}

static void set_up(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fake_reset();
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	struct sessions_options o = {.conf = &conf};
	ck_assert_int_eq(sessions_new(&o, &sessions), 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s/s", unit_dir());
	unlink(at.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(sessions_listen(sessions, fd), 0);
	sessions_serve(sessions);
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
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	sessions_free(sessions);
	task_runtime_clear();
	loop_free(loop);
}

static int connect_one(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Requests whose replies are lines or bulks: each begins with the mark that its reply must have, unless that is an error. */
static const struct {
	const char *request;
	const char *reply; /* how it begins; an error may stand instead */
} script[] = {
    {"ORDER cake {}\r\n", "$"},
    {"PING\r\n", "+PONG"},
    {"ORDER cake {} KEY k PRIORITY 5\r\n", "$"},
    {"ECHO hello\r\n", "$5"},
    {"CANCEL 1\r\n", ":"},
    {"RESULT 1\r\n", "$"},
    {"EXPLAIN 2\r\n", "*10"},
    {"STATUS 1\r\n", "*52"},
    {"LIST\r\n", "*2"},
    {"RECIPES cake\r\n", "*32"},
    {"CLIENT SETNAME me\r\n", "+OK"},
    {"AWAIT 1 1 2\r\n", "*"},
    {"STATS\r\n", "*"},
    {"TASKS\r\n", "*"},
    {"INFO server\r\n", "$"},
    {"COMMAND COUNT\r\n", ":"},
    {"SUBSCRIBE order:1 events\r\n", "*3"},
};
enum { SCRIPT = sizeof script / sizeof *script };

/* Skips one reply: its end, or NULL when it is not whole. */
static const char *skip(const char *p, const char *end)
{
	const char *line = memchr(p, '\n', (size_t)(end - p));
	if (!line)
		return NULL;
	long n = strtol(p + 1, NULL, 10);
	const char *next = line + 1;
	if (*p == '$' && n >= 0)
		return end - next >= n + 2 ? next + n + 2 : NULL;
	if (*p == '*')
		for (long i = 0; next && i < n; i++)
			next = next < end ? skip(next, end) : NULL;
	return next;
}

/* The replies are those of the script, from its beginning, as far as they go. */
static void check_replies(const char *p, size_t len, long n)
{
	const char *end = p + len, *all = p;
	for (int i = 0; i < SCRIPT && p < end; i++) {
		bool right = *p == '-' || strncmp(p, script[i].reply, strlen(script[i].reply)) == 0;
		ck_assert_msg(right, "allocation %ld, reply %d: %.60s in %s", n, i, p, all);
		p = skip(p, end);
		if (!p)
			return;
	}
}

START_TEST (every_allocation_is_refused_once) {
	static char got[1 << 20];
	bool refused = true;
	for (long n = 0; refused; n++) {
		ck_assert_int_lt(n, 2000);
		fake_reset();
		int fd = connect_one(), other = connect_one();
		for (int i = 0; i < SCRIPT; i++)
			if (send(fd, script[i].request, strlen(script[i].request), MSG_NOSIGNAL) < 0)
				abort();
		refuse_memory_after(n);
		run_turns(60);
		struct store_event e = fake_move(1, ORDER_RUNNING);
		if (fake_orders[1].user)
			sessions_on_events(sessions, &e, 1);
		run_turns(10);
		refused = refuse_after == 0;
		refuse_memory_never();
		clock_test_advance(NS_PER_S, 1000); /* AWAIT's time is over */
		run_turns(60);
		ssize_t len = recv(fd, got, sizeof got - 1, 0);
		got[len > 0 ? len : 0] = '\0';
		check_replies(got, len > 0 ? (size_t)len : 0, n);
		/* Memory is back: the other is served, or another one if it was turned away. */
		if (send(other, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
			run_turns(10);
		if (recv(other, got, sizeof got, 0) <= 0) {
			close(other);
			other = connect_one();
			ck_assert_int_eq(send(other, "PING\r\n", 6, MSG_NOSIGNAL), 6);
			run_turns(20);
			ck_assert_int_eq(recv(other, got, sizeof got, 0), 7);
		}
		close(fd);
		close(other);
		run_turns(20);
		ck_assert_msg(LIST_EMPTY(&sessions->connections), "allocation %ld: a connection is left", n);
		ck_assert_uint_eq(sessions->buffered, 0);
		ck_assert_uint_eq(sessions->counters.subscriptions, 0);
		ck_assert_uint_eq(sessions->counters.waiting, 0);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("session-memory");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, every_allocation_is_refused_once);
	return unit_run();
}
