#include "daemon/session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/session/auth.h"
#include "daemon/session/connection.h"
#include "daemon/session/identity.h"
#include "daemon/session/shared.h"
#include "daemon/session/topics.h"

enum {
	KEPT_LOCAL = 8,
	STRANGERS_OF_ADDRESS = 32,
	ARGS = 4096,
	INLINE_BYTES = 4096,
	STRANGER_ARGS = 10,
	STRANGER_ARG_BYTES = 16 * 1024,
	STRANGER_REQUEST_BYTES = 64 * 1024,
	STRANGER_INLINE_BYTES = 64,
};

static int make_gate(struct sessions *s)
{
	int64_t most = s->conf->limits.connections;
	struct gate_options o = {
	    .most = (uint32_t)most,
	    .kept_local = most > 2 * KEPT_LOCAL ? KEPT_LOCAL : 0,
	    .most_strangers = most >= 4 ? (uint32_t)(most / 4) : 1,
	    .most_strangers_of_address = STRANGERS_OF_ADDRESS,
	};
	return gate_new(&o, &s->gate);
}

static void set_limits(struct sessions *s)
{
	for (int local = 0; local < 2; local++) {
		s->limits[0][local] = (struct request_limits){
		    .args = STRANGER_ARGS,
		    .arg_bytes = STRANGER_ARG_BYTES,
		    .request_bytes = STRANGER_REQUEST_BYTES,
		    .inline_bytes = STRANGER_INLINE_BYTES,
		    .inline_all = local,
		};
		s->limits[1][local] = (struct request_limits){
		    .args = ARGS,
		    .arg_bytes = s->conf->limits.payload,
		    .request_bytes = s->conf->limits.request,
		    .inline_bytes = local ? INLINE_BYTES : STRANGER_INLINE_BYTES,
		    .inline_all = local,
		};
	}
}

int sessions_new(const struct sessions_options *o, struct sessions **out)
{
	struct sessions *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->loop = task_loop();
	s->conf = o->conf;
	s->store = o->store;
	s->sched = o->sched;
	s->pools = o->pools;
	s->steps = o->steps;
	s->started_ms = o->started_ms;
	SLIST_INIT(&s->doors);
	LIST_INIT(&s->connections);
	condition_init(&s->left);
	set_limits(s);
	int r = make_gate(s);
	if (r == 0)
		r = identities_new(s->conf, s->store, &s->identities);
	if (r == 0)
		r = auth_new(s->identities, &s->auth);
	if (r == 0)
		r = topics_new(&s->topics);
	if (r == 0)
		r = scope_new(&s->scope, "sessions");
	if (r < 0) {
		sessions_free(s);
		return r;
	}
	*out = s;
	return 0;
}

static void close_doors(struct sessions *s)
{
	struct door *d;
	while ((d = SLIST_FIRST(&s->doors))) {
		SLIST_REMOVE_HEAD(&s->doors, entry);
		listener_close(&d->listener);
		free(d);
	}
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	assert(LIST_EMPTY(&s->connections) && (!s->scope || scope_count(s->scope) == 0));
	close_doors(s);
	topics_free(s->topics);
	auth_free(s->auth);
	identities_free(s->identities);
	gate_free(s->gate);
	buf_clear(&s->scratch);
	buf_clear(&s->canonical);
	free(s);
}

static void on_accept(void *arg, int fd)
{
	struct door *d = arg;
	connection_accept(d->all, fd);
}

int sessions_listen(struct sessions *s, int fd)
{
	struct door *d = calloc(1, sizeof *d);
	if (!d)
		return -ENOMEM;
	d->all = s;
	int r = listener_open(&d->listener, s->loop, fd, on_accept, d);
	if (r < 0) {
		free(d);
		return r;
	}
	SLIST_INSERT_HEAD(&s->doors, d, entry);
	return 0;
}

void sessions_serve(struct sessions *s)
{
	s->serving = true;
}

void sessions_on_events(struct sessions *s, const struct store_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		topics_publish(s->topics, &events[i]);
}

void sessions_drain(struct sessions *s)
{
	s->draining = true;
}

void await_sessions_close(struct sessions *s, int64_t deadline_ns)
{
	struct connection *c;
	s->closing = s->draining = true;
	close_doors(s);
	auth_stop(s->auth);
	LIST_FOREACH (c, &s->connections, entry)
		connection_close_soon(c);
	int r = 0;
	while (r == 0 && !LIST_EMPTY(&s->connections))
		r = await_condition(&s->left, deadline_ns);
	LIST_FOREACH (c, &s->connections, entry)
		connection_abort(c, NULL);
	scope_cancel(s->scope);
	/* What is in flight ends by itself, and soon: commits, reads, a password. */
	while (!LIST_EMPTY(&s->connections))
		if (await_condition(&s->left, CLOCK_NEVER) < 0)
			break;
	await_scope_close(s->scope);
	s->scope = NULL;
}
