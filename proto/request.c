/*
 * Reads requests. A request that is whole in the input buffer is parsed in one pass without copying; one that
 * is not is continued where the last call stopped, so that no byte of an argument is looked at twice. Lengths
 * from the network are checked before anything is computed with them, and nothing is allocated for what is
 * only announced.
 *
 * Over a limit there are two answers. Framing is kept as long as it can be: the rest of the request is
 * dropped as it arrives, and the request comes out with `toobig`. A request that announces more than
 * SKIP_FACTOR times what is allowed is not worth reading to its end: it is broken.
 *
 * Knows nothing of verbs but the two that are allowed inline everywhere.
 */
#include "proto/request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/inline.h"

enum {
	SKIP_FACTOR = 64,
	LEAST_ARG_BYTES = 6, /* $0 CR LF CR LF */
	DIGITS_MAX = 19,
	ARGS_FIRST = 8, /* room that is made at first, */
	ARGS_KEPT = 32, /* and the most that is kept between requests */
	VERB_KEPT = 32, /* of a request over its limits, for whoever words the error */
	LINE_LEAST =
	    64, /* a line is read so far to see whether it is HTTP, even where inline commands are refused */
	TLS_HANDSHAKE = 0x16, /* the first byte of a TLS connection */
};

struct request_parser {
	size_t at;      /* bytes at the front of the input that belong to this request and have been parsed */
	size_t scanned; /* of an inline line: so many bytes hold no line end */
	uint64_t bytes; /* of this request, as announced so far */
	uint32_t count, left;       /* arguments announced, and still to come; count 0: between requests */
	bool in_arg;                /* the length of the next argument has been seen: */
	uint64_t arg_len, arg_left; /* of which so much is still to be dropped (toobig only) */
	bool ready;                 /* until request_done() */
	bool broken;
	bool toobig;

	uint32_t argc, room;
	size_t *
	    starts; /* where the arguments begin, from the front of the input: the buffer may move meanwhile */
	struct slice *argv;

	struct slice verb; /* what is kept of a request over its limits; data NULL: nothing */
	char verb_bytes[VERB_KEPT];
	char why[sizeof(((struct request *)0)->why)];
	char error[80];
};

int request_parser_new(struct request_parser **out)
{
	struct request_parser *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	*out = p;
	return 0;
}

static void free_room(struct request_parser *p)
{
	free(p->starts);
	free(p->argv);
	p->starts = NULL;
	p->argv = NULL;
	p->room = 0;
}

void request_parser_free(struct request_parser *p)
{
	if (!p)
		return;
	free_room(p);
	free(p);
}

size_t request_parser_memory(const struct request_parser *p)
{
	return sizeof *p + p->room * (sizeof *p->starts + sizeof *p->argv);
}

bool request_parser_idle(const struct request_parser *p, const struct buf *in)
{
	return !in->len && !p->count && !p->ready && !p->broken;
}

const char *request_error(const struct request_parser *p)
{
	return p->error;
}

static enum request_status broken(struct request_parser *p, const char *what)
{
	snprintf(p->error, sizeof p->error, "Protocol error: %s", what);
	p->broken = true;
	return REQUEST_BROKEN;
}

static enum request_status broken_expected(struct request_parser *p, char expected, char got)
{
	char what[40];
	snprintf(what, sizeof what, "expected '%c', got '%c'", expected, got > ' ' && got < 0x7f ? got : '?');
	return broken(p, what);
}

static enum request_status foreign(struct request_parser *p)
{
	broken(p, "this is not RESP");
	return REQUEST_FOREIGN;
}

/* What has been parsed leaves the input. */
static void drop(struct request_parser *p, struct buf *in)
{
	buf_consume(in, p->at);
	p->at = 0;
}

static int grow_room(struct request_parser *p)
{
	uint32_t room = p->room ? 2 * p->room : ARGS_FIRST;
	size_t *starts = realloc(p->starts, room * sizeof *starts);
	if (!starts)
		return -ENOMEM;
	p->starts = starts;
	struct slice *argv = realloc(p->argv, room * sizeof *argv);
	if (!argv)
		return -ENOMEM;
	p->argv = argv;
	p->room = room;
	return 0;
}

static int add_arg(struct request_parser *p, size_t start, size_t len)
{
	if (p->argc == p->room && grow_room(p) < 0)
		return -ENOMEM;
	p->starts[p->argc] = start;
	p->argv[p->argc++].len = len;
	return 0;
}

static enum request_status make_ready(struct request_parser *p, const struct buf *in, struct request *out)
{
	p->ready = true;
	out->toobig = p->toobig;
	if (p->toobig) {
		out->argv = &p->verb;
		out->argc = p->verb.data != NULL;
		memcpy(out->why, p->why, sizeof out->why);
		return REQUEST_READY;
	}
	const char *front = buf_bytes(in);
	for (uint32_t i = 0; i < p->argc; i++)
		p->argv[i].data = front + p->starts[i];
	out->argv = p->argv;
	out->argc = p->argc;
	out->why[0] = '\0';
	return REQUEST_READY;
}

