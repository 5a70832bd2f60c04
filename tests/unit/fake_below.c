#include "tests/unit/fake_below.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/net/password.h"
#include "daemon/order/recipe.h"
#include "daemon/sched/sched.h"
#include "daemon/step/step.h"
#include "daemon/task/task.h"

enum { WAITING = 5000 };

struct fake_order fake_orders[2000];
int64_t fake_last_id;
int fake_pending;
bool fake_hold;
int fake_next_error;
uint64_t fake_seq;
struct sched_doing fake_doing;

/* A request that waits: its future, and the error that it will have. */
static struct waiting {
	struct store_op *op;
	void (*fill)(struct store_op *op, int *error);
} waiting[WAITING];

void fake_reset(void)
{
	memset(fake_orders, 0, sizeof fake_orders);
	fake_last_id = fake_pending = fake_next_error = 0;
	fake_seq = 0;
	fake_hold = false;
	fake_doing = (struct sched_doing){0};
}

void fake_answer(int n)
{
	struct waiting w = waiting[n];
	int error = 0;
	memmove(&waiting[n], &waiting[n + 1], (size_t)(--fake_pending - n) * sizeof *waiting);
	w.fill(w.op, &error);
	if (error < 0)
		future_set_error(&w.op->done, error);
	else
		future_set_result(&w.op->done, NULL);
}

void fake_answer_all(void)
{
	while (fake_pending > 0)
		fake_answer(0);
}

static void wait(struct store_op *op, void (*fill)(struct store_op *op, int *error))
{
	future_init(&op->done, "the fake store");
	assert(fake_pending < WAITING);
	waiting[fake_pending++] = (struct waiting){op, fill};
	if (!fake_hold)
		fake_answer(fake_pending - 1);
}

struct store_event fake_move(int64_t id, enum order_state state)
{
	struct fake_order *o = &fake_orders[id];
	o->state = state;
	o->seq = ++fake_seq;
	return (struct store_event){.seq = o->seq,
	    .id = id,
	    .time_ms = 1000,
	    .recipe = "cake",
	    .user = o->user,
	    .state = state,
	    .cause = order_state_final(state) ? CAUSE_EXIT : CAUSE_NONE,
	    .attempt = 1,
	    .exit = order_state_final(state) ? 0 : -1};
}

/* ---- the store ---- */

const char *store_intern(struct store *s, const char *name, size_t len)
{
	static char names[64][64];
	static int count;
	(void)s;
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return names[i];
	assert(count < 64);
	memcpy(names[count], name, len);
	return names[count++];
}

const char *store_find_name(struct store *s, const char *name, size_t len)
{
	return store_intern(s, name, len);
}

static void fill_submit(struct store_op *op, int *error)
{
	struct store_submit *r = (struct store_submit *)op;
	/* What it points to is still there. */
	assert(r->payload.len == 0 || memchr(r->payload.data, 0xff, r->payload.len) == NULL);
	*error = fake_next_error;
	fake_next_error = 0;
	if (*error == ERR_KEYCONFLICT)
		r->id = 7;
	if (*error == 0) {
		r->id = ++fake_last_id;
		fake_orders[r->id] = (struct fake_order){
		    .user = r->user, .state = ORDER_QUEUED, .seq = ++fake_seq};
	}
}

void store_submit(struct store *s, struct store_submit *r)
{
	(void)s;
	wait(&r->op, fill_submit);
}

static void fill_order(struct store_order *o, int64_t id)
{
	*o = (struct store_order){.id = id,
	    .recipe = "cake",
	    .user = fake_orders[id].user,
	    .state = fake_orders[id].state,
	    .seq = fake_orders[id].seq,
	    .retries = -1,
	    .timeout_ms = -1,
	    .exit = -1,
	    .created_ms = 1000};
	if (order_state_final(o->state)) {
		o->cause = CAUSE_EXIT;
		o->exit = 0;
		o->attempt = 1;
		o->finished_ms = 1000;
	}
}

static bool known(int64_t id)
{
	return id > 0 && id <= fake_last_id;
}

static void fill_get(struct store_op *op, int *error)
{
	struct store_get *r = (struct store_get *)op;
	if (known(r->id))
		fill_order(&r->order, r->id);
	else
		*error = r->id == 1999 ? ERR_GONE : ERR_NOTFOUND;
}

void store_get(struct store *s, struct store_get *r)
{
	(void)s;
	wait(&r->op, fill_get);
}

static void fill_read(struct store_op *op, int *error)
{
	struct store_read *r = (struct store_read *)op;
	if (!order_state_final(fake_orders[r->id].state)) {
		*error = ERR_PENDING;
		return;
	}
	r->bytes = strdup(fake_orders[r->id].result);
	r->len = strlen(r->bytes);
}

void store_read(struct store *s, struct store_read *r)
{
	(void)s;
	wait(&r->op, fill_read);
}

