#include "daemon/worker/channel.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/err.h"

enum { READ_BYTES = 64 << 10, KEEP_BYTES = 256 << 10 };

int channel_init(struct channel *c, int fd)
{
	*c = (struct channel){.fd = fd};
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int r = -errno;
		channel_clear(c);
		return r;
	}
	return 0;
}

void channel_clear(struct channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	for (int i = 0; i < c->fds_in_count; i++)
		close(c->fds_in[i]);
	for (int i = 0; i < c->fds_out_count; i++)
		close(c->fds_out[i].fd);
	free(c->fds_out);
	buf_clear(&c->in);
	buf_clear(&c->out);
	*c = (struct channel){.fd = -1};
}

int channel_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

/* ---- reading ---- */

/* Keeps the descriptors that came with a read. The kernel ends a read behind bytes that carry some, so they are never mixed up. */
static int keep_fds(struct channel *c, struct msghdr *msg)
{
	int r = msg->msg_flags & MSG_CTRUNC ? ERR_PROTOCOL : 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (c->fds_in_count < CHANNEL_FDS_MAX) {
				c->fds_in[c->fds_in_count++] = fd;
			} else {
				close(fd);
				r = ERR_PROTOCOL;
			}
		}
	}
	return r;
}

/* The frame that was handed out last is done with. */
static void finish_handled(struct channel *c)
{
	if (c->handled) {
		buf_consume(&c->in, c->handled);
		c->handled = 0;
		/* What a big payload needed is not kept for ever. */
		if (c->in.len == 0 && c->in.cap > KEEP_BYTES)
			buf_shrink(&c->in);
	}
}

int channel_read(struct channel *c)
{
	finish_handled(c);
	char *room = buf_reserve(&c->in, READ_BYTES);
	if (!room)
		return -ENOMEM;
	union {
		char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {room, READ_BYTES};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	ssize_t n;
	do {
		n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? ERR_CLOSED : -errno;
	int r = keep_fds(c, &msg);
	if (r)
		return r;
	if (n == 0)
		return ERR_CLOSED;
	buf_commit(&c->in, (size_t)n);
	return 0;
}

int channel_next(struct channel *c, struct message *m)
{
	finish_handled(c);
	size_t bytes;
	int r = message_parse(&c->in, m, &bytes);
	if (r == 0 && c->in.len == 0 && c->fds_in_count > 0)
		return ERR_PROTOCOL; /* a descriptor came with a frame that announced none */
	if (r <= 0)
		return r;
	if (message_has_fd(m->type)) {
		if (c->fds_in_count == 0)
			return ERR_PROTOCOL;
		m->fd = c->fds_in[0];
		memmove(c->fds_in, c->fds_in + 1, (size_t)--c->fds_in_count * sizeof c->fds_in[0]);
	}
	c->handled = bytes;
	return 1;
}

/* ---- writing ---- */

void channel_begin(struct channel *c, struct message_writer *w, enum message_type type)
{
	message_begin(w, &c->out, type);
}

static int add_fd(struct channel *c, uint64_t at, int fd)
{
	if (c->fds_out_count == c->fds_out_cap) {
		int cap = c->fds_out_cap ? 2 * c->fds_out_cap : 8;
		struct channel_fd *more = realloc(c->fds_out, (size_t)cap * sizeof *more);
		if (!more)
			return -ENOMEM;
		c->fds_out = more;
		c->fds_out_cap = cap;
	}
	c->fds_out[c->fds_out_count++] = (struct channel_fd){at, fd};
	return 0;
}

int channel_finish(struct channel *c, struct message_writer *w, int fd)
{
	assert((fd >= 0) == message_has_fd(w->type));
	int r = message_finish(w);
	if (!r && fd >= 0) {
		r = add_fd(c, c->sent + w->start, fd);
		if (r)
			c->out.len = w->start;
	}
	if (r && fd >= 0)
		close(fd);
	return r;
}

int channel_send(struct channel *c, enum message_type type, int fd)
{
	struct message_writer w;
	channel_begin(c, &w, type);
	return channel_finish(c, &w, fd);
}

/* Writes the first n bytes of out, with a descriptor (−1: without). Bytes written, or a negative errno value. */
static ssize_t write_some(struct channel *c, size_t n, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {c->out.data + c->out.off, n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof control.bytes;
		struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(h), &fd, sizeof fd);
	}
	ssize_t r;
	do {
		r = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int channel_flush(struct channel *c)
{
	while (c->out.len > 0) {
		/* Each write ends before the next frame that carries a descriptor. */
		size_t n = c->out.len;
		int fd = -1, next = 0;
		if (c->fds_out_count > 0 && c->fds_out[0].at == c->sent) {
			fd = c->fds_out[0].fd;
			next = 1;
		}
		if (next < c->fds_out_count && c->fds_out[next].at - c->sent < n)
			n = (size_t)(c->fds_out[next].at - c->sent);
		ssize_t done = write_some(c, n, fd);
		if (done < 0)
			return (int)done;
		if (fd >= 0) {
			close(fd);
			memmove(
			    c->fds_out, c->fds_out + 1, (size_t)--c->fds_out_count * sizeof c->fds_out[0]);
		}
		c->sent += (size_t)done;
		buf_consume(&c->out, (size_t)done);
	}
	if (c->out.cap > KEEP_BYTES)
		buf_shrink(&c->out);
	return 0;
}
