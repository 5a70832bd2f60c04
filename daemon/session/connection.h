/*
 * One client: its stream, its half-read request, its reply line, who it is, and the task that serves it.
 *
 * The task exists only while there is something to read: it takes requests and starts their work, and ends when the socket is empty
 * and no request is half there. Replies of work in flight are written by their slots, without a task.
 *
 * End: connection_abort() marks it dead; in a later turn the descriptor is closed, the task cancelled, the line abandoned, and when the task and
 * the last slot in flight are gone the memory is freed. So nobody who holds a reference across a suspension (its own
 * task, a slot) ever sees freed memory; both look at `dead` before they touch the stream.
 */
#ifndef BAKERY_SESSION_CONNECTION_H
#define BAKERY_SESSION_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/gate.h"
#include "daemon/net/stream.h"
#include "daemon/session/line.h"
#include "daemon/session/rights.h"
#include "daemon/session/shared.h"
#include "daemon/task/task.h"
#include "proto/request.h"

struct user;
struct subscriber;

struct connection {
	LIST_ENTRY(connection) entry;
	struct sessions *all;
	int64_t id;
	struct stream stream;
	struct peer peer;
	struct gate_pass pass;
	const struct user *user;        /* NULL: has not said who it is */
	const struct user *kernel_user; /* whom the kernel says; NULL: nobody that we know */
	char *name;                     /* CLIENT SETNAME; NULL: none */
	int failed_auths;

	struct buf in;
	struct request_parser *parser;
	int64_t request_deadline_ns; /* the request that has begun must be whole by then; 0: none has begun */
	size_t turn_bytes;           /* read since others had their turn */
	struct reply_writer reply;   /* writes to stream.out */
	struct line line;
	struct subscriber *subscriber; /* NULL: never subscribed */

	struct task *task;        /* NULL: nothing to do */
	struct condition changed; /* what its task may wait for: input, room, earlier writes done, death */
	struct loop_timer timer;  /* identification, or the end of closing */
	struct ready reap;
	size_t counted_bytes; /* its part of sessions.buffered */
	bool starved;         /* not read because of limits.buffers */
	bool eof;             /* the client sends no more: what it asked for is answered, then it is closed */
	bool closing;         /* no more requests are taken: closed when all is flushed */
	bool dead;
};

/* The name of the task that serves one. */
extern const char connection_task[];

/* Serves fd (taken, whatever happens). */
void connection_accept(struct sessions *all, int fd);

/* Closes when what has been asked for has been answered and sent, or in ten seconds. */
void connection_close_soon(struct connection *c);
/* Closes in a later turn; why (static text, NULL: not worth a line) is logged. Again is fine. */
void connection_abort(struct connection *c, const char *why);

/* Somebody has put bytes into c->stream.out: they are sent at the end of the turn. */
void connection_wrote(struct connection *c);
/* It does not read what is pushed to it, and holds more of it than there is room for. */
bool connection_clogged(const struct connection *c);

/* Waits for the next change (see `changed`). Called by its task only. 0, ERR_TIMEOUT, ERR_CANCELLED. */
int await_connection_change(struct connection *c, int64_t deadline_ns);
/* Waits until every request before this one is answered (barrier), or until those that write are done. 0, or ERR_CANCELLED when it is dead. */
int await_connection_answered(struct connection *c);
int await_connection_written(struct connection *c);
/* Waits until the line can take a reply of so many bytes. 0 or ERR_CANCELLED. */
int await_connection_room(struct connection *c, size_t bytes);

/* Looks whether the client has gone while a verb waits: reads on, within a bound, without handling anything. Moves the bytes of the request in
 * hand: its slices are void afterwards. True: it is gone. */
bool connection_hung_up(struct connection *c);

/* The client is this user from now on; NULL: nobody. */
void connection_identify(struct connection *c, const struct user *user);

#endif
