/*
 * One connection to the daemon: requests go out, replies and pushes come in. Owns the socket, both buffers,
 * and the pushes that nobody has asked for yet. Knows nothing of verbs but HELLO.
 *
 * A connection is lost when the socket fails, the peer closes or speaks no RESP, or a reply was given up on
 * (it would be taken for the next one's). A lost one has no socket and empty buffers; bakery_reopen() begins
 * afresh.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/bakery.h"
#include "client/dial.h"
#include "conf/address.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	RETRY_FOR_MS = 10000,
	COMMAND_TIMEOUT_MS = 30000,
	READ_BYTES = 64 * 1024,
	COMMAND_ARGS = 64,
	PAUSE_FIRST_MS = 20,
	PAUSE_MAX_MS = 1000,
};

struct push {
	STAILQ_ENTRY(push) entry;
	struct value *value;
};

struct bakery {
	struct address address;
	char address_text[300];
	bool neither; /* no address was given, and there is no socket of the person's own */
	char *login, *password;
	int64_t connect_timeout_ms, retry_for_ms;
	int interrupt_fd;
	int64_t pause_ms;

	int fd; /* -1: lost */
	struct buf in, out;
	struct value_parser *parser;
	STAILQ_HEAD(, push) pushes;
	char error[512];
};

/* ---- words for failures ---- */

__attribute__((format(printf, 3, 4))) static int fail(struct bakery *b, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(b->error, sizeof b->error, format, args);
	va_end(args);
	return code;
}

const char *bakery_error(const struct bakery *b)
{
	return b->error;
}

const char *bakery_address(const struct bakery *b)
{
	return b->address_text;
}

int bakery_fd(const struct bakery *b)
{
	return b->fd;
}

/* ---- losing it ---- */

static void drop_pushes(struct bakery *b)
{
	struct push *p;
	while ((p = STAILQ_FIRST(&b->pushes))) {
		STAILQ_REMOVE_HEAD(&b->pushes, entry);
		value_free(p->value);
		free(p);
	}
}

static void lose(struct bakery *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	buf_clear(&b->in);
	buf_clear(&b->out);
	value_parser_free(b->parser);
	b->parser = NULL;
	drop_pushes(b);
}

static int lost(struct bakery *b, int code)
{
	lose(b);
	return fail(b, code, "%s: the connection was lost: %s", b->address_text, strerror(-code));
}

void bakery_set_interrupt(struct bakery *b, int fd)
{
	b->interrupt_fd = fd;
}

void bakery_drop(struct bakery *b)
{
	lose(b);
}

void bakery_close(struct bakery *b)
{
	if (!b)
		return;
	lose(b);
	if (b->password)
		explicit_bzero(b->password, strlen(b->password));
	free(b->password);
	free(b->login);
	free(b);
}

/* ---- bytes ---- */

/* What has come goes to the input. 0, also when there was nothing to read; or it is lost. */
static int receive(struct bakery *b)
{
	char *at = buf_reserve(&b->in, READ_BYTES);
	if (!at)
		return lost(b, -ENOMEM);
	ssize_t n = recv(b->fd, at, READ_BYTES, MSG_DONTWAIT);
	if (n > 0)
		buf_commit(&b->in, (size_t)n);
	else if (n == 0)
		return lost(b, -ECONNRESET);
	else if (errno != EAGAIN && errno != EINTR)
		return lost(b, -errno);
	return 0;
}

