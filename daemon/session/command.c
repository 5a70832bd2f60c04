#include "daemon/session/command.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/err.h"
#include "daemon/session/connection.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/identity.h"
#include "daemon/session/subscriber.h"
#include "daemon/session/verbs.h"

/* In the order of names: they are found by bisection. */
static const struct command *const commands[] = {
    &command_auth,
    &command_await,
    &command_cancel,
    &command_client,
    &command_command,
    &command_config,
    &command_echo,
    &command_explain,
    &command_hello,
    &command_info,
    &command_list,
    &command_order,
    &command_pause,
    &command_ping,
    &command_psubscribe,
    &command_punsubscribe,
    &command_quit,
    &command_readonly,
    &command_readwrite,
    &command_recipes,
    &command_reset,
    &command_result,
    &command_resume,
    &command_select,
    &command_stats,
    &command_status,
    &command_subscribe,
    &command_tasks,
    &command_time,
    &command_unsubscribe,
};

enum {
	COMMANDS = sizeof commands / sizeof *commands,
	SHOWN_ARGS = 128, /* bytes of an unknown request that its error shows */
};

static int compare(struct slice text, const char *name)
{
	int r = strncasecmp(text.data, name, text.len);
	if (r != 0)
		return r;
	return name[text.len] == '\0' ? 0 : -1;
}

const struct command *command_find(struct slice name)
{
	/* strncasecmp() stops at a NUL, and so would compare too little. */
	if (name.len == 0 || memchr(name.data, '\0', name.len))
		return NULL;
	size_t low = 0, high = COMMANDS;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = compare(name, commands[middle]->name);
		if (r == 0)
			return commands[middle];
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct command *const *command_all(size_t *count)
{
	*count = COMMANDS;
	return commands;
}

/* The text that libraries know: they fall back on it. */
static int reply_unknown(struct reply_writer *w, const struct request *request)
{
	char args[SHOWN_ARGS];
	size_t used = 0;
	args[0] = '\0';
	for (uint32_t i = 1; i < request->argc && used + 8 < sizeof args; i++) {
		int room = (int)(sizeof args - used - 4);
		int len = request->argv[i].len < (size_t)room ? (int)request->argv[i].len : room;
		int n = snprintf(args + used, sizeof args - used, "'%.*s' ", len, request->argv[i].data);
		used += n < 0 ? 0 : (size_t)n;
	}
	struct slice name = request->argv[0];
	return reply_error(w, "ERR", "unknown command '%.*s', with args beginning with: %s",
	    name.len < SHOWN_ARGS ? (int)name.len : SHOWN_ARGS, name.data, args);
}

/* Replies why this request is not carried out, if so. 0: it may be; 1: replied; -ENOMEM. */
static int refuse(const struct connection *c, const struct command *command, const struct request *request,
    struct reply_writer *w)
{
	int r;
	int args = (int)request->argc - 1;
	if (!c->user && !(command && command->flags & COMMAND_STRANGER))
		r = reply_error(w, "NOAUTH", "Authentication required.");
	else if (request->toobig)
		r = reply_error(w, "TOOBIG", "%s", request->why);
	else if (!command)
		r = reply_unknown(w, request);
	else if (args < command->least || (command->most >= 0 && args > command->most))
		r = reply_error(w, "ERR", "wrong number of arguments for '%s' command", command->name);
	else if (subscriber_restricts(c) && !(command->flags & COMMAND_SUBSCRIBED))
		r = reply_error(w, "ERR",
		    "Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
		    "allowed in this context",
		    command->name);
	else if (!c->all->serving && !(command->flags & COMMAND_LOADING))
		r = reply_error(w, "LOADING", "the daemon is starting");
	else if (c->user && rights_reach(&c->user->rights, command->right) == REACH_NONE)
		r = reply_error(w, "NOPERM", "your rights do not cover '%s'", command->name);
	else
		return 0;
	return r < 0 ? r : 1;
}

/* Lets what must be done first be done. */
static int await_turn(struct connection *c, const struct command *command)
{
	int r = 0;
	if (command->flags & COMMAND_BARRIER) {
		r = await_connection_answered(c);
		connection_wrote(c); /* its verb may take long: what has been answered does not wait for it */
	}
	if (r == 0 && command->flags & COMMAND_READ)
		r = await_connection_written(c);
	if (r == 0 && command->errand)
		r = await_connection_room(c, errand_room(c, command));
	return r;
}

/* 0, or -ENOMEM when not even an error could be replied. */
static int carry_out(struct connection *c, const struct command *command, const struct request *request,
    struct reply_writer *w)
{
	size_t before = w->out->len;
	int r = refuse(c, command, request, w);
	if (r == 0)
		r = command->errand ? errand_start(c, command, request) : command->run(c, request, w);
	if (r >= 0)
		return 0;
	if (command && command->flags & COMMAND_BARRIER)
		return r;     /* some of it may have been sent */
	w->out->len = before; /* half a reply is worth nothing */
	return reply_failure(w, r);
}

int await_command_run(struct connection *c, const struct request *request)
{
	const struct command *command = request->argc > 0 ? command_find(request->argv[0]) : NULL;
	if (command && !request->toobig) {
		int r = await_turn(c, command);
		if (r < 0)
			return r;
	}
	struct reply_writer w = c->reply;
	bool direct = c->line.count == 0;
	if (!direct)
		w.out = sessions_scratch(c->all);
	int r = carry_out(c, command, request, &w);
	if (c->dead)
		return ERR_CANCELLED;
	if (r == 0 && !direct && w.out->len > 0)
		r = line_add(&c->line, w.out);
	if (r < 0)
		connection_abort(c, "no memory for a reply");
	return r;
}
