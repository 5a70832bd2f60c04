#include "daemon/net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* So much is written for one connection in one turn: others wait behind it. */
enum { WRITE_TURN_BYTES = 256 * 1024 };

static ssize_t plain_read(struct stream *s, void *to, size_t n)
{
	for (;;) {
		ssize_t got = recv(s->fd, to, n, 0);
		if (got >= 0)
			return got;
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
}

static ssize_t plain_write(struct stream *s, const void *bytes, size_t n)
{
	for (;;) {
		ssize_t put = send(s->fd, bytes, n, MSG_NOSIGNAL);
		if (put >= 0)
			return put;
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	}
}

static void plain_close(struct stream *s)
{
	(void)s;
}

const struct stream_ops stream_plain = {plain_read, plain_write, plain_close};

static struct stream *stream_of_watch(struct loop_fd *w)
{
	return (struct stream *)((char *)w - offsetof(struct stream, watch));
}

static struct stream *stream_of_flush(struct ready *r)
{
	return (struct stream *)((char *)r - offsetof(struct stream, flush));
}

/* Flushes on the loop's stack, where the owner can be told of what came of it. */
static void flush_and_tell(struct stream *s)
{
	size_t before = s->out.len;
	if (stream_flush(s) < 0)
		s->on_event(s, STREAM_FAILED);
	else if (s->out.len < before)
		s->on_event(s, STREAM_WRITTEN);
}

static void flush_due(struct ready *r)
{
	flush_and_tell(stream_of_flush(r));
}

static void on_ready(struct loop_fd *w, int what)
{
	struct stream *s = stream_of_watch(w);
	if (what & LOOP_WRITE) {
		s->writable = true;
		if (s->out.len > 0)
			stream_flush_soon(s);
	}
	if (what & LOOP_READ) {
		s->readable = true;
		s->on_event(s, STREAM_READABLE);
	}
}

int stream_open(struct stream *s, struct loop *loop, int fd, const struct stream_ops *ops,
    void (*on_event)(struct stream *s, enum stream_event event))
{
	*s = (struct stream){.ops = ops, .loop = loop, .fd = fd, .on_event = on_event};
	s->writable = true;
	int r = loop_fd_add(loop, &s->watch, fd, on_ready);
	if (r < 0)
		s->fd = -1;
	return r;
}

void stream_close(struct stream *s)
{
	if (!s->ops || s->fd < 0)
		return;
	ready_remove(&s->flush);
	loop_fd_remove(&s->watch);
	s->ops->close(s);
	close(s->fd);
	s->fd = -1;
	buf_clear(&s->out);
}

void stream_part(struct stream *s)
{
	/* Nobody reads it; a task's stack is no place for it. */
	static char unread[4096];
	if (s->fd < 0)
		return;
	shutdown(s->fd, SHUT_WR);
	for (int i = 0; i < 64; i++)
		if (recv(s->fd, unread, sizeof unread, MSG_DONTWAIT) <= 0)
			return;
}

ssize_t stream_read(struct stream *s, struct buf *in, size_t max)
{
	assert(s->fd >= 0);
	if (!s->readable)
		return -EAGAIN;
	char *to = buf_reserve(in, max);
	if (!to)
		return -ENOMEM;
	ssize_t got = s->ops->read(s, to, max);
	if (got > 0)
		buf_commit(in, (size_t)got);
	else if (got == -EAGAIN)
		s->readable = false;
	return got;
}

void stream_flush_soon(struct stream *s)
{
	if (s->fd >= 0 && s->writable && !s->error)
		ready_add(&s->flush, flush_due);
}

int stream_flush(struct stream *s)
{
	assert(s->fd >= 0);
	size_t left = WRITE_TURN_BYTES;
	while (s->out.len > 0 && s->writable && !s->error) {
		if (left == 0) {
			stream_flush_soon(s);
			return 0;
		}
		size_t n = s->out.len < left ? s->out.len : left;
		ssize_t put = s->ops->write(s, buf_bytes(&s->out), n);
		if (put > 0) {
			buf_consume(&s->out, (size_t)put);
			left -= (size_t)put;
		} else if (put == -EAGAIN) {
			s->writable = false;
		} else {
			s->error = put < 0 ? (int)put : -EIO;
		}
	}
	if (s->out.len == 0)
		buf_clear(&s->out); /* an idle connection holds nothing */
	return s->error;
}

void stream_tune_tcp(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1}, {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 10}, {IPPROTO_TCP, TCP_KEEPCNT, 6},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, 120 * 1000}, /* milliseconds */
	};
	struct sockaddr_storage name;
	socklen_t len = sizeof name;
	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0 || name.ss_family == AF_UNIX)
		return;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}
