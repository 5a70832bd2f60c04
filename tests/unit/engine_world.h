/*
 * The engine without threads: a store in a private directory whose batches are applied one by one, and a look at the file itself for what must always hold there.
 */
#ifndef BAKERY_TESTS_UNIT_ENGINE_WORLD_H
#define BAKERY_TESTS_UNIT_ENGINE_WORLD_H

#include "daemon/store/engine.h"

struct engine_world {
	struct engine engine;
	struct names *names;
	struct counts *counts;
	char path[512], why[256];
	const char *recipe, *user;
	uint64_t max_queued;
};

/* A path for another store of this process. */
void engine_world_path(struct engine_world *w, const char *name);
/* Opens the store at w->path, by the VFS of fault_vfs.h. The engine's error. */
int engine_world_open(struct engine_world *w);
/* Closes it as the daemon does at its end. */
void engine_world_close(struct engine_world *w);
/* Copies the files of the store as they are now, as a crash would leave them, to the path of `to`. */
void engine_world_copy(const struct engine_world *w, struct engine_world *to);

/* Applies one request in a transaction of its own; its error. */
int engine_world_apply(struct engine_world *w, enum op_kind kind, struct store_op *op);

/* Submits one of w->recipe and w->user. Its error, and the id. */
int engine_world_submit(struct engine_world *w, const char *payload, const char *key, int64_t *id);
/* The order's state, or ORDER_STATES when it is not there. */
enum order_state engine_world_state(struct engine_world *w, int64_t id);

/* A result of this step, of attempt 1 and the recipe's form 7, in a transaction of its own; its error. */
int engine_world_step(struct engine_world *w, int64_t id, int step, const char *result);
/* How many results of its steps are stored; their checksums are right. */
int engine_world_steps(struct engine_world *w, int64_t id);

/*
 * Asserts what holds for every store that is open: SQLite's integrity; every checksum; counters equal to what is counted; sequence numbers of the log from 1 without gap or repeat;
 * every order's events in an order that the table of states allows, the last of them being the order's state; a payload for every order that
 * has one; results of steps belong to orders that are not done and whose rows say so.
 */
void engine_world_check(struct engine_world *w);

#endif