/* ---- over a limit ---- */

static void keep_verb(struct request_parser *p, const char *bytes, size_t len)
{
	memcpy(p->verb_bytes, bytes, len);
	p->verb = (struct slice){p->verb_bytes, len};
}

/* From here on nothing of this request is kept but its first argument, if it is short. The first reason stays. */
__attribute__((format(printf, 3, 4))) static void become_toobig(
    struct request_parser *p, struct buf *in, const char *format, ...)
{
	if (p->toobig)
		return;
	p->toobig = true;
	va_list args;
	va_start(args, format);
	vsnprintf(p->why, sizeof p->why, format, args);
	va_end(args);
	if (p->argc && p->argv[0].len <= VERB_KEPT)
		keep_verb(p, buf_bytes(in) + p->starts[0], p->argv[0].len);
	p->argc = 0;
	drop(p, in);
}

/* Drops what has come of the argument. */
static enum request_status skip_arg(struct request_parser *p, struct buf *in)
{
	bool first = p->left == p->count;
	if (first && p->arg_left == p->arg_len && p->arg_len <= VERB_KEPT) {
		if (in->len < p->arg_len)
			return REQUEST_MORE;
		keep_verb(p, buf_bytes(in), p->arg_len);
	}
	size_t n = p->arg_left < in->len ? (size_t)p->arg_left : in->len;
	buf_consume(in, n);
	p->arg_left -= n;
	if (p->arg_left || in->len < 2)
		return REQUEST_MORE;
	if (memcmp(buf_bytes(in), "\r\n", 2) != 0)
		return broken(p, "expected CRLF after an argument");
	buf_consume(in, 2);
	return REQUEST_READY;
}

/* ---- arrays ---- */

/* TYPE number CR LF at the front of `have` bytes, where the number is −1 or without a sign. 1; 0 when more is
 * needed; −1 when it is none. */
