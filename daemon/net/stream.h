/*
 * A byte stream over a connected, non-blocking socket: reads into a buffer, writes from one. What moves the bytes (plain sockets; TLS beside it)
 * stands behind a small table of operations. Knows nothing of requests or replies.
 *
 * Output is collected in `out` and written once at the end of the turn (stream_flush_soon), so that many replies share one
 * write(2); what the socket does not take waits until it is writable. The descriptor is registered once, edge-triggered.
 *
 * Storage is the caller's. All of it belongs to the loop's thread; nothing here suspends.
 */
#ifndef BAKERY_NET_STREAM_H
#define BAKERY_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/loop/loop.h"
#include "daemon/task/ready.h"
#include "proto/buf.h"

struct stream;

/* Each call moves what it can at once. read: > 0; 0 at the end of the stream; -EAGAIN. write: > 0; -EAGAIN. Else a negative errno value. */
struct stream_ops {
	ssize_t (*read)(struct stream *s, void *to, size_t n);
	ssize_t (*write)(struct stream *s, const void *bytes, size_t n);
	void (*close)(struct stream *s);
};
extern const struct stream_ops stream_plain;

enum stream_event {
	STREAM_READABLE, /* there is something to read, or an end to be found out by reading */
	STREAM_WRITTEN,  /* some of `out`, maybe all, has gone */
	STREAM_FAILED,   /* error is set: nothing more can be written */
};

struct stream {
	const struct stream_ops *ops;
	struct loop_fd watch;
	struct loop *loop;
	struct ready flush;
	int fd;                  /* −1: closed */
	int error;               /* the first failure of a write; 0: none */
	bool readable, writable; /* as far as is known: false after EAGAIN, until the kernel says otherwise */
	struct buf out;          /* append, then stream_flush_soon() */
	/* Called on the loop's stack, never inside a function of this room that the owner has called. It may close the stream. */
	void (*on_event)(struct stream *s, enum stream_event event);
};

/* Takes fd when it succeeds. 0 or a negative errno value. */
int stream_open(struct stream *s, struct loop *loop, int fd, const struct stream_ops *ops,
    void (*on_event)(struct stream *s, enum stream_event event));
/* Closes the descriptor and gives all memory back. Again is fine, and so is a stream that is all zero. */
void stream_close(struct stream *s);

/* Says that nothing more comes, and reads away what the peer has sent already: closing with unread input would make the
 * kernel reset the connection, and the last words could be lost on their way. Before stream_close(). */
void stream_part(struct stream *s);

/* Reads at most max bytes to the end of `in`. The number of bytes; 0: end of the stream; -EAGAIN: STREAM_READABLE will tell; -ENOMEM; or the
 * socket's error. */
ssize_t stream_read(struct stream *s, struct buf *in, size_t max);

/* Writes what `out` holds in a later turn. */
void stream_flush_soon(struct stream *s);
/* Writes as much of `out` as the socket takes now. 0, also when some is left; or the error, which stays in s->error. No event comes of it. */
int stream_flush(struct stream *s);

/* Sets up a TCP connection for short replies and dead peers: TCP_NODELAY, keepalive after 60 s, TCP_USER_TIMEOUT (tcp(7)). Other sockets are left
 * alone; an option that the kernel refuses is no error. */
void stream_tune_tcp(int fd);

#endif
