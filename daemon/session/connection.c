#include "daemon/session/connection.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/session/command.h"
#include "daemon/session/identity.h"
#include "daemon/session/subscriber.h"

enum {
	READ_LEAST = 16 * 1024,
	READ_MOST = 256 * 1024,
	TURN_REQUESTS = 256, /* taken in one go; then others have their turn */
	TURN_BYTES = 512 * 1024,
	LINE_SLOTS = 4096,
	LINE_BYTES = 16 * 1024 * 1024,
	UNSENT_PUSHED = 8 * 1024 * 1024, /* of what it did not ask for, one by one */
	STRANGER_SLOTS = 16,
	STRANGER_BYTES = 16 * 1024,
	SMALL_BYTES = 64 * 1024, /* holding no more than this, a connection is read however crowded it is */
	PEEK_BYTES = 64 * 1024,  /* read on while a verb waits */
	REQUEST_MS = 60 * 1000,
	IDENTIFY_MS = 5 * 1000,
	CLOSING_MS = 10 * 1000,
	REFUSAL_LOG_MS = 10 * 1000,
};

static void wake(struct connection *c);
static void reap(struct ready *r);

/* ---- what it holds ---- */

/* Brings sessions.buffered up to date. When all is no longer crowded, those that were not read go on. */
static void account(struct connection *c)
{
	struct sessions *all = c->all;
	size_t held = c->in.cap + c->stream.out.cap + c->line.bytes;
	all->buffered += held - c->counted_bytes;
	c->counted_bytes = held;
	bool crowded = all->buffered > all->conf->limits.buffers;
	bool relieved = all->crowded && !crowded;
	all->crowded = crowded;
	struct connection *other;
	if (relieved)
		LIST_FOREACH (other, &all->connections, entry)
			if (other->starved)
				condition_signal(&other->changed);
}

static bool has_room(const struct connection *c, size_t bytes)
{
	size_t held = c->stream.out.len + c->line.bytes;
	if (!c->user)
		return c->line.count < STRANGER_SLOTS && held <= STRANGER_BYTES;
	/* One reply is let through however large it is. */
	return c->line.count < LINE_SLOTS && (held == 0 || held + bytes <= LINE_BYTES);
}

static bool may_read(struct connection *c)
{
	c->starved = c->all->crowded && c->counted_bytes > SMALL_BYTES;
	return !c->starved;
}

/* ---- sending ---- */

static void flush(struct connection *c)
{
	if (c->dead || c->stream.out.len == 0)
		return;
	if (stream_flush(&c->stream) < 0)
		connection_abort(c, NULL);
	account(c);
}

/* Closes it when it was to be closed and nothing is left to do or send. */
static void settle(struct connection *c)
{
	if ((c->closing || c->eof) && !c->dead && !c->task && c->line.count == 0 && c->stream.out.len == 0)
		connection_abort(c, NULL);
}

void connection_wrote(struct connection *c)
{
	if (c->dead)
		return;
	account(c);
	stream_flush_soon(&c->stream);
}

bool connection_clogged(const struct connection *c)
{
	size_t unsent = c->stream.out.len;
	return unsent > UNSENT_PUSHED || (c->all->crowded && unsent > SMALL_BYTES);
}

static void on_line_change(struct line *line, int error)
{
	struct connection *c = (struct connection *)((char *)line - offsetof(struct connection, line));
	if (c->dead) {
		if (line->count == 0)
			ready_add(&c->reap, reap);
		return;
	}
	if (error < 0) {
		connection_abort(c, "no memory for a reply");
		return;
	}
	connection_wrote(c);
	condition_signal(&c->changed);
	settle(c);
}

static void on_stream(struct stream *s, enum stream_event event)
{
	struct connection *c = (struct connection *)((char *)s - offsetof(struct connection, stream));
	if (c->dead)
		return;
	switch (event) {
	case STREAM_READABLE:
		if (!c->closing && !c->eof)
			wake(c);
		break;
	case STREAM_WRITTEN:
		account(c);
		condition_signal(&c->changed);
		settle(c);
		break;
	case STREAM_FAILED:
		connection_abort(c, NULL);
		break;
	}
}

/* ---- waiting; by its task only ---- */

int await_connection_change(struct connection *c, int64_t deadline_ns)
{
	flush(c);
	if (c->dead)
		return ERR_CANCELLED;
	int r = await_condition(&c->changed, deadline_ns);
	return c->dead ? ERR_CANCELLED : r;
}

int await_connection_answered(struct connection *c)
{
	int r = 0;
	while (r == 0 && c->line.count > 0)
		r = await_connection_change(c, CLOCK_NEVER);
	return r;
}

int await_connection_written(struct connection *c)
{
	int r = 0;
	while (r == 0 && c->line.writes > 0)
		r = await_connection_change(c, CLOCK_NEVER);
	return r;
}

