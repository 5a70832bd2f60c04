/*
 * What the tests of the scheduler share: a scheduler between a fake store and fake pools, and a test that runs as a task beside it.
 */
#ifndef BAKERY_TESTS_UNIT_SCHED_WORLD_H
#define BAKERY_TESTS_UNIT_SCHED_WORLD_H

#include "conf/conf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/sched/sched.h"
#include "daemon/task/task.h"
#include "tests/unit/fake_pool.h"
#include "tests/unit/fake_steps.h"
#include "tests/unit/fake_store.h"
#include "tests/unit/unit.h"

enum { RECIPE_CAKE, RECIPE_TART, RECIPE_ONCE, RECIPE_BREAD, RECIPE_LAYER, RECIPE_CHAIN, RECIPES };

struct world {
	struct conf conf;
	struct conf_pool pools_conf[2]; /* ovens, tables */
	/* Of one heavy step: cake, tart, once (at most once) in ovens, bread on tables. Of three: layer (gather by http, mix by sleep, bake in ovens with the
	 * result of gather), chain (cut on tables, ask by http with the result of cut, bake in ovens with both). */
	struct conf_recipe recipes[RECIPES];
	struct conf_step steps[RECIPES][3];
	struct loop *loop;
	struct store *store;
	struct pools *pools;
	struct sched *sched;
	bool recovered;
};

/* Runs fn as a task between a fresh scheduler, not yet recovered, and its fakes, with so many workers in each pool; then takes all of it down. */
void world_run(int workers, int (*fn)(struct world *w));

/* The daemon starts, and there was no other before. */
void await_recovered(struct world *w);
/* Until nothing more happens by itself. */
void await_settled(void);
/* Time passes, on both clocks, in steps that timers notice. */
void await_passed(int64_t ms);
/* Cancels, as a client does. What came of it. */
int await_cancelled(struct world *w, int64_t id);

#define assert_state(w, id, word) \
	ck_assert_str_eq(order_state_word(fake_store_find((w)->store, (id))->state), (word))
#define assert_cause(w, id, word) \
	ck_assert_str_eq(order_cause_word(fake_store_find((w)->store, (id))->cause), (word))
#define assert_started(w, text) ck_assert_str_eq(fake_pool_started((w)->pools), (text))
#define assert_events(w, text)  ck_assert_str_eq(fake_store_events((w)->store), (text))

#endif
