/*
 * A channel: one end of a stream socketpair between two of our processes, carrying frames (message.h) with their descriptors, without ever blocking.
 * What arrives is buffered until it is a whole frame; what is sent is buffered until the socket takes it, so that several
 * messages go out in one write. Owns the socket, the descriptors that have arrived and not been taken, and those that wait to be sent.
 */
#ifndef BAKERY_WORKER_CHANNEL_H
#define BAKERY_WORKER_CHANNEL_H

#include <stdbool.h>

#include "daemon/worker/message.h"

/* More descriptors than this may not have arrived before the frames that they belong to. */
enum { CHANNEL_FDS_MAX = 32 };

struct channel_fd {
	uint64_t at; /* the byte of the stream with which it travels */
	int fd;
};

struct channel {
	int fd; /* −1: closed */
	struct buf in, out;
	int fds_in[CHANNEL_FDS_MAX]; /* have arrived, oldest first */
	int fds_in_count;
	struct channel_fd *fds_out; /* wait to be sent, oldest first */
	int fds_out_count, fds_out_cap;
	uint64_t sent;  /* bytes, ever */
	size_t handled; /* bytes of the frame that channel_next() handed out last */
};

/* Takes fd, which becomes non-blocking. */
int channel_init(struct channel *c, int fd);
/* Closes everything. Fine when it is closed already, or zeroed with fd −1. */
void channel_clear(struct channel *c);

/* Two connected stream sockets, close-on-exec. 0 or a negative errno value. */
int channel_pair(int fds[2]);

/* Reads what is there, a bounded amount: 0: there may be more; -EAGAIN: nothing more for now; ERR_CLOSED: the end (whole frames may still be in the buffer);
 * ERR_PROTOCOL (descriptors where none belong); or a negative errno value. */
int channel_read(struct channel *c);
/* The next message: 1, with *m borrowed until the next call of any of these, but for the descriptor in m->fd (−1: none), which is the caller's; 0: none
 * is whole yet; ERR_PROTOCOL. */
int channel_next(struct channel *c, struct message *m);

/* message_begin() on this channel. */
void channel_begin(struct channel *c, struct message_writer *w, enum message_type type);
/* message_finish(); fd (taken, also on failure) goes with it, −1 for types that carry none. Nothing is written yet. */
int channel_finish(struct channel *c, struct message_writer *w, int fd);
/* A message without fields. */
int channel_send(struct channel *c, enum message_type type, int fd);
/* Writes: 0: all is out; -EAGAIN: the socket takes no more for now; or a negative errno value (the peer is gone: -EPIPE). */
int channel_flush(struct channel *c);
static inline bool channel_wants_write(const struct channel *c)
{
	return c->out.len > 0;
}

#endif
