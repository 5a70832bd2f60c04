/*
 * HELLO, AUTH, RESET, QUIT: which dialect, and who is there. HELLO is all or nothing: when its AUTH fails, nothing has changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/base/err.h"
#include "daemon/session/auth.h"
#include "daemon/session/compat.h"
#include "daemon/session/connection.h"
#include "daemon/session/failure.h"
#include "daemon/session/identity.h"
#include "daemon/session/options.h"
#include "daemon/session/subscriber.h"
#include "daemon/session/verbs.h"

enum { FAILURES_MOST = 3 };

/* 0: *out is who it is; 1: it is not, and the error has been replied; -ENOMEM. */
static int await_authenticated(struct connection *c, struct slice name, struct slice password,
    const struct user **out, struct reply_writer *w)
{
	int r = await_auth(c->all->auth, &c->peer, name, password, out);
	if (r == 0 || c->dead)
		return r == 0 ? 0 : 1;
	if (r == ERR_INVALID) {
		r = reply_error(w, "WRONGPASS", "invalid username-password pair or user is disabled.");
		if (++c->failed_auths >= FAILURES_MOST)
			connection_close_soon(c);
	} else if (r == ERR_CANCELLED) {
		r = reply_failure(w, r);
	} else {
		r = reply_error(w, "ERR",
		    "too many authentications at once, or too many wrong ones: try again in a minute");
	}
	return r < 0 ? r : 1;
}

static int run_auth(struct connection *c, const struct request *request, struct reply_writer *w)
{
	struct slice name = {"default", 7}, password = request->argv[1];
	const struct user *user;
	if (request->argc == 3) {
		name = request->argv[1];
		password = request->argv[2];
	} else if (!identities_have_password(c->all->identities)) {
		/* The words that libraries match. */
		return reply_error(w, "ERR",
		    "AUTH <password> called without any password configured for the default user. Are you "
		    "sure your configuration is correct?");
	}
	int r = await_authenticated(c, name, password, &user, w);
	if (r != 0)
		return r < 0 ? r : 0;
	connection_identify(c, user);
	return reply_simple(w, "OK");
}

struct greeting {
	int version;
	bool auth;
	struct slice name, password, client_name;
	bool has_client_name;
};

/* 0; 1: replied; -ENOMEM. */
static int parse_hello(
    struct connection *c, const struct request *request, struct greeting *g, struct reply_writer *w)
{
	int64_t version;
	int r = 0;
	uint32_t i = 1;
	g->version = c->reply.version;
	if (i < request->argc) {
		if (units_parse_int(
			request->argv[i].data, request->argv[i].len, INT64_MIN, INT64_MAX, &version) < 0)
			r = reply_error(w, "ERR", "Protocol version is not an integer or out of range");
		else if (version < 2 || version > 3)
			r = reply_error(w, "NOPROTO", "unsupported protocol version");
		else
			goto good;
		return r < 0 ? r : 1;
	good:
		g->version = (int)version;
		i++;
	}
	while (i < request->argc) {
		uint32_t left = request->argc - i - 1;
		if (option_is(request->argv[i], "AUTH") && left >= 2) {
			g->auth = true;
			g->name = request->argv[i + 1];
			g->password = request->argv[i + 2];
			i += 3;
		} else if (option_is(request->argv[i], "SETNAME") && left >= 1) {
			g->client_name = request->argv[i + 1];
			g->has_client_name = true;
			i += 2;
		} else {
			r = reply_error(w, "ERR", "Syntax error in HELLO option '%.*s'",
			    request->argv[i].len < 64 ? (int)request->argv[i].len : 64,
			    request->argv[i].data);
			return r < 0 ? r : 1;
		}
	}
	return 0;
}

static int reply_hello(struct connection *c, struct reply_writer *w)
{
	static const char *const features[] = {"orders", "retained-final"};
	int r = reply_map(w, 11);
	r = r ? r : reply_text(w, "server");
	r = r ? r : reply_text(w, "redis");
	r = r ? r : reply_text(w, "version");
	r = r ? r : reply_text(w, COMPAT_VERSION);
	r = r ? r : reply_text(w, "proto");
	r = r ? r : reply_int(w, w->version);
	r = r ? r : reply_text(w, "id");
	r = r ? r : reply_int(w, c->id);
	r = r ? r : reply_text(w, "mode");
	r = r ? r : reply_text(w, "standalone");
	r = r ? r : reply_text(w, "role");
	r = r ? r : reply_text(w, "master");
	r = r ? r : reply_text(w, "modules");
	r = r ? r : reply_array(w, 0);
	r = r ? r : reply_text(w, "daemon");
	r = r ? r : reply_text(w, "bakery");
	r = r ? r : reply_text(w, "daemon_version");
	r = r ? r : reply_text(w, PACKAGE_VERSION);
	r = r ? r : reply_text(w, "max_payload");
	r = r ? r : reply_int(w, (int64_t)c->all->conf->limits.payload);
	r = r ? r : reply_text(w, "features");
	r = r ? r : reply_array(w, sizeof features / sizeof *features);
	for (size_t i = 0; r == 0 && i < sizeof features / sizeof *features; i++)
		r = reply_text(w, features[i]);
	return r;
}

static int run_hello(struct connection *c, const struct request *request, struct reply_writer *w)
{
	struct greeting g = {0};
	const struct user *user = c->user;
	int r = parse_hello(c, request, &g, w);
	if (r == 0 && g.auth)
		r = await_authenticated(c, g.name, g.password, &user, w);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!user)
		return reply_error(w, "NOAUTH",
		    "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
		    "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
		    "protocol version at the same time");
	if (g.has_client_name) {
		r = compat_set_name(c, g.client_name, w);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	if (g.auth)
		connection_identify(c, user);
	c->reply.version = w->version = g.version;
	return reply_hello(c, w);
}

static int run_reset(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)request;
	subscriber_free(c->subscriber);
	c->subscriber = NULL;
	c->reply.version = w->version = 2;
	free(c->name);
	c->name = NULL;
	if (c->user != c->kernel_user)
		connection_identify(c, c->kernel_user);
	return reply_simple(w, "RESET");
}

static int run_quit(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)request;
	int r = reply_simple(w, "OK");
	connection_close_soon(c);
	return r;
}

#define FLAGS (COMMAND_STRANGER | COMMAND_LOADING | COMMAND_BARRIER | COMMAND_COMPATIBLE)

const struct command command_hello = {
    .name = "hello",
    .least = 0,
    .most = -1,
    .flags = FLAGS,
    .run = run_hello,
    .syntax = "[protover] [AUTH username password] [SETNAME clientname]",
    .summary = "Chooses RESP2 or RESP3, and authenticates",
};

const struct command command_auth = {
    .name = "auth",
    .least = 1,
    .most = 2,
    .flags = FLAGS,
    .run = run_auth,
    .syntax = "[username] password",
    .summary = "Authenticates the connection",
};

const struct command command_reset = {
    .name = "reset",
    .least = 0,
    .most = 0,
    .flags = FLAGS | COMMAND_SUBSCRIBED,
    .run = run_reset,
    .syntax = "",
    .summary = "Makes the connection as it was at first",
};

const struct command command_quit = {
    .name = "quit",
    .least = 0,
    .most = -1,
    .flags = FLAGS | COMMAND_SUBSCRIBED,
    .run = run_quit,
    .syntax = "",
    .summary = "Closes the connection",
};
