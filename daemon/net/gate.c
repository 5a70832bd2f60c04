#include "daemon/net/gate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

struct gate_address {
	uint8_t address[16];
	uint32_t strangers;
	bool unhashed; /* memory for the table was refused */
	UT_hash_handle hh;
};

struct gate {
	struct gate_options o;
	uint32_t count, strangers;
	struct gate_address *addresses;
};

int gate_new(const struct gate_options *o, struct gate **out)
{
	struct gate *g = calloc(1, sizeof *g);
	if (!g)
		return -ENOMEM;
	g->o = *o;
	*out = g;
	return 0;
}

void gate_free(struct gate *g)
{
	assert(!g || g->count == 0);
	free(g);
}

/* The counter of where this peer comes from, made if need be. NULL when memory is refused. */
static struct gate_address *address_get(struct gate *g, const struct peer *peer)
{
	uint8_t origin[16];
	peer_origin(peer, origin);
	struct gate_address *a;
	HASH_FIND(hh, g->addresses, origin, sizeof origin, a);
	if (a)
		return a;
	a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	memcpy(a->address, origin, sizeof origin);
	HASH_ADD(hh, g->addresses, address, sizeof a->address, a);
	if (a->unhashed) {
		free(a);
		return NULL;
	}
	return a;
}

static void address_put(struct gate *g, struct gate_address *a)
{
	if (a->strangers > 0)
		return;
	HASH_DEL(g->addresses, a);
	free(a);
}

int gate_enter(struct gate *g, const struct peer *peer, bool stranger, struct gate_pass *out)
{
	uint32_t most = peer->local ? g->o.most : g->o.most - g->o.kept_local;
	if (g->count >= most || (stranger && g->strangers >= g->o.most_strangers))
		return -EUSERS;
	struct gate_address *a = NULL;
	if (stranger) {
		a = address_get(g, peer);
		if (!a)
			return -ENOMEM;
		if (a->strangers >= g->o.most_strangers_of_address) {
			address_put(g, a);
			return -EUSERS;
		}
		a->strangers++;
	}
	g->count++;
	g->strangers += stranger;
	*out = (struct gate_pass){.gate = g, .address = a, .stranger = stranger};
	return 0;
}

void gate_identified(struct gate_pass *pass)
{
	if (!pass->gate || !pass->stranger)
		return;
	pass->stranger = false;
	pass->gate->strangers--;
	if (pass->address) {
		pass->address->strangers--;
		address_put(pass->gate, pass->address);
		pass->address = NULL;
	}
}

void gate_forgotten(struct gate_pass *pass)
{
	if (!pass->gate || pass->stranger)
		return;
	pass->stranger = true;
	pass->gate->strangers++;
}

void gate_leave(struct gate_pass *pass)
{
	if (!pass->gate)
		return;
	gate_identified(pass);
	pass->gate->count--;
	pass->gate = NULL;
}

uint32_t gate_count(const struct gate *g)
{
	return g->count;
}

uint32_t gate_strangers(const struct gate *g)
{
	return g->strangers;
}
