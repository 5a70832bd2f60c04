/*
 * Messages between supervisor, front and workers, as bytes: typed fields written to and read from frames. IPC.md is the protocol. Knows no sockets
 * (channel.h does) and no meaning (the two ends do).
 *
 *     struct message_writer w;                               struct job_name name = message_get_job(&m);
 *     message_begin(&w, &out, MESSAGE_JOB_STOP);             int why = message_get_int(&m, 0, 2);
 *     message_add_job(&w, &name);                            if (message_end(&m) != 0)
 *     message_add_int(&w, why);                                      … a violation …
 *     r = message_finish(&w);
 *
 * Adding and getting cannot fail halfway: the first failure is remembered, what follows is harmless, and the end tells.
 */
#ifndef BAKERY_WORKER_MESSAGE_H
#define BAKERY_WORKER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proto/buf.h"

/* The version in every hello; raised when a message changes. */
enum { IPC_VERSION = 2 };

/* The greatest body: a payload or a result at its own limit (512 MiB: limits.payload, limits.result), with what is around it. */
enum { MESSAGE_BODY_MAX = (512 << 20) + (64 << 10) };
enum { MESSAGE_HEADER_BYTES = 8 };

/* So many outcomes a worker keeps that have not been acknowledged; with as many, it takes no job. */
enum { WORKER_HELD_MAX = 4 };

/* What a job is called everywhere: no two jobs ever have the same. */
struct job_name {
	int64_t order; /* 0: no job */
	int attempt;   /* from 1 */
	int step, try; /* from 0: number in the recipe; of this step within the attempt */
};
static inline bool job_name_equal(const struct job_name *a, const struct job_name *b)
{
	return a->order == b->order && a->attempt == b->attempt && a->step == b->step && a->try == b->try;
}

enum message_type {
#define MESSAGE(name, text, max, fd) MESSAGE_##name,
#include "daemon/worker/message.def"
#undef MESSAGE
	MESSAGE_TYPES,
};

/* For logs. Never NULL, also for what is no type. */
const char *message_name(unsigned type);
/* True when frames of this type carry a descriptor. */
bool message_has_fd(enum message_type type);

/* ---- writing ---- */

struct message_writer {
	struct buf *out;
	size_t start; /* of the frame, counted from the front of out */
	enum message_type type;
	int error;
};

void message_begin(struct message_writer *w, struct buf *out, enum message_type type);
void message_add_int(struct message_writer *w, int64_t value);
void message_add_bytes(struct message_writer *w, const void *bytes, size_t len);
void message_add_text(struct message_writer *w, const char *text);
void message_add_job(struct message_writer *w, const struct job_name *name);
/* 0: the frame is at the end of out. -ENOMEM, or ERR_TOOBIG when the body is over its limit: out is as it was before. */
int message_finish(struct message_writer *w);

/* ---- reading ---- */

struct message {
	enum message_type type;
	const char *at, *end; /* what is left of the body; borrowed from the buffer that it was parsed from */
	int fd;               /* −1: none. Whoever takes it sets −1 */
	bool bad;
};

/*
 * Looks for a whole frame at the front of in. 1: *m is set (its fd is −1) and *bytes is the length of the frame, to be consumed from in when the message
 * has been handled; 0: more is needed; ERR_PROTOCOL: a frame that cannot be.
 */
int message_parse(const struct buf *in, struct message *m, size_t *bytes);

/* A number, which must be between min and max. */
int64_t message_get_int(struct message *m, int64_t min, int64_t max);
/* Bytes; borrowed as the message is. */
struct slice message_get_bytes(struct message *m);
/* A text of at most size − 1 bytes, copied with its NUL; "" after a failure. */
void message_get_text(struct message *m, char *out, size_t size);
/* The name of a job: four numbers. */
struct job_name message_get_job(struct message *m);
/* 0: every field was there and in its range, and nothing is left over. ERR_PROTOCOL. */
int message_end(const struct message *m);

#endif
