/*
 * Requests as a server reads them: RESP arrays of bulk strings, and inline commands where they are allowed.
 * Incremental: a request may arrive in any number of pieces. Source:
 * redis.io/docs/latest/develop/reference/protocol-spec/, and proto/PROTOCOL.md.
 *
 * The bytes of a request stay in the input buffer: arguments are slices of it, valid until request_done(). An
 * argument over its limit is skipped byte for byte without being stored, and the request comes out with
 * `toobig` set; so does a request with too many arguments or bytes. Only one that announces more than 64
 * times the bytes that a request may have is broken: it is not worth reading to its end.
 */
#ifndef BAKERY_PROTO_REQUEST_H
#define BAKERY_PROTO_REQUEST_H

#include <stdbool.h>

#include "proto/buf.h"

struct request_limits {
	uint32_t args;          /* most arguments */
	uint64_t arg_bytes;     /* of one argument */
	uint64_t request_bytes; /* of one request in all */
	uint32_t inline_bytes;  /* of an inline line; 0: inline refused */
	bool inline_all;        /* all verbs inline (Unix sockets); else PING and QUIT only */
};

struct request {
	struct slice *argv;
	uint32_t argc;
	bool
	    toobig; /* an argument, their number, or the whole was over its limit; argv holds its verb, or nothing */
	char why[120]; /* for toobig: which limit, in words */
};

struct request_parser;

int request_parser_new(struct request_parser **out);
void request_parser_free(struct request_parser *p);
/* Bytes that it holds beside the input buffer. */
size_t request_parser_memory(const struct request_parser *p);
/* True between requests: nothing of the next one has been seen. */
bool request_parser_idle(const struct request_parser *p, const struct buf *in);

enum request_status {
	REQUEST_MORE,    /* the request is not whole yet */
	REQUEST_READY,   /* *out is a request: handle it, then request_done() */
	REQUEST_BROKEN,  /* framing is lost: reply p's error text, close */
	REQUEST_FOREIGN, /* looks like TLS or HTTP: close at once, run nothing */
	REQUEST_NOMEM,   /* close */
};
enum request_status request_parse(
    struct request_parser *p, struct buf *in, const struct request_limits *limits, struct request *out);
/* The text for REQUEST_BROKEN ("Protocol error: expected '$', got 'x'"). No control characters in it. Every
 * later parse is broken too. */
const char *request_error(const struct request_parser *p);
/* The request has been handled: its bytes leave the input buffer. */
void request_done(struct request_parser *p, struct buf *in);

#endif