/* Sends all that is buffered. Reads meanwhile, so that a daemon that waits for us to read goes on. */
static int flush(struct bakery *b, int64_t deadline_ms)
{
	while (b->out.len) {
		ssize_t n = send(b->fd, buf_bytes(&b->out), b->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			buf_consume(&b->out, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			/* The daemon may have said why before it closed: that is read next. */
			if (errno != EPIPE && errno != ECONNRESET)
				return lost(b, -errno);
			buf_clear(&b->out);
			return 0;
		}
		int ready = dial_wait(b->fd, POLLIN | POLLOUT, b->interrupt_fd, deadline_ms);
		if (ready < 0)
			return ready;
		if (ready & POLLIN) {
			int r = receive(b);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int keep_push(struct bakery *b, struct value *v)
{
	struct push *p = malloc(sizeof *p);
	if (!p) {
		value_free(v);
		return lost(b, -ENOMEM);
	}
	p->value = v;
	STAILQ_INSERT_TAIL(&b->pushes, p, entry);
	return 0;
}

/* The next value of any kind. -ETIMEDOUT and -EINTR leave the connection as it is. */
static int next_value(struct bakery *b, int64_t deadline_ms, struct value **out)
{
	int r = flush(b, deadline_ms);
	while (r == 0) {
		r = value_parse(b->parser, &b->in, out);
		if (r > 0)
			return 0;
		if (r < 0)
			return lost(b, r);
		r = dial_wait(b->fd, POLLIN, b->interrupt_fd, deadline_ms);
		if (r >= 0)
			r = receive(b);
	}
	return r;
}

static int waited(struct bakery *b, int code)
{
	if (code == -ETIMEDOUT)
		fail(b, code, "%s: no answer in time", b->address_text);
	else if (code == -EINTR)
		fail(b, code, "%s: interrupted", b->address_text);
	return code;
}

static int next_reply(struct bakery *b, int64_t deadline_ms, struct value **reply)
{
	for (;;) {
		struct value *v;
		int r = next_value(b, deadline_ms, &v);
		if (r < 0)
			return waited(b, r);
		if (v->type != VALUE_PUSH) {
			*reply = v;
			return 0;
		}
		r = keep_push(b, v);
		if (r < 0)
			return r;
	}
}

/* ---- connecting ---- */

/* Which address: what was given, $BAKERY_SERVER, the person's socket if it is there, the system's. */
static int find_address(struct bakery *b, const char *server)
{
	if (!server)
		server = getenv("BAKERY_SERVER");
	if (server && *server) {
		const char *why;
		snprintf(b->address_text, sizeof b->address_text, "%s", server);
		if (address_parse(server, &b->address, &why) < 0)
			return fail(b, -EINVAL, "%s: %s", server, why);
		if (b->address.kind == ADDRESS_TLS)
			return fail(b, -EINVAL, "%s: connections with TLS are not supported", server);
	} else {
		struct stat st;
		b->address.kind = ADDRESS_UNIX;
		int r = address_person_socket(0, b->address.path);
		if (r == -EPERM)
			return fail(b, r, "the folder of your socket in /tmp belongs to somebody else");
		b->neither = r < 0 || stat(b->address.path, &st) < 0;
		if (b->neither)
			snprintf(b->address.path, sizeof b->address.path, "%s", ADDRESS_SYSTEM_SOCKET);
	}
	address_format(&b->address, b->address_text);
	return 0;
}

static int say_hello(struct bakery *b, int64_t deadline_ms)
{
	struct slice argv[5] = {{"HELLO", 5}, {"3", 1}};
	size_t argc = 2;
	if (b->login || b->password) {
		const char *login = b->login ? b->login : "default",
			   *password = b->password ? b->password : "";
		argv[argc++] = (struct slice){"AUTH", 4};
		argv[argc++] = (struct slice){login, strlen(login)};
		argv[argc++] = (struct slice){password, strlen(password)};
	}
	int r = bakery_send(b, argc, argv);
	struct value *reply;
	if (r == 0)
		r = next_reply(b, deadline_ms, &reply);
	/* The password is not kept in a buffer longer than it must. */
	if (b->out.data)
		explicit_bzero(b->out.data, b->out.cap);
	if (r == -ETIMEDOUT)
		fail(b, r, "%s: connected, but nobody answers there", b->address_text);
	if (r < 0) {
		lose(b);
		return r;
	}
	if (reply->type == VALUE_ERROR) {
		const char *text = reply->text;
		r = -EPROTO;
		if (strncmp(text, "NOAUTH", 6) == 0) {
			/* What Redis says here, and so the daemon, tells those who write clients what to send. */
			r = -EACCES;
			text = "NOAUTH it does not know you, and wants a login and a password";
		} else if (strncmp(text, "WRONGPASS", 9) == 0)
			r = -EACCES;
		else if (strstr(text, "max number of clients"))
			r = -EAGAIN;
		fail(b, r, "%s: %s", b->address_text, text);
	} else if (reply->type != VALUE_MAP) {
		r = fail(b, -EPROTO, "%s: this is not a Bakery daemon", b->address_text);
	}
	value_free(reply);
	if (r < 0)
		lose(b);
	return r;
}

int bakery_reopen(struct bakery *b)
{
	if (b->fd >= 0)
		return 0;
	int64_t deadline = dial_deadline_ms(b->connect_timeout_ms);
	const char *why;
	int r = dial(&b->address, b->interrupt_fd, deadline, &b->fd, &why);
	char own[108];
	if (r == -ENOENT && b->neither && address_person_socket(0, own) == 0)
		return fail(b, r, "no daemon runs: neither one of yours (%s) nor the system's (%s)", own,
		    b->address.path);
	if (r < 0)
		return fail(b, r, "%s: %s: %s", b->address_text,
		    r == -EACCES ? "you may not connect" : "no daemon there", why ? why : strerror(-r));
	r = value_parser_new(&b->parser);
	if (r < 0)
		return lost(b, r);
	return say_hello(b, deadline);
}

static int copy(const char *text, char **out)
{
	if (!text)
		return 0;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

int bakery_open(const struct bakery_options *o, struct bakery **out)
{
	struct bakery *b = calloc(1, sizeof *b);
	*out = b;
	if (!b)
		return -ENOMEM;
	b->fd = -1;
	STAILQ_INIT(&b->pushes);
	b->connect_timeout_ms = o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	b->retry_for_ms = o->retry_for_ms ? o->retry_for_ms : RETRY_FOR_MS;
	b->interrupt_fd = o->interrupt_fd;
	if (copy(o->login, &b->login) < 0 || copy(o->password, &b->password) < 0)
		return fail(b, -ENOMEM, "out of memory");
	int r = find_address(b, o->server);
	return r < 0 ? r : bakery_reopen(b);
}

/* ---- requests ---- */

int bakery_send(struct bakery *b, size_t argc, const struct slice *argv)
{
	if (b->fd < 0)
		return fail(b, -ENOTCONN, "%s: not connected", b->address_text);
	if (request_write(&b->out, argc, argv) < 0)
		return fail(b, -ENOMEM, "out of memory");
	return 0;
}

int bakery_flush(struct bakery *b)
{
	return b->fd < 0 ? fail(b, -ENOTCONN, "%s: not connected", b->address_text)
			 : waited(b, flush(b, INT64_MAX));
}

int bakery_reply(struct bakery *b, int64_t timeout_ms, struct value **reply)
{
	if (b->fd < 0)
		return fail(b, -ENOTCONN, "%s: not connected", b->address_text);
	return next_reply(b, dial_deadline_ms(timeout_ms), reply);
}

int bakery_call(
    struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply)
{
	int r = bakery_send(b, argc, argv);
	if (r < 0)
		return r;
	r = next_reply(b, dial_deadline_ms(timeout_ms), reply);
	if (r < 0)
		lose(b);
	return r;
}

int bakery_command(struct bakery *b, struct value **reply, const char *verb, ...)
{
	struct slice argv[COMMAND_ARGS];
	size_t argc = 0;
	va_list args;
	va_start(args, verb);
	for (const char *arg = verb; arg; arg = va_arg(args, const char *)) {
		assert(argc < COMMAND_ARGS);
		argv[argc++] = (struct slice){arg, strlen(arg)};
	}
	va_end(args);
	return bakery_call(b, argc, argv, COMMAND_TIMEOUT_MS, reply);
}

/* ---- again ---- */

int bakery_pause(struct bakery *b, int64_t *since_ms)
{
	int64_t now = dial_now_ms();
	if (!*since_ms) {
		*since_ms = now;
		b->pause_ms = PAUSE_FIRST_MS;
	}
	int64_t left = b->retry_for_ms - (now - *since_ms);
	if (left <= 0)
		return -ETIMEDOUT;
	int64_t pause = b->pause_ms < left ? b->pause_ms : left;
	b->pause_ms = 2 * b->pause_ms < PAUSE_MAX_MS ? 2 * b->pause_ms : PAUSE_MAX_MS;
	int r = dial_wait(-1, 0, b->interrupt_fd, dial_deadline_ms(pause));
	return r == -ETIMEDOUT ? 0 : waited(b, r);
}

/* Worth another try, from a failed call. */
static bool may_pass(int code)
{
	return code != -EACCES && code != -EINTR && code != -ETIMEDOUT && code != -ENOMEM && code != -EPROTO;
}

int bakery_call_again(
    struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply)
{
	int64_t since = 0;
	for (;;) {
		int r = bakery_reopen(b);
		bool unanswered_hello = r == -ETIMEDOUT; /* the daemon is being replaced */
		if (r == 0)
			r = bakery_call(b, argc, argv, timeout_ms, reply);
		bool loading = r == 0 && (*reply)->type == VALUE_ERROR &&
			       strncmp((*reply)->text, "LOADING", 7) == 0;
		if (!loading && !unanswered_hello && (r == 0 || !may_pass(r)))
			return r;
		int p = bakery_pause(b, &since);
		if (p == -ETIMEDOUT)
			return r; /* what failed, in its own words */
		if (loading)
			value_free(*reply);
		if (p < 0)
			return p;
	}
}

/* ---- pushes ---- */

int bakery_push(struct bakery *b, int64_t timeout_ms, struct value **push)
{
	struct push *p = STAILQ_FIRST(&b->pushes);
	if (p) {
		STAILQ_REMOVE_HEAD(&b->pushes, entry);
		*push = p->value;
		free(p);
		return 0;
	}
	if (b->fd < 0)
		return fail(b, -ENOTCONN, "%s: not connected", b->address_text);
	struct value *v;
	int r = next_value(b, dial_deadline_ms(timeout_ms), &v);
	if (r < 0)
		return waited(b, r);
	if (v->type == VALUE_PUSH) {
		*push = v;
		return 0;
	}
	fail(b, -EPROTO, "%s: %s", b->address_text,
	    v->type == VALUE_ERROR ? v->text : "a reply that nobody asked for");
	value_free(v);
	return -EPROTO;
}
