/*
 * The life of some thousand orders at random beside a model that holds everything in an array: the same requests, in the same order, must get the same answers, and
 * what can be read must be what the model knows, also after a crash: then a copy of the files as they are goes on. BAKERY_SEED repeats a run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/rand.h"
#include "daemon/store/reads.h"
#include "tests/unit/engine_world.h"
#include "tests/unit/unit.h"

enum { ORDERS_MAX = 20000, RECIPES = 3, KEYS = 200, BATCH_MAX = 40, BATCHES = 400, LIMIT = 300, STEPS = 4 };

struct model {
	int64_t id, due_ms;
	int recipe, priority, attempt, charged, payload;
	enum order_state state;
	enum order_cause cause;
	bool cancel;
	struct {
		uint64_t digest; /* 0: no result */
		int text;
	} steps[STEPS];
};

static struct engine_world w;
static struct reads reads;
static const char *recipes[RECIPES];
static struct model orders[ORDERS_MAX];
static size_t count;
static struct {
	size_t order; /* its place, from 1; 0: not used yet */
	int payload;
} keys[RECIPES][KEYS];

union request {
	struct store_op op;
	struct store_submit submit;
	struct store_start start;
	struct store_step step;
	struct store_finish finish;
	struct store_cancel cancel;
	struct store_promote promote;
};

static union request requests[BATCH_MAX];
static struct {
	int recipe, payload, key;
	char text[64], key_text[32];
} details[BATCH_MAX];

static bool is_final(enum order_state s)
{
	return s == ORDER_DONE || s == ORDER_FAILED || s == ORDER_CANCELLED;
}

static size_t open_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += !is_final(orders[i].state);
	return n;
}

static void payload_text(int payload, char out[static 64])
{
	snprintf(out, 64, "%d cakes with %d eggs", payload, payload * 7);
}

/* ---- what the model says ---- */

static void model_submit(const struct store_submit *r, int recipe, int payload, int key)
{
	if (key >= 0 && keys[recipe][key].order) {
		bool same = keys[recipe][key].payload == payload;

		ck_assert_int_eq(r->op.error, same ? 0 : ERR_KEYCONFLICT);
		ck_assert_int_eq(r->id, orders[keys[recipe][key].order - 1].id);
		ck_assert(r->existed);
		return;
	}
	if (open_count() >= LIMIT) {
		ck_assert_int_eq(r->op.error, ERR_QUEUEFULL);
		return;
	}
	ck_assert_int_eq(r->op.error, 0);
	ck_assert(!r->existed);
	ck_assert(count == 0 || r->id > orders[count - 1].id);
	ck_assert_uint_lt(count, ORDERS_MAX);
	orders[count++] = (struct model){
	    .id = r->id,
	    .recipe = recipe,
	    .priority = r->priority,
	    .payload = payload,
	    .state = r->delay_ms > 0 ? ORDER_SCHEDULED : ORDER_QUEUED,
	    .due_ms = w.engine.now_ms + r->delay_ms,
	};
	if (key >= 0) {
		keys[recipe][key].order = count;
		keys[recipe][key].payload = payload;
	}
}

static struct model *find(int64_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (orders[i].id == id)
			return &orders[i];
	}
	return NULL;
}

static void model_start(const struct store_start *r)
{
	struct model *m = find(r->id);

	if (!m || m->state != ORDER_QUEUED || r->attempt != m->attempt + 1) {
		ck_assert_int_eq(r->op.error, ERR_STATE);
		return;
	}
	ck_assert_int_eq(r->op.error, 0);
	m->state = ORDER_RUNNING;
	m->cause = CAUSE_NONE;
	m->attempt++;
}

static void forget_steps(struct model *m, int from)
{
	for (int i = from; i < STEPS; i++)
		m->steps[i].digest = 0;
}

static void model_step(const struct store_step *r, int text)
{
	struct model *m = find(r->id);

	if (!m || m->state != ORDER_RUNNING || r->attempt != m->attempt) {
		ck_assert_int_eq(r->op.error, ERR_STATE);
		return;
	}
	ck_assert_int_eq(r->op.error, 0);
	forget_steps(m, r->step);
	m->steps[r->step].digest = r->digest;
	m->steps[r->step].text = text;
}