int await_connection_room(struct connection *c, size_t bytes)
{
	int r = 0;
	while (r == 0 && !has_room(c, bytes)) {
		flush(c); /* what it sends here, nobody tells of */
		if (c->dead || !has_room(c, bytes))
			r = await_connection_change(c, CLOCK_NEVER);
	}
	return r;
}

bool connection_hung_up(struct connection *c)
{
	while (!c->dead && !c->eof && c->in.len < PEEK_BYTES) {
		ssize_t n = stream_read(&c->stream, &c->in, READ_LEAST);
		if (n == -EAGAIN)
			break;
		if (n <= 0)
			c->eof = true;
	}
	account(c);
	return c->dead || c->eof;
}

/* ---- its task ---- */

static const struct request_limits *limits_of(const struct connection *c)
{
	return &c->all->limits[c->user != NULL][c->peer.local];
}

/* Lets others have their turn. */
static int await_others(struct connection *c)
{
	flush(c);
	c->turn_bytes = 0;
	return await_yield();
}

/* Half a request is there: waits for more of it. */
static int await_rest(struct connection *c)
{
	if (c->request_deadline_ns == 0)
		c->request_deadline_ns = clock_deadline_ms(REQUEST_MS);
	if (c->in.len < READ_LEAST)
		buf_shrink(&c->in);
	account(c);
	int r = await_connection_change(c, c->request_deadline_ns);
	if (r == ERR_TIMEOUT)
		connection_abort(c, "request did not end in time");
	return r;
}

static ssize_t read_some(struct connection *c)
{
	size_t most = c->in.len;
	if (most < READ_LEAST)
		most = READ_LEAST;
	else if (most > READ_MOST)
		most = READ_MOST;
	ssize_t n = stream_read(&c->stream, &c->in, most);
	account(c);
	return n;
}

/* Reads. 0: there are more bytes; 1: there is nothing left to do for now; or negative. */
static int await_input(struct connection *c)
{
	for (;;) {
		ssize_t n = may_read(c) ? read_some(c) : -EAGAIN;
		if (n > 0) {
			c->turn_bytes += (size_t)n;
			return c->turn_bytes < TURN_BYTES ? 0 : await_others(c);
		}
		if (n == 0) {
			c->eof = true;
			return 1;
		}
		if (n != -EAGAIN) {
			connection_abort(c, n == -ENOMEM ? "no memory for a request" : NULL);
			return (int)n;
		}
		bool half = !request_parser_idle(c->parser, &c->in);
		if (!half)
			c->request_deadline_ns = 0; /* what has begun was an empty line */
		if (!half && !c->starved)
			return 1;
		int r = half ? await_rest(c) : await_connection_change(c, CLOCK_NEVER);
		if (r < 0)
			return r;
	}
}

static int await_handled(struct connection *c, const struct request *request)
{
	c->request_deadline_ns = 0;
	c->all->counters.requests++;
	int r = await_connection_room(c, 0);
	if (r == 0)
		r = await_command_run(c, request);
	request_done(c->parser, &c->in);
	return r;
}

static int refuse_broken(struct connection *c)
{
	log_info("connection closed", log_str("why", request_error(c->parser)), log_int("connection", c->id),
	    log_str("peer", c->peer.name));
	int r = await_connection_answered(c);
	if (r == 0)
		r = reply_error(&c->reply, "ERR", "%s", request_error(c->parser));
	connection_close_soon(c);
	return r;
}

/* Takes what has come, until nothing is left to do. */
static int await_served(struct connection *c)
{
	int r = 0;
	for (unsigned taken = 1; r == 0 && !c->dead && !c->closing; taken++) {
		struct request request;
		switch (request_parse(c->parser, &c->in, limits_of(c), &request)) {
		case REQUEST_READY:
			r = await_handled(c, &request);
			if (r == 0 && taken % TURN_REQUESTS == 0)
				r = await_others(c);
			break;
		case REQUEST_MORE:
			r = await_input(c);
			break;
		case REQUEST_BROKEN:
			r = refuse_broken(c);
			break;
		case REQUEST_FOREIGN:
			connection_abort(c, "TLS or HTTP on a plain listener");
			break;
		case REQUEST_NOMEM:
			connection_abort(c, "no memory for a request");
			break;
		}
	}
	return r;
}

static int serve(void *arg)
{
	struct connection *c = arg;
	int r = await_served(c);
	c->task = NULL;
	if (c->dead) {
		ready_add(&c->reap, reap);
		return 0;
	}
	if (r < 0) {
		connection_abort(c, NULL);
		return 0;
	}
	/* Idle: it keeps nothing but its place. */
	if (request_parser_idle(c->parser, &c->in)) {
		request_parser_free(c->parser);
		c->parser = NULL;
		buf_clear(&c->in);
	}
	flush(c);
	account(c);
	settle(c);
	return 0;
}