static void fill_list(struct store_op *op, int *error)
{
	struct store_list *r = (struct store_list *)op;
	r->orders = calloc((size_t)r->count, sizeof *r->orders);
	if (!r->orders) {
		*error = -ENOMEM;
		return;
	}
	for (int64_t id = fake_last_id; id > 0 && r->order_count < (size_t)r->count; id--)
		if (!r->user || r->user == fake_orders[id].user)
			fill_order(&r->orders[r->order_count++], id);
}

void store_list(struct store *s, struct store_list *r)
{
	(void)s;
	wait(&r->op, fill_list);
}

static void fill_place(struct store_op *op, int *error)
{
	(void)error;
	((struct store_place *)op)->place = 3;
}

void store_place(struct store *s, struct store_place *r)
{
	(void)s;
	wait(&r->op, fill_place);
}

void store_order_clear(struct store_order *o)
{
	free(o->key);
	free(o->message);
}

void store_stats_get(struct store *s, struct store_stats *out)
{
	(void)s;
	*out = (struct store_stats){.seq = fake_seq};
}

void store_recipe_counts(struct store *s, const char *recipe, uint64_t by_state[static ORDER_STATES])
{
	(void)s;
	(void)recipe;
	by_state[ORDER_QUEUED] = 5;
}

/* ---- the scheduler ---- */

static void fill_cancel(struct store_op *op, int *error)
{
	struct store_cancel *r = (struct store_cancel *)op;
	if (!known(r->id))
		*error = ERR_NOTFOUND;
	else if (order_state_final(fake_orders[r->id].state))
		r->what = STORE_CANCEL_FINAL;
	else
		r->what = STORE_CANCEL_DONE;
}

int await_sched_cancel(struct sched *s, struct store_cancel *r)
{
	(void)s;
	wait(&r->op, fill_cancel);
	return await_future_shielded(&r->op.done);
}

static bool paused;

int await_sched_pause(struct sched *s, const char *recipe, bool pause, const char *by, struct slice reason)
{
	(void)s;
	(void)recipe;
	(void)by;
	(void)reason;
	paused = pause;
	return 0;
}

bool sched_is_paused(const struct sched *s, const char *recipe)
{
	(void)s;
	(void)recipe;
	return paused;
}

enum sched_hold sched_why_held(const struct sched *s, const char *recipe, char why[static 256])
{
	(void)s;
	(void)recipe;
	snprintf(why, 256, "every worker of pool 'ovens' is busy");
	return SCHED_HOLD_WORKERS;
}

const char *sched_hold_word(enum sched_hold h)
{
	return h == SCHED_HOLD_WORKERS ? "workers" : "?";
}

bool sched_doing(const struct sched *s, int64_t order, struct sched_doing *out)
{
	(void)s;
	(void)order;
	*out = fake_doing;
	return fake_doing.step != NULL;
}

void sched_stats_get(const struct sched *s, struct sched_stats *out)
{
	(void)s;
	*out = (struct sched_stats){0};
}

void steps_stats_get(const struct steps *s, struct steps_stats *out)
{
	(void)s;
	*out = (struct steps_stats){.requests = 7, .waiting = 2};
}

/* ---- workers, recipes, passwords ---- */

void pools_each(struct pools *p, void (*fn)(void *arg, struct pool *pool), void *arg)
{
	(void)p;
	fn(arg, NULL);
}

struct pool *pools_find(struct pools *p, const char *name)
{
	(void)p;
	return strcmp(name, "ovens") == 0 ? (struct pool *)&fake_seq : NULL; /* only to be given back */
}

int pool_busy_count(const struct pool *p)
{
	(void)p;
	return 3;
}

int pool_worker_count(const struct pool *p)
{
	(void)p;
	return 4;
}

const char *pool_name(const struct pool *p)
{
	(void)p;
	return "ovens";
}

void pool_stats_get(const struct pool *p, struct pool_stats *out)
{
	(void)p;
	*out = (struct pool_stats){.workers = 4};
}

int recipe_check_payload(
    const struct conf_recipe *r, struct slice payload, struct buf *canonical, char why[static 256])
{
	(void)r;
	if (payload.len == 3 && memcmp(payload.data, "bad", 3) == 0) {
		snprintf(why, 256, "flavour: required");
		return -EINVAL;
	}
	return buf_append(canonical, payload.data, payload.len);
}

const struct conf_recipe *conf_recipe_find(const struct conf *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->recipe_count; i++)
		if (strlen(c->recipes[i].name) == len && memcmp(c->recipes[i].name, name, len) == 0)
			return &c->recipes[i];
	return NULL;
}

int password_verify(const char *password, size_t len, const char *hash)
{
	return strncmp(hash, "plain:", 6) == 0 && strlen(hash + 6) == len &&
	       memcmp(hash + 6, password, len) == 0;
}
