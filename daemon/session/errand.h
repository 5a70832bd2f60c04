/*
 * An errand: a verb that waits for the store or the scheduler, carried by a task of its own as straight code, with a slot in the reply line. It
 * goes on to its end when the client vanishes; its reply is then dropped.
 */
#ifndef BAKERY_SESSION_ERRAND_H
#define BAKERY_SESSION_ERRAND_H

#include "daemon/session/command.h"
#include "daemon/session/line.h"
#include "daemon/session/shared.h"
#include "proto/buf.h"
#include "proto/reply.h"

struct user;

struct errand {
	struct slot slot;
	const struct command *command;
	struct sessions *all;
	const struct user *user; /* who asked; stays valid */
	struct reply_writer w;   /* to bytes; the dialect that was spoken when it was asked */
	struct buf bytes;
	uint32_t argc;
	struct slice *argv; /* copies */
};

/* Starts it with copies of the arguments. 0; -ENOMEM: nothing happened. */
int errand_start(struct connection *c, const struct command *command, const struct request *request);
/* Bytes of the line that it takes while it is under way. */
size_t errand_room(const struct connection *c, const struct command *command);

/* Is a task of this name one of this room, whose id is a connection's? (Others' ids are orders'.) */
bool errand_is_of_client(const char *task_name);

#endif