const char connection_task[] = "connection";

static void wake(struct connection *c)
{
	if (c->task) {
		condition_signal(&c->changed);
		return;
	}
	if (!c->parser && request_parser_new(&c->parser) < 0) {
		connection_abort(c, "no memory for a request");
		return;
	}
	struct task_spec spec = {
	    .name = connection_task, .id = c->id, .fn = serve, .arg = c, .scope = c->all->scope};
	if (task_spawn(&spec, &c->task) < 0)
		connection_abort(c, "no memory for a task");
}

/* ---- beginning and end ---- */

static void on_timer(struct loop_timer *t)
{
	struct connection *c = (struct connection *)((char *)t - offsetof(struct connection, timer));
	connection_abort(c, c->closing ? NULL : "no authentication in time");
}

static void set_timer(struct connection *c, int64_t ms)
{
	if (loop_timer_set(c->all->loop, &c->timer, clock_deadline_ms(ms), on_timer) < 0)
		connection_abort(c, "no memory for a timer");
}

void connection_identify(struct connection *c, const struct user *user)
{
	c->user = user;
	if (user) {
		gate_identified(&c->pass);
		loop_timer_clear(c->all->loop, &c->timer);
	} else {
		gate_forgotten(&c->pass);
		if (!c->peer.local)
			set_timer(c, IDENTIFY_MS);
	}
}

void connection_close_soon(struct connection *c)
{
	if (c->closing || c->dead)
		return;
	c->closing = true;
	set_timer(c, CLOSING_MS);
	connection_wrote(c);
	condition_signal(&c->changed);
	settle(c);
}

void connection_abort(struct connection *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	if (why)
		log_info("connection closed", log_str("why", why), log_int("connection", c->id),
		    log_str("peer", c->peer.name));
	ready_add(&c->reap, reap);
}

static void destroy(struct connection *c)
{
	LIST_REMOVE(c, entry);
	c->all->buffered -= c->counted_bytes;
	request_parser_free(c->parser);
	buf_clear(&c->in);
	buf_clear(&c->stream.out);
	free(c->name);
	condition_broadcast(&c->all->left);
	free(c);
}

/* The end of a dead connection, as far as it is possible yet: called again when its task or its last slot is gone. */
static void reap(struct ready *r)
{
	struct connection *c = (struct connection *)((char *)r - offsetof(struct connection, reap));
	assert(c->dead);
	if (c->closing)
		stream_part(&c->stream);
	stream_close(&c->stream);
	loop_timer_clear(c->all->loop, &c->timer);
	gate_leave(&c->pass);
	subscriber_free(c->subscriber);
	c->subscriber = NULL;
	if (c->line.out)
		line_abandon(&c->line);
	if (c->task) {
		task_cancel(c->task);
		return;
	}
	if (c->line.count == 0)
		destroy(c);
}

static void refuse(struct sessions *all, const struct peer *peer, int fd)
{
	all->counters.refused++;
	listener_refuse(fd);
	/* A flood must not fill the log too. */
	if (loop_now_ns(all->loop) < all->next_refusal_log_ns)
		return;
	all->next_refusal_log_ns = loop_now_ns(all->loop) + REFUSAL_LOG_MS * NS_PER_MS;
	log_warn("connection refused: too many", log_str("peer", peer->name),
	    log_int("connections", gate_count(all->gate)),
	    log_int("not_identified", gate_strangers(all->gate)),
	    log_int("refused", (int64_t)all->counters.refused));
}

void connection_accept(struct sessions *all, int fd)
{
	struct peer peer;
	if (all->closing || peer_identify(fd, &peer) < 0) {
		close(fd);
		return;
	}
	const struct user *user = peer.local ? identities_of_peer(all->identities, fd, &peer) : NULL;
	struct gate_pass pass = {0};
	if (gate_enter(all->gate, &peer, !user, &pass) < 0) {
		refuse(all, &peer, fd);
		return;
	}
	struct connection *c = calloc(1, sizeof *c);
	if (!c || stream_open(&c->stream, all->loop, fd, &stream_plain, on_stream) < 0) {
		gate_leave(&pass);
		free(c);
		close(fd);
		return;
	}
	stream_tune_tcp(fd);
	c->all = all;
	c->id = ++all->last_id;
	c->peer = peer;
	c->pass = pass;
	c->user = c->kernel_user = user;
	c->reply = (struct reply_writer){.out = &c->stream.out, .version = 2};
	line_init(&c->line, &c->reply, on_line_change);
	condition_init(&c->changed);
	LIST_INSERT_HEAD(&all->connections, c, entry);
	all->counters.accepted++;
	if (!user && !peer.local)
		set_timer(c, IDENTIFY_MS);
	log_debug("connection accepted", log_int("connection", c->id), log_str("peer", peer.name),
	    log_str("user", user ? user->name : NULL));
}