static void model_finish(const struct store_finish *r)
{
	struct model *m = find(r->id);

	if (!m || m->state != ORDER_RUNNING || r->attempt != m->attempt) {
		ck_assert_int_eq(r->op.error, ERR_STATE);
		return;
	}
	ck_assert_int_eq(r->op.error, 0);
	m->charged += r->charge;
	m->cause = r->cause;
	m->state = r->next;
	if (m->cancel && r->next != ORDER_CANCELLED) {
		m->state = ORDER_CANCELLED;
		m->cause = CAUSE_CANCELLED;
	}
	if (m->state == ORDER_SCHEDULED)
		m->due_ms = w.engine.now_ms + r->delay_ms;
	if (m->state == ORDER_DONE)
		forget_steps(m, 0);
}

static void model_cancel(const struct store_cancel *r)
{
	struct model *m = find(r->id);

	if (!m) {
		ck_assert_int_eq(r->op.error, ERR_NOTFOUND);
		return;
	}
	ck_assert_int_eq(r->op.error, 0);
	if (is_final(m->state)) {
		ck_assert_int_eq(r->what, STORE_CANCEL_FINAL);
	} else if (m->state == ORDER_RUNNING) {
		ck_assert_int_eq(r->what, STORE_CANCEL_REQUESTED);
		m->cancel = true;
	} else {
		ck_assert_int_eq(r->what, STORE_CANCEL_DONE);
		m->state = ORDER_CANCELLED;
		m->cause = CAUSE_CANCELLED;
	}
	ck_assert_int_eq(r->state, m->state);
}

static struct model *first_due(void)
{
	struct model *first = NULL;

	for (size_t i = 0; i < count; i++) {
		if (orders[i].state == ORDER_SCHEDULED && (!first || orders[i].due_ms < first->due_ms))
			first = &orders[i];
	}
	return first;
}

static void model_promote(const struct store_promote *r)
{
	struct model *m;
	int promoted = 0;

	while (promoted < r->limit && (m = first_due()) && m->due_ms <= w.engine.now_ms) {
		m->state = ORDER_QUEUED;
		promoted++;
	}
	m = first_due();
	ck_assert_int_eq(r->op.error, 0);
	ck_assert_int_eq(r->promoted, promoted);
	ck_assert_int_eq(r->next_due_ms, m ? m->due_ms : INT64_MAX);
}

/* ---- requests at random ---- */

static int64_t any_id(void)
{
	/* Mostly one of the latest: the old ones are final. Sometimes none. */
	if (count == 0 || rand_below(50) == 0)
		return 7;
	size_t back = rand_below(3) == 0 ? rand_below(count) : rand_below(count < 400 ? count : 400);
	return orders[count - 1 - back].id;
}

static void any_submit(int i)
{
	int recipe = (int)rand_below(RECIPES), payload = (int)rand_below(1000);
	int key = rand_below(3) == 0 ? (int)rand_below(KEYS) : -1;

	/* Most repetitions are true ones. */
	if (key >= 0 && keys[recipe][key].order && rand_below(4) > 0)
		payload = keys[recipe][key].payload;
	details[i].recipe = recipe;
	details[i].payload = payload;
	details[i].key = key;
	payload_text(payload, details[i].text);
	snprintf(details[i].key_text, sizeof details[i].key_text, "key-%d", key);
	requests[i].submit = (struct store_submit){
	    .op.kind = OP_SUBMIT,
	    .recipe = recipes[recipe],
	    .user = w.user,
	    .payload = {details[i].text, strlen(details[i].text)},
	    .key = {details[i].key_text, key >= 0 ? strlen(details[i].key_text) : 0},
	    .priority = (int)rand_below(5) - 2,
	    .delay_ms = rand_below(4) == 0 ? (int64_t)rand_below(10) * 100000 : 0,
	    .timeout_ms = -1,
	    .retries = -1,
	};
}

static void any_finish(int i, int64_t id, int attempt)
{
	static const enum order_state next[] = {
	    ORDER_DONE, ORDER_DONE, ORDER_DONE, ORDER_FAILED, ORDER_CANCELLED, ORDER_QUEUED, ORDER_SCHEDULED};
	enum order_state to = next[rand_below(sizeof next / sizeof next[0])];

	requests[i].finish = (struct store_finish){
	    .op.kind = OP_FINISH,
	    .id = id,
	    .attempt = attempt,
	    .next = to,
	    .cause = to == ORDER_CANCELLED ? CAUSE_CANCELLED : CAUSE_EXIT,
	    .delay_ms = 100000,
	    .charge = rand_below(2),
	    .outcome = {.cause = CAUSE_EXIT, .result = "cake", .result_len = 4, .result_total = 4},
	};
	if (rand_below(3) == 0) {
		requests[i].finish.outcome.message = "crumbs";
		requests[i].finish.outcome.message_len = 6;
	}
}

