/*
 * What Redis' clients expect to find, shared by the verbs that are there for them.
 */
#ifndef BAKERY_SESSION_COMPAT_H
#define BAKERY_SESSION_COMPAT_H

#include "proto/reply.h"

struct connection;

/* A level of compatibility, not our version: clients decide by it what they may send. */
#define COMPAT_VERSION "7.4.0"

/* CLIENT SETNAME and HELLO … SETNAME. 0; 1: the name is not allowed, and the error has been replied; -ENOMEM. */
int compat_set_name(struct connection *c, struct slice name, struct reply_writer *w);

#endif