static int parse_length(const char *at, size_t have, int64_t *value, size_t *used)
{
	size_t i = 1;
	bool negative = have > 1 && at[1] == '-';
	if (negative)
		i++;
	size_t first = i;
	int64_t n = 0;
	for (; i < have && at[i] >= '0' && at[i] <= '9'; i++) {
		int digit = at[i] - '0';
		if (i - first == DIGITS_MAX || n > (INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	if (i == have)
		return 0;
	if (i == first || at[i] != '\r' || (negative && n != 1))
		return -1;
	if (i + 1 == have)
		return 0;
	if (at[i + 1] != '\n')
		return -1;
	*value = negative ? -n : n;
	*used = i + 2;
	return 1;
}

/* The most that a request may announce before it is given up. */
static uint64_t announced_max(const struct request_limits *limits)
{
	return limits->request_bytes > INT64_MAX / SKIP_FACTOR ? INT64_MAX
							       : limits->request_bytes * SKIP_FACTOR;
}

/* The length of the next argument. READY: it is there. */
static enum request_status parse_arg_length(
    struct request_parser *p, struct buf *in, const struct request_limits *limits)
{
	const char *at = buf_bytes(in) + p->at;
	size_t have = in->len - p->at, used;
	if (!have)
		return REQUEST_MORE;
	if (*at != '$')
		return broken_expected(p, '$', *at);
	int64_t len;
	int r = parse_length(at, have, &len, &used);
	if (r == 0)
		return REQUEST_MORE;
	uint64_t most = announced_max(limits);
	if (r < 0 || len < 0 || (uint64_t)len > most || p->bytes + used > most - (uint64_t)len)
		return broken(p, "invalid bulk length");
	p->at += used;
	p->bytes += used + (uint64_t)len + 2;
	p->in_arg = true;
	p->arg_len = p->arg_left = (uint64_t)len;
	if ((uint64_t)len > limits->arg_bytes)
		become_toobig(p, in,
		    "argument %" PRIu32 " has %" PRId64 " bytes, at most %" PRIu64 " are allowed",
		    p->count - p->left + 1, len, limits->arg_bytes);
	else if (p->bytes > limits->request_bytes)
		become_toobig(p, in, "the request has more than %" PRIu64 " bytes", limits->request_bytes);
	if (p->toobig)
		drop(p, in);
	return REQUEST_READY;
}

static enum request_status parse_args(
    struct request_parser *p, struct buf *in, const struct request_limits *limits, struct request *out)
{
	while (p->left) {
		if (!p->in_arg) {
			enum request_status s = parse_arg_length(p, in, limits);
			if (s != REQUEST_READY)
				return s;
		}
		if (p->toobig) {
			enum request_status s = skip_arg(p, in);
			if (s != REQUEST_READY)
				return s;
		} else {
			size_t have = in->len - p->at, len = (size_t)p->arg_len;
			if (have < len + 2)
				return REQUEST_MORE;
			if (memcmp(buf_bytes(in) + p->at + len, "\r\n", 2) != 0)
				return broken(p, "expected CRLF after an argument");
			if (add_arg(p, p->at, len) < 0)
				return REQUEST_NOMEM;
			p->at += len + 2;
		}
		p->in_arg = false;
		p->left--;
	}
	return make_ready(p, in, out);
}

/* The head of an array. READY: p->count is how many arguments follow, 0 when it was empty and to be ignored. */
static enum request_status parse_array(
    struct request_parser *p, struct buf *in, const struct request_limits *limits)
{
	int64_t count;
	size_t used;
	int r = parse_length(buf_bytes(in), in->len, &count, &used);
	if (r == 0)
		return REQUEST_MORE;
	if (r < 0 || count > UINT32_MAX ||
	    (count > 0 && (uint64_t)count > announced_max(limits) / LEAST_ARG_BYTES))
		return broken(p, "invalid multibulk length");
	p->at = used;
	if (count <= 0) {
		drop(p, in);
		return REQUEST_READY;
	}
	p->bytes = used;
	p->count = p->left = (uint32_t)count;
	if (p->count > limits->args)
		become_toobig(
		    p, in, "%" PRIu32 " arguments, at most %" PRIu32 " are allowed", p->count, limits->args);
	return REQUEST_READY;
}

/* ---- lines ---- */

static bool is_verb(struct slice word, const char *verb)
{
	return word.len == strlen(verb) && strncasecmp(word.data, verb, word.len) == 0;
}

static enum request_status split_line(struct request_parser *p, struct buf *in, size_t len)
{
	char *front = in->data + in->off, *at = front;
	struct slice word;
	int r;
	while ((r = inline_next_word(&at, front + len, &word)) > 0)
		if (add_arg(p, (size_t)(word.data - front), word.len) < 0)
			return REQUEST_NOMEM;
	return r < 0 ? broken(p, "unbalanced quotes in request") : REQUEST_READY;
}

/* A line. READY: a request when there are arguments, else an empty line that has been dropped. */
static enum request_status parse_line(
    struct request_parser *p, struct buf *in, const struct request_limits *limits)
{
	const char *line = buf_bytes(in);
	char first = line[0];
	if (first == TLS_HANDSHAKE)
		return foreign(p);
	if (!isalpha((unsigned char)first) && first != '\r' && first != '\n')
		return broken_expected(p, '*', first);
	size_t most = limits->inline_bytes > LINE_LEAST ? limits->inline_bytes : LINE_LEAST;
	const char *end = memchr(line + p->scanned, '\n', in->len - p->scanned);
	size_t len = end ? (size_t)(end - line) : in->len;
	if (len > most)
		return inline_is_http(line, most) ? foreign(p) : broken(p, "too big inline request");
	if (!end) {
		p->scanned = in->len;
		return REQUEST_MORE;
	}
	p->scanned = 0;
	p->at = len + 1;
	if (len && line[len - 1] == '\r')
		len--;
	if (inline_is_http(line, len))
		return foreign(p);
	if (len > limits->inline_bytes)
		return broken_expected(p, '*', first);
	enum request_status s = split_line(p, in, len);
	if (s != REQUEST_READY)
		return s;
	if (p->argc && !limits->inline_all) {
		struct slice verb = {buf_bytes(in) + p->starts[0], p->argv[0].len};
		if (!is_verb(verb, "PING") && !is_verb(verb, "QUIT"))
			return broken_expected(p, '*', first);
	}
	if (p->argc > limits->args)
		become_toobig(
		    p, in, "%" PRIu32 " arguments, at most %" PRIu32 " are allowed", p->argc, limits->args);
	else if (!p->argc)
		drop(p, in);
	return REQUEST_READY;
}

/* ---- */

enum request_status request_parse(
    struct request_parser *p, struct buf *in, const struct request_limits *limits, struct request *out)
{
	assert(!p->ready);
	if (p->broken)
		return REQUEST_BROKEN;
	while (!p->count) {
		if (!in->len)
			return REQUEST_MORE;
		enum request_status s;
		if (*buf_bytes(in) == '*') {
			s = parse_array(p, in, limits);
		} else {
			s = parse_line(p, in, limits);
			if (s == REQUEST_READY && (p->argc || p->toobig))
				return make_ready(p, in, out);
		}
		if (s != REQUEST_READY)
			return s;
	}
	return parse_args(p, in, limits, out);
}

void request_done(struct request_parser *p, struct buf *in)
{
	assert(p->ready);
	drop(p, in);
	if (p->room > ARGS_KEPT)
		free_room(p);
	p->ready = false;
	p->toobig = false;
	p->verb = (struct slice){0};
	p->argc = p->count = 0;
}
