/*
 * Verbs: one static row for each, and the dispatch of a request to its row. The rows stand in the verbs' own files; the list of them is in
 * command.c. COMMAND DOCS, and with it the hints of redis-cli, is made from the rows.
 */
#ifndef BAKERY_SESSION_COMMAND_H
#define BAKERY_SESSION_COMMAND_H

#include <stddef.h>

#include "daemon/session/rights.h"
#include "proto/reply.h"
#include "proto/request.h"

struct connection;
struct errand;

enum command_flag {
	COMMAND_STRANGER = 1,   /* also before authentication */
	COMMAND_LOADING = 2,    /* also while the daemon starts */
	COMMAND_SUBSCRIBED = 4, /* also on a RESP2 connection that has a subscription */
	COMMAND_BARRIER =
	    8, /* everything before it is answered first, and nothing after it is read until it is; run may suspend */
	COMMAND_READ = 16,       /* this connection's earlier writes are done first */
	COMMAND_WRITE = 32,      /* an errand that later reads must see done */
	COMMAND_COMPATIBLE = 64, /* for Redis' clients: not listed among our own */
};

struct command {
	const char *name; /* lower case */
	int least, most;  /* arguments after the verb; most −1: any number */
	unsigned flags;
	enum right right;
	/*
	 * One of these. run() appends the reply to w, or opens a slot in the connection's line. The errand is carried by a task of its own, so
	 * that nothing behind it in the pipeline waits for it. Both: 0; or -ENOMEM, with nothing replied.
	 */
	int (*run)(struct connection *c, const struct request *request, struct reply_writer *w);
	int (*errand)(struct errand *e);
	enum {
		ROOM_SMALL,
		ROOM_RESULT,
		ROOM_LIST,
		ROOM_TASKS
	} room; /* that the errand's reply may take: a few maps, a whole result, a whole LIST, all TASKS */
	const char *
	    syntax; /* the arguments as PROTOCOL.md writes them: name, [TOKEN name], [TOKEN], TOKEN name, [name …] */
	const char *summary;
};

/* Answers a request, or starts the work that will. Suspends where its verb is a barrier or must wait for earlier ones. 0; or negative when the
 * connection is dead. */
int await_command_run(struct connection *c, const struct request *request);

/* NULL when there is no such verb. */
const struct command *command_find(struct slice name);
/* All of them, in the order of names. */
const struct command *const *command_all(size_t *count);

#endif
