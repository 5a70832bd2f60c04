/*
 * How many connections there may be: in all, from clients that have not said who they are, and of these from one address.
 * A few places are kept for local (Unix socket) clients, so that an operator gets in when the network has taken the rest.
 * An address is what peer_origin() says: of local clients it is the uid.
 */
#ifndef BAKERY_NET_GATE_H
#define BAKERY_NET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/net/peer.h"

struct gate;
struct gate_address;

struct gate_options {
	uint32_t most;           /* connections in all */
	uint32_t kept_local;     /* of these, only for Unix sockets */
	uint32_t most_strangers; /* not identified */
	uint32_t most_strangers_of_address;
};

/* One connection's place. Storage is the caller's, from gate_enter() to gate_leave(); start from {0}. */
struct gate_pass {
	struct gate *gate;            /* NULL: not inside */
	struct gate_address *address; /* counted here; NULL: not a stranger */
	bool stranger;
};

/* 0 or -ENOMEM. */
int gate_new(const struct gate_options *o, struct gate **out);
/* Everybody must have left. NULL is fine. */
void gate_free(struct gate *g);

/* 0; -EUSERS: there are too many already; -ENOMEM. */
int gate_enter(struct gate *g, const struct peer *peer, bool stranger, struct gate_pass *out);
/* It has said who it is, or (RESET) it counts as a stranger again. The second never refuses: it is inside. */
void gate_identified(struct gate_pass *pass);
void gate_forgotten(struct gate_pass *pass);
/* A no-op for a pass that is not inside. */
void gate_leave(struct gate_pass *pass);

uint32_t gate_count(const struct gate *g);
uint32_t gate_strangers(const struct gate *g);

#endif