/* Mostly the next step, of mostly the same form of the recipe. */
static void any_step(int i, const struct model *m, int64_t id, int attempt)
{
	int step = 0;

	while (m && step < STEPS - 1 && m->steps[step].digest != 0)
		step++;
	if (rand_below(5) == 0)
		step = (int)rand_below(STEPS);
	details[i].payload = (int)rand_below(1000);
	payload_text(details[i].payload, details[i].text);
	requests[i].step = (struct store_step){
	    .op.kind = OP_STEP,
	    .id = id,
	    .attempt = attempt,
	    .step = step,
	    .digest = 1 + (rand_below(10) == 0),
	    .cut = details[i].payload % 2,
	    .result = {details[i].text, strlen(details[i].text)},
	};
}

static void any_request(int i)
{
	int64_t id = any_id();
	const struct model *m = find(id);
	int attempt = m ? m->attempt : 1;

	/* Now and then an attempt that is over or never was. */
	if (rand_below(20) == 0)
		attempt += (int)rand_below(3) - 1;
	switch (rand_below(13)) {
	case 0:
	case 1:
	case 2:
		any_submit(i);
		break;
	case 3:
	case 4:
	case 5:
		requests[i].start = (struct store_start){
		    .op.kind = OP_START, .id = id, .attempt = attempt + 1};
		break;
	case 6:
	case 7:
	case 8:
		any_finish(i, id, attempt);
		break;
	case 9:
	case 10:
	case 11:
		any_step(i, m, id, attempt);
		break;
	default:
		if (rand_below(3) == 0)
			requests[i].promote = (struct store_promote){
			    .op.kind = OP_PROMOTE, .limit = 1 + (int)rand_below(20)};
		else
			requests[i].cancel = (struct store_cancel){
			    .op.kind = OP_CANCEL, .id = id, .by = "me", .reason = {"why not", 7}};
		break;
	}
}

static void one_batch(void)
{
	struct batch *b = batch_new();
	int n = 1 + (int)rand_below(BATCH_MAX);

	for (int i = 0; i < n; i++) {
		any_request(i);
		STAILQ_INSERT_TAIL(&b->ops, &requests[i].op, entry);
		b->op_count++;
	}
	engine_apply(&w.engine, b);
	batch_free(b);
	for (int i = 0; i < n; i++) {
		switch ((enum op_kind)requests[i].op.kind) {
		case OP_SUBMIT:
			model_submit(
			    &requests[i].submit, details[i].recipe, details[i].payload, details[i].key);
			break;
		case OP_START:
			model_start(&requests[i].start);
			break;
		case OP_STEP:
			model_step(&requests[i].step, details[i].payload);
			break;
		case OP_FINISH:
			model_finish(&requests[i].finish);
			break;
		case OP_CANCEL:
			model_cancel(&requests[i].cancel);
			break;
		default:
			model_promote(&requests[i].promote);
			break;
		}
	}
}

/* ---- what can be read ---- */

static int in_line(const void *a, const void *b)
{
	const struct model *x = *(const struct model *const *)a, *y = *(const struct model *const *)b;

	if (x->priority != y->priority)
		return y->priority - x->priority;
	return (x->id > y->id) - (x->id < y->id);
}

static size_t line_of(int recipe, struct model **line)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (orders[i].recipe == recipe && orders[i].state == ORDER_QUEUED)
			line[n++] = &orders[i];
	}
	qsort(line, n, sizeof(struct model *), in_line);
	return n;
}

