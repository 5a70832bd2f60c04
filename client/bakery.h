/*
 * A small client library for Bakery: one connection, blocking calls. The command line is built on it, and so
 * are the tests. Not thread-safe: one connection for one thread. Speaks RESP3. Everything goes through
 * bakery_call(); the rest are conveniences for what every program does.
 */
#ifndef BAKERY_CLIENT_BAKERY_H
#define BAKERY_CLIENT_BAKERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/value.h"

struct bakery; /* a connection */

struct bakery_options {
	const char *
	    server; /* "unix:PATH", "HOST:PORT"; NULL: $BAKERY_SERVER, the person's socket if it exists, else the system's */
	const char *login, *password; /* NULL: none */
	int64_t connect_timeout_ms;   /* 0: 5 s */
	int64_t
	    retry_for_ms; /* bakery_call_again: how long a lost connection is tried again; 0: 10 s; negative: not at all */
	int interrupt_fd; /* while it is readable, what waits ends with -EINTR (a signalfd, a pipe); 0: none */
};

/* Connects and says HELLO. 0 or a negative errno value; -EACCES when the login was refused;
 * -ENOENT/-ECONNREFUSED when nobody is there; -EAGAIN when the daemon has too many clients; -EINVAL when the
 * address is none. bakery_error() says more, also after failure: *out is then a closed connection that is to
 * be freed all the same (NULL only with -ENOMEM). The options are copied. */
int bakery_open(const struct bakery_options *o, struct bakery **out);
void bakery_close(struct bakery *b);
/* The last failure in words, naming the server. Valid until the next call. */
const char *bakery_error(const struct bakery *b);
/* The address in use ("unix:/run/bakery/bakery.sock"). */
const char *bakery_address(const struct bakery *b);
int bakery_fd(const struct bakery *b); /* -1: lost */
/* Opens a lost connection again. Nothing happens to one that is there. What had been sent and not answered is
 * forgotten, and so are subscriptions. */
int bakery_reopen(struct bakery *b);
/* Changes interrupt_fd. */
void bakery_set_interrupt(struct bakery *b, int fd);
/* Loses the connection: a daemon that does not answer is not waited for any longer. */
void bakery_drop(struct bakery *b);

/* Sends one request and waits for its reply. 0 with *reply (value_free it; may be a VALUE_ERROR); a negative
 * errno value when the connection is lost, or timeout_ms (-1: none) passed (-ETIMEDOUT), or the interrupt
 * came (-EINTR); after each of these the connection is lost. Pushes that arrive meanwhile are queued for
 * bakery_push(). All replies of bakery_send() must have been read. */
int bakery_call(
    struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply);
/* The same with a list of C strings, NULL-terminated, and a time-out of 30 s. */
int bakery_command(struct bakery *b, struct value **reply, const char *verb, ...) __attribute__((sentinel));
/* The same as bakery_call(), but a lost connection is opened again and the request sent again, for
 * retry_for_ms, also while the daemon answers LOADING: only for what may be repeated (reads, ORDER with KEY,
 * AWAIT). */
int bakery_call_again(
    struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply);
/* For loops of one's own that try again: sleeps a little longer each time until retry_for_ms have passed
 * since *since_ms (start from 0). 0: try now. -ETIMEDOUT, -EINTR. */
int bakery_pause(struct bakery *b, int64_t *since_ms);

/* Pipelining: send many, then read the replies in order. bakery_send buffers; bakery_reply flushes. After
 * -ETIMEDOUT or -EINTR of bakery_reply the reply is still to come. A SUBSCRIBE is sent like this; its
 * acknowledgement is a push, not a reply. */
int bakery_send(struct bakery *b, size_t argc, const struct slice *argv);
int bakery_flush(struct bakery *b);
int bakery_reply(struct bakery *b, int64_t timeout_ms, struct value **reply);

/* The next push (after SUBSCRIBE): 0 with *push; -ETIMEDOUT; -EINTR; -EPROTO when a reply comes instead (a
 * refused SUBSCRIBE: bakery_error() has its text). */
int bakery_push(struct bakery *b, int64_t timeout_ms, struct value **push);

/* A time-ordered random key (UUID version 7, RFC 9562) for ORDER … KEY, 37 bytes with the NUL. */
int bakery_make_key(char out[static 37]);

#endif
