#include "tests/unit/session_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/session/connection.h"
#include "daemon/session/session.h"
#include "daemon/session/shared.h"
#include "daemon/task/task.h"
#include "tests/unit/unit.h"

#define T(text) ((char *)(text))

static struct conf_step oven_step = {.name = T("bake"), .kind = CONF_STEP_RUN, .pool = T("ovens")};
static struct conf_step cake_steps[] = {
    {.name = T("gather"), .kind = CONF_STEP_HTTP},
    {.name = T("bake"), .kind = CONF_STEP_RUN, .pool = T("ovens")},
};
static char *flavours[] = {T("sponge"), T("madeira"), NULL};
static struct conf_param params[] = {
    {.name = T("flavour"),
	.type = CONF_PARAM_STRING,
	.required = true,
	.max = 20,
	.pattern = T("[a-z]+"),
	.one_of = flavours},
    {.name = T("weight"),
	.type = CONF_PARAM_NUMBER,
	.max = CONF_NONE,
	.default_json = T("0.7"),
	.has_maximum = true,
	.maximum = 0.8},
};
static struct conf_recipe recipes[] = {
    {.name = T("cake"),
	.description = T("a cake"),
	.has_params = true,
	.params = params,
	.param_count = 2,
	.steps = cake_steps,
	.step_count = 2,
	.pool = T("ovens"),
	.timeout_ms = 60000,
	.retries = 3,
	.concurrency = CONF_NONE},
    {.name = T("bytes"),
	.description = T(""),
	.steps = &oven_step,
	.step_count = 1,
	.pool = T("ovens"),
	.timeout_ms = CONF_NONE,
	.concurrency = 2},
};
static char *shop_allow[] = {T("order cake"), T("read own"), T("cancel own"), T("events own"), NULL};
static struct conf_user users[] = {{.name = T("shop"), .password = T("plain:sesame"), .allow = shop_allow}};
struct conf world_conf = {
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

struct loop *world_loop;
struct sessions *world_sessions;
static char path[108];

/* ---- running the loop until something is so ---- */

static bool (*condition)(void);
static long turns_left;
static struct ready checking;

static void check(struct ready *r)
{
	if (condition() || --turns_left == 0)
		loop_stop(world_loop);
	else
		ready_add(r, check);
}

void run_until(bool (*is_so)(void))
{
	condition = is_so;
	turns_left = 200000;
	ready_add(&checking, check);
	ck_assert_int_eq(loop_run(world_loop), 0);
	ck_assert_msg(turns_left > 0, "it never came");
}

static int turns_to_go;
static bool turned(void)
{
	return turns_to_go-- == 0;
}

void run_turns(int n)
{
	turns_to_go = n;
	run_until(turned);
}

/* ---- clients ---- */

struct client one, two;
static struct client *reader;
static size_t wanted;

void open_client(struct client *c)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	strcpy(at.sun_path, path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&at, sizeof at), 0);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->len = 0;
	c->closed = false;
}

void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void send_bytes(struct client *c, const char *text)
{
	size_t len = strlen(text);
	ck_assert_int_eq(send(c->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

void read_some(struct client *c)
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

void expect(struct client *c, const char *text)
{
	reader = c;
	wanted = strlen(text);
	run_until(has_read);
	ck_assert_msg(
	    c->len >= wanted && memcmp(c->got, text, wanted) == 0, "expected %s, got %s", text, c->got);
	memmove(c->got, c->got + wanted, c->len - wanted + 1);
	c->len -= wanted;
}

void expect_silence(struct client *c)
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

void expect_closed(struct client *c)
{
	reader = c;
	run_until(is_closed);
	ck_assert_msg(c->len == 0, "expected the end, got %s", c->got);
}

void drop_rest(struct client *c)
{
	run_turns(20);
	read_some(c);
	c->len = 0;
}

bool nobody_there(void)
{
	return LIST_EMPTY(&world_sessions->connections);
}

void ask(struct client *c, const char *request, const char *reply)
{
	send_bytes(c, request);
	send_bytes(c, "\r\n");
	expect(c, reply);
}

void tell(int64_t id, enum order_state state)
{
	struct store_event e = fake_move(id, state);
	sessions_on_events(world_sessions, &e, 1);
}

/* ---- beginning and end ---- */

void open_sessions(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	fake_reset();
	one.fd = two.fd = -1;
	ck_assert_int_eq(loop_new(&world_loop), 0);
	ck_assert_int_eq(task_runtime_init(world_loop), 0);
	struct sessions_options o = {.conf = &world_conf, .started_ms = clock_wall_ms()};
	ck_assert_int_eq(sessions_new(&o, &world_sessions), 0);
	snprintf(path, sizeof path, "%s/s", unit_dir());
	unlink(path);
	strcpy(at.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(sessions_listen(world_sessions, fd), 0);
}

void set_up(void)
{
	open_sessions();
	sessions_serve(world_sessions);
	open_client(&one);
}

int close_all(void *arg)
{
	(void)arg;
	await_sessions_close(world_sessions, clock_deadline_ms(1000));
	loop_stop(world_loop);
	return 0;
}

void tear_down(void)
{
	struct task_spec spec = {.name = "close", .fn = close_all};
	close_client(&one);
	close_client(&two);
	fake_answer_all();
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	ck_assert_int_eq(loop_run(world_loop), 0);
	sessions_free(world_sessions);
	task_runtime_clear();
	loop_free(world_loop);
}
