/*
 * What all connections share: the inside of struct sessions. Only this room includes it.
 */
#ifndef BAKERY_SESSION_SHARED_H
#define BAKERY_SESSION_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/net/gate.h"
#include "daemon/net/listener.h"
#include "daemon/session/session.h"
#include "daemon/task/task.h"
#include "proto/buf.h"
#include "proto/request.h"

struct connection;
struct identities;
struct auth;
struct topics;

/* Counters since the start, for STATS and INFO. */
struct session_counters {
	uint64_t accepted, refused, requests;
	uint64_t subscriptions, waiting; /* now */
};

struct door {
	struct listener listener;
	struct sessions *all;
	SLIST_ENTRY(door) entry;
};

struct sessions {
	struct loop *loop;
	const struct conf *conf;
	struct store *store;
	struct sched *sched;
	struct pools *pools;
	struct steps *steps; /* NULL: none */
	int64_t started_ms;

	struct identities *identities;
	struct auth *auth;
	struct topics *topics;
	struct gate *gate;
	struct scope *scope;                /* of every task of this room */
	struct request_limits limits[2][2]; /* [identified][local] */

	SLIST_HEAD(, door) doors;
	LIST_HEAD(, connection) connections;
	struct condition left; /* a connection has left */
	int64_t last_id;
	uint64_t buffered; /* bytes that connections hold in buffers and reply lines */
	bool crowded;      /* buffered is over limits.buffers: large ones are not read */

	int64_t next_refusal_log_ns;
	bool serving, draining, closing;
	struct session_counters counters;
	struct buf scratch;   /* see sessions_scratch() */
	struct buf canonical; /* a payload in its canonical form; until the next one */
};

/* An empty buffer for one function at a time, never across a suspension. */
static inline struct buf *sessions_scratch(struct sessions *s)
{
	s->scratch.len = s->scratch.off = 0;
	return &s->scratch;
}

#endif
