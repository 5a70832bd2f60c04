#include "tests/unit/sched_world.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/rand.h"

static struct world *current;
static int (*current_fn)(struct world *w);

static struct conf_step heavy(const char *name, const char *pool, uint64_t uses)
{
	return (struct conf_step){.name = (char *)name,
	    .kind = CONF_STEP_RUN,
	    .pool = (char *)pool,
	    .timeout_ms = CONF_NONE,
	    .uses = uses};
}

static struct conf_step light(const char *name, enum conf_step_kind kind, uint64_t uses)
{
	return (struct conf_step){.name = (char *)name,
	    .kind = kind,
	    .times = (char *)"1",
	    .http = {.method = (char *)"GET", .url = (char *)"http://localhost/"},
	    .timeout_ms = CONF_NONE,
	    .uses = uses};
}

static void make_steps(struct world *w)
{
	w->steps[RECIPE_LAYER][0] = light("gather", CONF_STEP_HTTP, 0);
	w->steps[RECIPE_LAYER][1] = light("mix", CONF_STEP_SLEEP, 0);
	w->steps[RECIPE_LAYER][2] = heavy("bake", "ovens", 1);
	w->steps[RECIPE_CHAIN][0] = heavy("cut", "tables", 0);
	w->steps[RECIPE_CHAIN][1] = light("ask", CONF_STEP_HTTP, 1);
	w->steps[RECIPE_CHAIN][2] = heavy("bake", "ovens", 3);
	for (int i = 0; i < RECIPES; i++) {
		w->recipes[i].steps = w->steps[i];
		w->recipes[i].step_count = 3;
		if (i < RECIPE_LAYER) {
			w->steps[i][0] = heavy("run", w->recipes[i].pool, 0);
			w->recipes[i].step_count = 1;
		}
	}
}

static void make_conf(struct world *w, int workers)
{
	static const char *const names[] = {"cake", "tart", "once", "bread", "layer", "chain"};

	w->conf.pools = w->pools_conf;
	w->conf.pool_count = 2;
	w->pools_conf[0] = (struct conf_pool){.name = (char *)"ovens", .workers = workers};
	w->pools_conf[1] = (struct conf_pool){.name = (char *)"tables", .workers = workers};
	w->conf.recipes = w->recipes;
	w->conf.recipe_count = RECIPES;
	w->conf.limits.running = 1000;
	for (int i = 0; i < RECIPES; i++) {
		struct conf_recipe *r = &w->recipes[i];

		*r = (struct conf_recipe){.poison_after = 3,

		    .name = (char *)names[i],
		    .pool = (char *)(i == RECIPE_BREAD ? "tables" : "ovens")};
		r->timeout_ms = CONF_NONE;
		r->concurrency = CONF_NONE;
		r->retries = 2;
		r->backoff.first_ms = 1000;
		r->backoff.factor = 2;
		r->backoff.max_ms = 60000;
	}
	make_steps(w);
	w->recipes[RECIPE_ONCE].at_most_once = true;
	w->recipes[RECIPE_ONCE].retries = 0;
}

static void on_events(void *arg, struct store_event *events, size_t count)
{
	struct world *w = arg;

	sched_on_events(w->sched, events, count);
}

static int await_test(void *arg)
{
	(void)arg;
	current_fn(current);
	loop_stop(current->loop);
	return 0;
}

void world_run(int workers, int (*fn)(struct world *w))
{
	struct world *w = calloc(1, sizeof(*w));
	struct task_spec spec = {.name = "test", .stack = TASK_STACK_LARGE, .fn = await_test};
	struct sched_options o = {.conf = &w->conf, .generation = 7};
	struct pools_events events;

	ck_assert_ptr_nonnull(w);
	setenv("BAKERY_SEED", "1", 1);
	rand_init();
	clock_test_advance(0, 0);
	fake_steps_reset();
	make_conf(w, workers);
	ck_assert_int_eq(loop_new(&w->loop), 0);
	ck_assert_int_eq(task_runtime_init(w->loop), 0);
	ck_assert_int_eq(sched_new(&o, &w->sched), 0);
	events = sched_pools_events(w->sched);
	w->pools = fake_pools_new(&w->conf, &events);
	w->store = fake_store_new(on_events, w);
	sched_connect(w->sched, w->store, w->pools);
	current = w;
	current_fn = fn;
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	ck_assert_int_eq(loop_run(w->loop), 0);
	pools_free(w->pools);
	sched_free(w->sched);
	fake_store_free(w->store);
	task_runtime_clear();
	loop_free(w->loop);
	free(w);
}

void await_settled(void)
{
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(await_yield(), 0);
}

void await_passed(int64_t ms)
{
	await_settled();
	while (ms > 0) {
		int64_t step = ms < 100 ? ms : 100;

		clock_test_advance(step * NS_PER_MS, step);
		for (int i = 0; i < 20; i++)
			ck_assert_int_eq(await_yield(), 0);
		ms -= step;
	}
	await_settled();
}

static int await_recover_task(void *arg)
{
	struct world *w = arg;
	int err = await_sched_recover(w->sched);

	w->recovered = err == 0;
	return err;
}

void await_recovered(struct world *w)
{
	struct task_spec spec = {.name = "recover", .fn = await_recover_task, .arg = w};

	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	fake_pool_settle(w->pools);
	await_settled();
	ck_assert(w->recovered);
}

int await_cancelled(struct world *w, int64_t id)
{
	struct store_cancel r = {.id = id, .by = "user"};

	ck_assert_int_eq(await_sched_cancel(w->sched, &r), 0);
	return r.what;
}