/* The whole line by refills of a few at a time. */
static void check_line(int recipe)
{
	static struct model *line[ORDERS_MAX];
	size_t n = line_of(recipe, line), at = 0;
	struct store_refill r = {
	    .recipe = recipes[recipe], .from_start = true, .limit = 1 + (int)rand_below(50)};

	do {
		ck_assert_int_eq(engine_world_apply(&w, OP_REFILL, &r.op), 0);
		for (size_t i = 0; i < r.count; i++, at++) {
			char text[64];

			ck_assert_uint_lt(at, n);
			ck_assert_int_eq(r.heads[i]->id, line[at]->id);
			ck_assert_int_eq(r.heads[i]->priority, line[at]->priority);
			ck_assert_int_eq(r.heads[i]->attempts, line[at]->attempt);
			ck_assert_int_eq(r.heads[i]->charged, line[at]->charged);
			ck_assert_ptr_eq(r.heads[i]->recipe, recipes[recipe]);
			payload_text(line[at]->payload, text);
			ck_assert(r.heads[i]->has_payload && r.heads[i]->payload_len == strlen(text));
			ck_assert_int_eq(memcmp(r.heads[i]->payload, text, strlen(text)), 0);
			r.after_priority = r.heads[i]->priority;
			r.after_id = r.heads[i]->id;
			store_head_free(r.heads[i]);
		}
		free(r.heads);
		r.from_start = false;
	} while (!r.end);
	ck_assert_uint_eq(at, n);
	if (n > 0) {
		size_t which = rand_below(n);
		struct store_place place = {.op.kind = OP_PLACE, .id = line[which]->id, .limit = ORDERS_MAX};

		reads_serve(&reads, &place.op);
		ck_assert_int_eq(place.op.error, 0);
		ck_assert_uint_eq((size_t)place.place, which);
	}
}

static void check_recover(void)
{
	struct store_recover r = {.running = NULL};
	size_t running = 0;

	for (size_t i = 0; i < count; i++)
		running += orders[i].state == ORDER_RUNNING;
	ck_assert_int_eq(engine_world_apply(&w, OP_RECOVER, &r.op), 0);
	ck_assert_uint_eq(r.running_count, running);
	for (size_t i = 0; i < r.running_count; i++) {
		struct model *m = find(r.running[i]->id);

		ck_assert_int_eq(m->state, ORDER_RUNNING);
		ck_assert_int_eq(r.running[i]->attempts, m->attempt);
		ck_assert_int_eq(r.running[i]->cancel_requested, m->cancel);
		store_head_free(r.running[i]);
	}
	for (size_t i = 0; i < r.recipe_count; i++)
		ck_assert_ptr_nonnull(r.recipes[i]);
	ck_assert_int_eq(r.next_due_ms, first_due() ? first_due()->due_ms : INT64_MAX);
	free(r.running);
	free(r.recipes);
	free(r.paused);
}

static void check_steps(const struct model *m)
{
	struct store_steps r = {
	    .op.kind = OP_STEPS, .id = m->id, .digest = 1 + rand_below(2), .wanted = rand_below(1 << STEPS)};
	size_t found = 0;
	int n = 0;

	reads_serve(&reads, &r.op);
	ck_assert_int_eq(r.op.error, 0);
	for (; n < STEPS && m->steps[n].digest == r.digest; n++) {
		char text[64];

		if (!(r.wanted >> n & 1))
			continue;
		ck_assert_uint_lt(found, r.result_count);
		payload_text(m->steps[n].text, text);
		ck_assert_int_eq(r.results[found].step, n);
		ck_assert_int_eq(r.results[found].cut, m->steps[n].text % 2);
		ck_assert_uint_eq(r.results[found].len, strlen(text));
		ck_assert_int_eq(memcmp(r.results[found].bytes, text, strlen(text)), 0);
		found++;
	}
	ck_assert_int_eq(r.count, n);
	ck_assert_uint_eq(r.result_count, found);
	store_steps_clear(&r);
}

/* All that are stored, also those that no longer count. */
static void check_all_steps(void)
{
	for (size_t i = 0; i < count; i++) {
		int stored = 0;

		for (int step = 0; step < STEPS; step++)
			stored += orders[i].steps[step].digest != 0;
		ck_assert_int_eq(engine_world_steps(&w, orders[i].id), stored);
		check_steps(&orders[i]);
	}
}

