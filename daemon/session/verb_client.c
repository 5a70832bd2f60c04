/*
 * CLIENT, SELECT, READONLY, READWRITE, PING, ECHO: what libraries send by themselves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/session/compat.h"
#include "daemon/session/connection.h"
#include "daemon/session/options.h"
#include "daemon/session/subscriber.h"
#include "daemon/session/verbs.h"

enum { NAME_BYTES = 256 };

int compat_set_name(struct connection *c, struct slice name, struct reply_writer *w)
{
	bool good = name.len <= NAME_BYTES;
	for (size_t i = 0; good && i < name.len; i++)
		good = name.data[i] > ' ' && name.data[i] < 0x7f;
	if (!good) {
		int r = reply_error(
		    w, "ERR", "Client names cannot contain spaces, newlines or special characters.");
		return r < 0 ? r : 1;
	}
	char *copy = NULL;
	if (name.len > 0 && !(copy = strndup(name.data, name.len)))
		return -ENOMEM;
	free(c->name);
	c->name = copy;
	return 0;
}

static int run_setname(struct connection *c, const struct request *request, struct reply_writer *w)
{
	int r = compat_set_name(c, request->argv[2], w);
	if (r != 0)
		return r < 0 ? r : 0;
	return reply_simple(w, "OK");
}

static int run_getname(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)request;
	return c->name ? reply_text(w, c->name) : reply_null(w);
}

static int run_id(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)request;
	return reply_int(w, c->id);
}

static int run_setinfo(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	(void)request;
	return reply_simple(w, "OK");
}

static const struct {
	const char *name;
	uint32_t argc;
	int (*run)(struct connection *c, const struct request *request, struct reply_writer *w);
} subcommands[] = {
    {"SETNAME", 3, run_setname},
    {"GETNAME", 2, run_getname},
    {"ID", 2, run_id},
    {"SETINFO", 4, run_setinfo},
};

static int run_client(struct connection *c, const struct request *request, struct reply_writer *w)
{
	struct slice name = request->argv[1];
	for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++) {
		if (!option_is(name, subcommands[i].name))
			continue;
		if (request->argc != subcommands[i].argc)
			return reply_error(w, "ERR", "wrong number of arguments for 'client' command");
		return subcommands[i].run(c, request, w);
	}
	return reply_error(w, "ERR", "unknown subcommand '%.*s'. Try CLIENT HELP.",
	    name.len < 64 ? (int)name.len : 64, name.data);
}

static int run_select(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	return option_is(request->argv[1], "0") ? reply_simple(w, "OK")
						: reply_error(w, "ERR", "DB index is out of range");
}

static int run_ok(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	(void)request;
	return reply_simple(w, "OK");
}

static int run_ping(struct connection *c, const struct request *request, struct reply_writer *w)
{
	bool has_text = request->argc > 1;
	struct slice text = has_text ? request->argv[1] : (struct slice){"", 0};
	if (!subscriber_restricts(c))
		return has_text ? reply_bulk(w, text.data, text.len) : reply_simple(w, "PONG");
	int r = reply_array(w, 2);
	if (r == 0)
		r = reply_text(w, "pong");
	return r < 0 ? r : reply_bulk(w, text.data, text.len);
}

static int run_echo(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	return reply_bulk(w, request->argv[1].data, request->argv[1].len);
}

#define FLAGS (COMMAND_LOADING | COMMAND_COMPATIBLE)

const struct command command_client = {
    .name = "client",
    .least = 1,
    .most = -1,
    .flags = FLAGS,
    .run = run_client,
    .syntax = "subcommand [argument …]",
    .summary = "Names the connection: SETNAME, GETNAME, ID, SETINFO",
};

const struct command command_select = {
    .name = "select",
    .least = 1,
    .most = 1,
    .flags = FLAGS,
    .run = run_select,
    .syntax = "index",
    .summary = "Chooses the database, of which there is one: 0",
};

const struct command command_readonly = {
    .name = "readonly",
    .least = 0,
    .most = 0,
    .flags = FLAGS,
    .run = run_ok,
    .syntax = "",
    .summary = "Does nothing",
};

const struct command command_readwrite = {
    .name = "readwrite",
    .least = 0,
    .most = 0,
    .flags = FLAGS,
    .run = run_ok,
    .syntax = "",
    .summary = "Does nothing",
};

const struct command command_ping = {
    .name = "ping",
    .least = 0,
    .most = 1,
    .flags = FLAGS | COMMAND_SUBSCRIBED,
    .run = run_ping,
    .syntax = "[message]",
    .summary = "Is somebody there",
};

const struct command command_echo = {
    .name = "echo",
    .least = 1,
    .most = 1,
    .flags = FLAGS,
    .run = run_echo,
    .syntax = "message",
    .summary = "Gives the message back",
};
