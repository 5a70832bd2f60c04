/*
 * Clients: accepts connections on the listening sockets, identifies who it is, reads requests, dispatches verbs, writes replies in order, and pushes
 * notifications. One connection, one session; its task exists only while it is doing something.
 */
#ifndef BAKERY_SESSION_SESSION_H
#define BAKERY_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "daemon/sched/sched.h"
#include "daemon/step/step.h"
#include "daemon/store/store.h"

struct sessions;

struct sessions_options {
	const struct conf *conf; /* borrowed until sessions_free */
	struct store *store;
	struct sched *sched;
	struct pools *pools;
	struct steps *steps; /* for their numbers; NULL: none are told; borrowed until sessions_free */
	int64_t started_ms;
};

int sessions_new(const struct sessions_options *o, struct sessions **out);
/* After await_sessions_close(). NULL is fine. */
void sessions_free(struct sessions *s);

/* A listening socket (taken when it succeeds): accepts from now on. 0 or a negative errno value. */
int sessions_listen(struct sessions *s, int fd);
/* Until this is called every request but the handshake and what libraries send by themselves is answered -LOADING. */
void sessions_serve(struct sessions *s);

/* News from the store: after the scheduler has seen them. */
void sessions_on_events(struct sessions *s, const struct store_event *events, size_t count);

/* Draining: submissions get -DRAINING. */
void sessions_drain(struct sessions *s);
/* Stops accepting, flushes what can be sent within the deadline, closes all. Suspends. */
void await_sessions_close(struct sessions *s, int64_t deadline_ns);

#endif