static void check_one(const struct model *m)
{
	struct store_get get = {.op.kind = OP_GET, .id = m->id};
	struct store_read read = {.op.kind = OP_READ, .id = m->id, .payload = true, .limit = UINT64_MAX};
	char text[64];

	reads_serve(&reads, &get.op);
	ck_assert_int_eq(get.op.error, 0);
	ck_assert_int_eq(get.order.state, m->state);
	ck_assert_int_eq(get.order.cause, m->cause);
	ck_assert_int_eq(get.order.attempt, m->attempt);
	ck_assert_int_eq(get.order.charged, m->charged);
	ck_assert_int_eq(get.order.cancel_requested, m->cancel);
	ck_assert_int_eq(get.order.has_result, m->state == ORDER_DONE || m->state == ORDER_FAILED);
	store_order_clear(&get.order);
	payload_text(m->payload, text);
	reads_serve(&reads, &read.op);
	ck_assert_int_eq(read.op.error, 0);
	ck_assert_uint_eq(read.len, strlen(text));
	ck_assert_int_eq(memcmp(read.bytes, text, read.len), 0);
	free(read.bytes);
	read.payload = false;
	reads_serve(&reads, &read.op);
	ck_assert_int_eq(read.op.error, is_final(m->state) ? 0 : ERR_PENDING);
	if (read.op.error == 0) {
		ck_assert_uint_eq(read.len, m->state == ORDER_CANCELLED ? 0 : 4);
		free(read.bytes);
	}
}

/* All orders of a few states, newest first, by pages. */
static void check_list(void)
{
	struct store_list l = {.op.kind = OP_LIST,
	    .states = 1u << ORDER_FAILED | 1u << ORDER_QUEUED,
	    .recipe = recipes[1],
	    .count = 1 + (int)rand_below(100)};
	size_t at = count;

	do {
		reads_serve(&reads, &l.op);
		ck_assert_int_eq(l.op.error, 0);
		for (size_t i = 0; i < l.order_count; i++) {
			do {
				ck_assert_uint_gt(at, 0);
				at--;
			} while (orders[at].recipe != 1 ||
				 (orders[at].state != ORDER_FAILED && orders[at].state != ORDER_QUEUED));
			ck_assert_int_eq(l.orders[i].id, orders[at].id);
			ck_assert_int_eq(l.orders[i].state, orders[at].state);
			store_order_clear(&l.orders[i]);
		}
		free(l.orders);
		l.cursor = l.next_cursor;
	} while (l.cursor != 0);
	while (at > 0) {
		at--;
		ck_assert(orders[at].recipe != 1 ||
			  (orders[at].state != ORDER_FAILED && orders[at].state != ORDER_QUEUED));
	}
}

static void open_all(void)
{
	ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
	ck_assert_int_eq(reads_open(&reads, w.path, NULL, w.names), 0);
	for (int i = 0; i < RECIPES; i++) {
		char name[16];
		int len = snprintf(name, sizeof name, "recipe-%d", i);

		recipes[i] = names_intern(w.names, name, (size_t)len);
	}
}

static void close_all(void)
{
	reads_close(&reads);
	engine_world_close(&w);
}

/* The process ends here and now: what it has written is all that the next one finds. */
static void crash(void)
{
	static int crashes;
	struct engine_world next = {.path = ""};
	char name[32];

	snprintf(name, sizeof name, "model-%d", ++crashes);
	engine_world_path(&next, name);
	engine_world_copy(&w, &next);
	close_all();
	memcpy(w.path, next.path, sizeof w.path);
	open_all();
}

static void check_all(void)
{
	engine_world_check(&w);
	for (int i = 0; i < RECIPES; i++)
		check_line(i);
	check_recover();
	check_list();
	check_all_steps();
	for (int i = 0; i < 50 && count > 0; i++)
		check_one(&orders[rand_below(count)]);
}

START_TEST (random_lives) {
	fprintf(stderr, "seed %" PRIu64 "\n", rand_init());
	engine_world_path(&w, "model");
	w.max_queued = LIMIT;
	open_all();
	for (int i = 0; i < BATCHES; i++) {
		clock_test_advance(0, (int64_t)rand_below(20000));
		one_batch();
		if (rand_below(10) == 0)
			ck_assert_int_eq(engine_checkpoint(&w.engine, false), 0);
		if (rand_below(20) == 0)
			check_all();
		if (rand_below(60) == 0) {
			close_all();
			open_all();
		} else if (rand_below(40) == 0) {
			crash();
		}
	}
	check_all();
	close_all();
}
END_TEST

int main(void)
{
	TCase *t = unit_case("model");
	tcase_add_test(t, random_lives);
	return unit_run();
}
