/*
 * A small client library for Bakery: one connection, blocking calls. The command line is built on it, and so are the tests. Not thread-safe: one connection
 * for one thread. Speaks RESP3. Everything goes through bakery_call(); the rest are conveniences for what every program does.
 */
#ifndef BAKERY_CLIENT_BAKERY_H
#define BAKERY_CLIENT_BAKERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/value.h"

struct bakery; /* a connection */

struct bakery_options {
	const char *server; /* "unix:PATH", "HOST:PORT"; NULL: $BAKERY_SERVER, the person's socket if it exists, else the system's */
	const char *login, *password; /* NULL: none */
	int64_t connect_timeout_ms; /* 0: 5 s */
	int64_t retry_for_ms; /* bakery_call_again: how long a lost connection is tried again; 0: 10 s */
};

/* Connects and says HELLO. 0 or a negative errno value; -EACCES when the login was refused; -ENOENT/-ECONNREFUSED when nobody is there. bakery_error() says
 * more, also after failure: *out is then a closed connection that is to be freed all the same. */
int bakery_open(const struct bakery_options *o, struct bakery **out);
void bakery_close(struct bakery *b);
/* The last failure in words, naming the server. Valid until the next call. */
const char *bakery_error(const struct bakery *b);
/* The address in use ("unix:/run/bakery/bakery.sock"). */
const char *bakery_address(const struct bakery *b);
int bakery_fd(const struct bakery *b);

/* Sends one request and waits for its reply. 0 with *reply (value_free it; may be a VALUE_ERROR); a negative errno value when the connection is lost or
 * timeout_ms (-1: none) passed (-ETIMEDOUT). Pushes that arrive meanwhile are queued for bakery_push(). */
int bakery_call(struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply);
/* The same with a printf-less list of C strings, NULL-terminated. */
int bakery_command(struct bakery *b, struct value **reply, const char *verb, ...) __attribute__((sentinel));
/* The same, but a lost connection is opened again and the request sent again, for retry_for_ms: only for what may be repeated (reads, ORDER with KEY, AWAIT). */
int bakery_call_again(struct bakery *b, size_t argc, const struct slice *argv, int64_t timeout_ms, struct value **reply);

/* Pipelining: send many, then read the replies in order. bakery_send buffers; bakery_reply flushes. */
int bakery_send(struct bakery *b, size_t argc, const struct slice *argv);
int bakery_flush(struct bakery *b);
int bakery_reply(struct bakery *b, int64_t timeout_ms, struct value **reply);

/* The next push (after SUBSCRIBE): 0 with *push; -ETIMEDOUT. */
int bakery_push(struct bakery *b, int64_t timeout_ms, struct value **push);

/* A time-ordered random key (UUID version 7, RFC 9562) for ORDER … KEY, 37 bytes with the NUL. */
int bakery_make_key(char out[static 37]);

#endif
