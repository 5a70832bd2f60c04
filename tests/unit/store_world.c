#include "tests/unit/store_world.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/task/task.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

enum { EVENTS_MAX = 10000 };

struct store *world_store;
const char *world_recipe, *world_user;
static struct store_event told[EVENTS_MAX];
static size_t told_count;

const char *store_world_dir(void)
{
	return unit_dir();
}

static void on_events(void *arg, struct store_event *events, size_t count)
{
	(void)arg;
	ck_assert_uint_le(told_count + count, EVENTS_MAX);
	for (size_t i = 0; i < count; i++)
		told[told_count++] = events[i];
	/* Heads are kept as the scheduler would, until they are forgotten. */
	for (size_t i = 0; i < count; i++)
		events[i].head = NULL;
}

size_t store_world_events(const struct store_event **events)
{
	*events = told;
	return told_count;
}

void store_world_forget(void)
{
	while (told_count > 0)
		store_head_free(told[--told_count].head);
}

int store_world_open(uint64_t max_queued, char why[static 256])
{
	struct store_options o = {
	    .dir = store_world_dir(),
	    .owner = "test",
	    .max_queued = max_queued,
	    .loop = world_loop,
	    .on_events = on_events,
	};
	int err = store_open(&o, &world_store, why);

	if (err < 0)
		return err;
	world_recipe = store_intern(world_store, "cake", 4);
	world_user = store_intern(world_store, "shop", 4);
	ck_assert_ptr_nonnull(world_recipe);
	ck_assert_ptr_nonnull(world_user);
	return 0;
}

void store_world_close(void)
{
	store_close(world_store);
	world_store = NULL;
	store_world_forget();
}

static int run_fn(void *arg)
{
	(*(void (**)(void))arg)();
	return 0;
}

void store_world_run(void (*fn)(void))
{
	struct task_spec spec = {.name = "test", .stack = TASK_STACK_LARGE, .fn = run_fn, .arg = &fn};
	char why[256];

	ck_assert_msg(store_world_open(1000, why) == 0, "%s", why);
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	world_run();
	store_world_close();
}

int await_submit(struct store_submit *r)
{
	store_submit(world_store, r);
	return await_future_shielded(&r->op.done);
}

int await_start(int64_t id, int attempt)
{
	struct store_start r = {.id = id, .attempt = attempt, .worker = 1};

	store_start(world_store, &r);
	return await_future_shielded(&r.op.done);
}

int await_step(struct store_step *r)
{
	store_step(world_store, r);
	return await_future_shielded(&r->op.done);
}

int await_steps(struct store_steps *r)
{
	store_steps(world_store, r);
	return await_future_shielded(&r->op.done);
}

int await_finish(struct store_finish *r)
{
	store_finish(world_store, r);
	return await_future_shielded(&r->op.done);
}

int await_cancel(struct store_cancel *r)
{
	store_cancel(world_store, r);
	return await_future_shielded(&r->op.done);
}

int await_get(int64_t id, struct store_order *out)
{
	struct store_get r = {.id = id};
	int err;

	store_get(world_store, &r);
	err = await_future_shielded(&r.op.done);
	if (err == 0)
		*out = r.order;
	return err;
}

int await_read(struct store_read *r)
{
	store_read(world_store, r);
	return await_future_shielded(&r->op.done);
}

struct store_submit a_submit(const char *payload, const char *key)
{
	return (struct store_submit){
	    .recipe = world_recipe,
	    .user = world_user,
	    .payload = {payload, strlen(payload)},
	    .key = {key, key ? strlen(key) : 0},
	    .timeout_ms = -1,
	    .retries = -1,
	};
}

int64_t await_order(const char *payload)
{
	struct store_submit r = a_submit(payload, NULL);

	ck_assert_int_eq(await_submit(&r), 0);
	return r.id;
}

struct store_finish a_finish(int64_t id, int attempt, enum order_state next)
{
	return (struct store_finish){
	    .id = id,
	    .attempt = attempt,
	    .next = next,
	    .cause = CAUSE_EXIT,
	    .outcome = {.cause = CAUSE_EXIT},
	};
}
