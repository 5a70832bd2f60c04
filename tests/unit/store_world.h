/*
 * A store in a private directory, driven from tasks on a loop as the daemon does it: await_…() hands a request over and waits for its answer.
 */
#ifndef BAKERY_TESTS_UNIT_STORE_WORLD_H
#define BAKERY_TESTS_UNIT_STORE_WORLD_H

#include "daemon/store/store.h"

extern struct store *world_store;
extern const char *world_recipe, *world_user;

/* Where the store of this process is. */
const char *store_world_dir(void);
/* Opens the store. 0 or the store's error with why. */
int store_world_open(uint64_t max_queued, char why[static 256]);
void store_world_close(void);

/* The events that were told since the last call of store_world_forget(), with their heads. */
size_t store_world_events(const struct store_event **events);
void store_world_forget(void);

/* Opens the store, runs fn as a task, closes. fn's checks fail the test. */
void store_world_run(void (*fn)(void));

/* Each returns the error of the answer. */
int await_submit(struct store_submit *r);
int await_start(int64_t id, int attempt);
int await_step(struct store_step *r);
int await_steps(struct store_steps *r);
int await_finish(struct store_finish *r);
int await_cancel(struct store_cancel *r);
int await_get(int64_t id, struct store_order *out);
int await_read(struct store_read *r);

/* A submission of world_recipe by world_user, as the recipe says. */
struct store_submit a_submit(const char *payload, const char *key);
/* Submits one, which must succeed; its id. */
int64_t await_order(const char *payload);
/* An end of this attempt with exit 0. */
struct store_finish a_finish(int64_t id, int attempt, enum order_state next);

#endif
