#include "tests/unit/fake_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/order/state.h"
#include "daemon/task/ready.h"
#include "tests/unit/fake_alloc.h"

enum { ORDERS = 8192, NAMES = 16, EVENTS = 4096, FIRST_ID = 1 };

struct request {
	STAILQ_ENTRY(request) entry;
	enum fake_op kind;
	struct store_op *op;
	void *r;
};

struct store {
	void (*on_events)(void *arg, struct store_event *events, size_t count);
	void *arg;
	struct ready ready;
	STAILQ_HEAD(, request) requests;
	struct fake_order orders[ORDERS];
	int count;
	char names[NAMES][32];
	char paused[NAMES][32];
	int paused_count;
	bool hold[FAKE_OPS];
	struct {
		int error, times;
		bool applied;
	} fail[FAKE_OPS];
	int asked[FAKE_OPS];
	bool silent;
	struct store_event events[EVENTS];
	size_t event_count;
	uint64_t seq, storage_errors;
	char log[65536];
	size_t log_len;
};

struct store *fake_store_new(
    void (*on_events)(void *arg, struct store_event *events, size_t count), void *arg)
{
	struct store *s = fake_calloc(1, sizeof(*s));

	assert(s);
	s->on_events = on_events;
	s->arg = arg;
	STAILQ_INIT(&s->requests);
	return s;
}

void fake_store_free(struct store *s)
{
	struct request *q;

	ready_remove(&s->ready);
	while ((q = STAILQ_FIRST(&s->requests))) {
		STAILQ_REMOVE_HEAD(&s->requests, entry);
		free(q);
	}
	for (int i = 0; i < s->count; i++)
		free(s->orders[i].payload);
	free(s);
}

void store_head_free(struct store_head *h)
{
	free(h);
}

void store_order_clear(struct store_order *o)
{
	(void)o;
}

const char *store_intern(struct store *s, const char *name, size_t len)
{
	for (int i = 0; i < NAMES; i++) {
		if (s->names[i][0] == '\0')
			snprintf(s->names[i], sizeof(s->names[i]), "%.*s", (int)len, name);
		if (strlen(s->names[i]) == len && memcmp(s->names[i], name, len) == 0)
			return s->names[i];
	}
	return NULL;
}

struct fake_order *fake_store_find(struct store *s, int64_t id)
{
	return id >= FIRST_ID && id < FIRST_ID + s->count ? &s->orders[id - FIRST_ID] : NULL;
}

static struct fake_order *add(struct store *s, const char *recipe, enum order_state state)
{
	struct fake_order *o = &s->orders[s->count];

	assert(s->count < ORDERS);
	*o = (struct fake_order){.id = FIRST_ID + s->count, .state = state, .retries = -1, .timeout_ms = -1};
	o->recipe = store_intern(s, recipe, strlen(recipe));
	o->payload = strdup("{}");
	o->payload_len = 2;
	s->count++;
	return o;
}

struct fake_order *fake_store_leave(struct store *s, const char *recipe, enum order_state state, int attempt)
{
	struct fake_order *o = add(s, recipe, state);

	o->attempt = attempt;
	return o;
}

struct fake_order *fake_store_leave_large(struct store *s)
{
	struct fake_order *o = fake_store_leave(s, "cake", ORDER_QUEUED, 0);

	free(o->payload);
	o->payload_len = STORE_INLINE_PAYLOAD + 1;
	o->payload = fake_calloc(1, o->payload_len);
	memset(o->payload, 'p', o->payload_len);
	return o;
}

static struct store_head *head_of(const struct fake_order *o)
{
	bool small = o->payload_len <= STORE_INLINE_PAYLOAD;
	struct store_head *h = fake_calloc(1, sizeof(*h) + (small ? o->payload_len : 0));

	assert(h);
	h->id = o->id;
	h->priority = o->priority;
	h->attempts = o->attempt;
	h->charged = o->charged;
	h->lost = o->lost;
	h->timeout_ms = o->timeout_ms;
	h->retries = o->retries;
	h->recipe = o->recipe;
	h->user = "user";
	h->cancel_requested = o->cancel_requested;
	h->has_payload = small;
	h->payload_len = o->payload_len;
	if (small)
		memcpy(h->payload, o->payload, o->payload_len);
	return h;
}

static void note(struct store *s, struct fake_order *o)
{
	struct store_event *e = &s->events[s->event_count];

	if (s->silent)
		return;
	assert(s->event_count < EVENTS);
	s->event_count++;
	*e = (struct store_event){.seq = ++s->seq,
	    .id = o->id,
	    .recipe = o->recipe,
	    .user = "user",
	    .state = o->state,
	    .cause = o->cause,
	    .attempt = o->attempt};
	if (o->state == ORDER_QUEUED)
		e->head = head_of(o);
	s->log_len += (size_t)snprintf(s->log + s->log_len, sizeof(s->log) - s->log_len, "%s%lld:%s",
	    s->log_len ? " " : "", (long long)o->id, order_state_word(o->state));
}

static void tell(struct store *s)
{
	if (s->event_count > 0)
		s->on_events(s->arg, s->events, s->event_count);
	for (size_t i = 0; i < s->event_count; i++)
		free(s->events[i].head);
	s->event_count = 0;
}

int64_t fake_store_submit(struct store *s, const char *recipe, int priority)
{
	struct fake_order *o = add(s, recipe, ORDER_QUEUED);

	o->priority = priority;
	note(s, o);
	tell(s);
	return o->id;
}

const char *fake_store_events(struct store *s)
{
	static char copy[sizeof(s->log)];

	memcpy(copy, s->log, s->log_len);
	copy[s->log_len] = '\0';
	s->log_len = 0;
	return copy;
}

void fake_store_fail(struct store *s, enum fake_op op, int error, bool applied, int times)
{
	s->fail[op].error = error;
	s->fail[op].applied = applied;
	s->fail[op].times = times;
}

int fake_store_asked(const struct store *s, enum fake_op op)
{
	return s->asked[op];
}

/* ---- what the operations do ---- */

static int apply(struct fake_order *o, enum order_event e)
{
	return order_state_next(o->state, o->cancel_requested, e, &o->state);
}

static int do_submit(struct store *s, struct store_submit *r)
{
	struct fake_order *o = add(s, r->recipe, r->delay_ms ? ORDER_SCHEDULED : ORDER_QUEUED);

	o->priority = r->priority;
	o->due_ms = clock_wall_ms() + r->delay_ms;
	r->id = o->id;
	note(s, o);
	return 0;
}

static int do_start(struct store *s, struct store_start *r)
{
	struct fake_order *o = fake_store_find(s, r->id);

	if (!o || r->attempt != o->attempt + 1 || apply(o, ORDER_EVENT_START) < 0)
		return ERR_STATE;
	o->attempt = r->attempt;
	o->worker = r->worker;
	o->cancel_requested = false;
	note(s, o);
	return 0;
}

static int do_finish(struct store *s, struct store_finish *r)
{
	struct fake_order *o = fake_store_find(s, r->id);
	enum order_event e;
	bool cancel;

	if (!o || r->attempt != o->attempt || o->state != ORDER_RUNNING || order_end_event(r->next, &e) < 0)
		return ERR_STATE;
	cancel = o->cancel_requested;
	apply(o, e);
	o->cancel_requested = false;
	o->cause = cancel ? CAUSE_CANCELLED : r->cause;
	o->attempt_cause = r->outcome.cause;
	o->charged += r->charge;
	o->lost += r->lost;
	o->due_ms = clock_wall_ms() + r->delay_ms;
	o->step = r->step;
	o->result_len = r->outcome.result_len;
	memcpy(o->result, r->outcome.result_len ? r->outcome.result : "", r->outcome.result_len);
	snprintf(o->message, sizeof(o->message), "%.*s", (int)r->outcome.message_len,
	    r->outcome.message ? r->outcome.message : "");
	if (o->state == ORDER_DONE)
		memset(o->steps, 0, sizeof(o->steps));
	note(s, o);
	return 0;
}

static int do_cancel(struct store *s, struct store_cancel *r)
{
	struct fake_order *o = fake_store_find(s, r->id);

	if (!o)
		return ERR_NOTFOUND;
	r->what = STORE_CANCEL_FINAL;
	if (o->state == ORDER_RUNNING) {
		o->cancel_requested = true;
		r->what = STORE_CANCEL_REQUESTED;
	} else if (apply(o, ORDER_EVENT_CANCEL) == 0) {
		o->cause = CAUSE_CANCELLED;
		r->what = STORE_CANCEL_DONE;
		note(s, o);
	}
	r->state = o->state;
	return 0;
}

static int do_promote(struct store *s, struct store_promote *r)
{
	r->promoted = 0;
	r->next_due_ms = INT64_MAX;
	for (int i = 0; i < s->count; i++) {
		struct fake_order *o = &s->orders[i];

		if (o->state != ORDER_SCHEDULED)
			continue;
		if (o->due_ms <= clock_wall_ms() && r->promoted < r->limit) {
			apply(o, ORDER_EVENT_DUE);
			r->promoted++;
			note(s, o);
		} else if (o->due_ms < r->next_due_ms) {
			r->next_due_ms = o->due_ms;
		}
	}
	return 0;
}

static int do_pause(struct store *s, struct store_pause *r)
{
	for (int i = 0; i < s->paused_count; i++) {
		if (strcmp(s->paused[i], r->recipe) == 0)
			s->paused[i][0] = '\0';
	}
	if (r->paused)
		snprintf(s->paused[s->paused_count++], sizeof(s->paused[0]), "%s", r->recipe);
	return 0;
}

static bool behind(const struct fake_order *o, const struct store_refill *r)
{
	if (r->from_start)
		return true;
	return o->priority != r->after_priority ? o->priority < r->after_priority : o->id > r->after_id;
}

static int compare(const void *a, const void *b)
{
	const struct store_head *x = *(struct store_head *const *)a, *y = *(struct store_head *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int do_refill(struct store *s, struct store_refill *r)
{
	size_t count = 0, keep;

	r->heads = fake_calloc((size_t)s->count + 1, sizeof(r->heads[0]));
	assert(r->heads);
	for (int i = 0; i < s->count; i++) {
		struct fake_order *o = &s->orders[i];

		if (o->state == ORDER_QUEUED && strcmp(o->recipe, r->recipe) == 0 && behind(o, r))
			r->heads[count++] = head_of(o);
	}
	qsort(r->heads, count, sizeof(r->heads[0]), compare);
	keep = count < (size_t)r->limit ? count : (size_t)r->limit;
	for (size_t i = keep; i < count; i++)
		free(r->heads[i]);
	r->count = keep;
	r->end = keep == count;
	return 0;
}

static int do_recover(struct store *s, struct store_recover *r)
{
	r->running = fake_calloc((size_t)s->count + 1, sizeof(r->running[0]));
	r->recipes = fake_calloc(NAMES, sizeof(r->recipes[0]));
	r->paused = fake_calloc(NAMES, sizeof(r->paused[0]));
	assert(r->running && r->recipes && r->paused);
	r->next_due_ms = INT64_MAX;
	for (int i = 0; i < s->count; i++) {
		struct fake_order *o = &s->orders[i];

		if (o->state == ORDER_RUNNING)
			r->running[r->running_count++] = head_of(o);
		if (o->state == ORDER_SCHEDULED && o->due_ms < r->next_due_ms)
			r->next_due_ms = o->due_ms;
	}
	for (int n = 0; n < NAMES; n++) {
		for (int i = 0; i < s->count; i++) {
			if (s->orders[i].state == ORDER_QUEUED && s->orders[i].recipe == s->names[n]) {
				r->recipes[r->recipe_count++] = s->names[n];
				break;
			}
		}
	}
	for (int i = 0; i < s->paused_count; i++) {
		if (s->paused[i][0])
			r->paused[r->paused_count++] = store_intern(s, s->paused[i], strlen(s->paused[i]));
	}
	return 0;
}

static int do_get(struct store *s, struct store_get *r)
{
	struct fake_order *o = fake_store_find(s, r->id);

	if (!o)
		return ERR_NOTFOUND;
	r->order = (struct store_order){.id = o->id,
	    .recipe = o->recipe,
	    .state = o->state,
	    .attempt = o->attempt,
	    .priority = o->priority,
	    .charged = o->charged};
	return 0;
}

static int do_read(struct store *s, struct store_read *r)
{
	struct fake_order *o = fake_store_find(s, r->id);

	if (!o)
		return ERR_NOTFOUND;
	r->len = o->payload_len;
	r->bytes = fake_calloc(1, r->len + 1);
	assert(r->bytes);
	memcpy(r->bytes, o->payload, r->len);
	return 0;
}

static int do_step(struct store *s, struct store_step *r)
{
	struct fake_order *o = fake_store_find(s, r->id);
	struct fake_result *f;

	if (!o || r->attempt != o->attempt || o->state != ORDER_RUNNING)
		return ERR_STATE;
	assert(r->step < FAKE_STEPS_MAX && r->result.len < sizeof(f->bytes));
	f = &o->steps[r->step];
	memset(f, 0, (size_t)(FAKE_STEPS_MAX - r->step) * sizeof(*f));
	*f = (struct fake_result){.present = true, .cut = r->cut, .digest = r->digest, .len = r->result.len};
	memcpy(f->bytes, r->result.len ? r->result.data : "", r->result.len);
	return 0;
}

static int do_steps(struct store *s, struct store_steps *r)
{
	struct fake_order *o = fake_store_find(s, r->id);

	if (!o)
		return ERR_NOTFOUND;
	r->results = fake_calloc(FAKE_STEPS_MAX, sizeof(r->results[0]));
	while (r->count < FAKE_STEPS_MAX && o->steps[r->count].present &&
	       o->steps[r->count].digest == r->digest) {
		const struct fake_result *f = &o->steps[r->count];

		if (r->wanted >> r->count & 1) {
			char *bytes = fake_calloc(1, f->len + 1);

			memcpy(bytes, f->bytes, f->len);
			r->results[r->result_count++] = (struct store_step_result){
			    .step = r->count, .cut = f->cut, .bytes = bytes, .len = f->len};
		}
		r->count++;
	}
	return 0;
}

void store_steps_clear(struct store_steps *r)
{
	for (size_t i = 0; i < r->result_count; i++)
		free(r->results[i].bytes);
	free(r->results);
	r->results = NULL;
	r->result_count = 0;
}

struct fake_order fake_store_save(struct store *s, int64_t id)
{
	return *fake_store_find(s, id);
}

void fake_store_load(struct store *s, const char *recipe, struct fake_order saved)
{
	struct fake_order *o = fake_store_leave(s, recipe, saved.state, saved.attempt);
	char *payload = o->payload;

	saved.id = o->id;
	saved.recipe = o->recipe;
	*o = saved;
	o->payload = payload;
	o->payload_len = strlen(payload);
}

static int perform(struct store *s, const struct request *q)
{
	switch (q->kind) {
	case FAKE_SUBMIT:
		return do_submit(s, q->r);
	case FAKE_START:
		return do_start(s, q->r);
	case FAKE_FINISH:
		return do_finish(s, q->r);
	case FAKE_CANCEL:
		return do_cancel(s, q->r);
	case FAKE_PROMOTE:
		return do_promote(s, q->r);
	case FAKE_PAUSE:
		return do_pause(s, q->r);
	case FAKE_REFILL:
		return do_refill(s, q->r);
	case FAKE_RECOVER:
		return do_recover(s, q->r);
	case FAKE_GET:
		return do_get(s, q->r);
	case FAKE_READ:
		return do_read(s, q->r);
	case FAKE_STEP:
		return do_step(s, q->r);
	case FAKE_STEPS:
		return do_steps(s, q->r);
	default:
		assert(0);
		return 0;
	}
}

static int perform_or_fail(struct store *s, const struct request *q)
{
	if (s->fail[q->kind].times == 0)
		return perform(s, q);
	s->fail[q->kind].times--;
	s->storage_errors++;
	if (s->fail[q->kind].applied) {
		s->silent = true;
		(void)perform(s, q);
		s->silent = false;
	}
	return s->fail[q->kind].error;
}

static void commit(struct ready *ready)
{
	struct store *s = (struct store *)((char *)ready - offsetof(struct store, ready));
	STAILQ_HEAD(, request) done = STAILQ_HEAD_INITIALIZER(done);
	struct request *q;

	while ((q = STAILQ_FIRST(&s->requests)) && !s->hold[q->kind]) {
		STAILQ_REMOVE_HEAD(&s->requests, entry);
		q->op->error = perform_or_fail(s, q);
		STAILQ_INSERT_TAIL(&done, q, entry);
	}
	tell(s);
	while ((q = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, entry);
		if (q->op->error < 0)
			future_set_error(&q->op->done, q->op->error);
		else
			future_set_result(&q->op->done, NULL);
		free(q);
	}
}

void fake_store_hold(struct store *s, enum fake_op op, bool hold)
{
	s->hold[op] = hold;
	if (!hold)
		ready_add(&s->ready, commit);
}

static void ask(struct store *s, enum fake_op kind, struct store_op *op, void *r)
{
	struct request *q = fake_calloc(1, sizeof(*q));

	assert(q);
	*q = (struct request){.kind = kind, .op = op, .r = r};
	future_init(&op->done, "store");
	s->asked[kind]++;
	STAILQ_INSERT_TAIL(&s->requests, q, entry);
	ready_add(&s->ready, commit);
}

void store_submit(struct store *s, struct store_submit *r)
{
	ask(s, FAKE_SUBMIT, &r->op, r);
}

void store_start(struct store *s, struct store_start *r)
{
	ask(s, FAKE_START, &r->op, r);
}

void store_finish(struct store *s, struct store_finish *r)
{
	ask(s, FAKE_FINISH, &r->op, r);
}

void store_cancel(struct store *s, struct store_cancel *r)
{
	ask(s, FAKE_CANCEL, &r->op, r);
}

void store_promote(struct store *s, struct store_promote *r)
{
	ask(s, FAKE_PROMOTE, &r->op, r);
}

void store_pause(struct store *s, struct store_pause *r)
{
	ask(s, FAKE_PAUSE, &r->op, r);
}

void store_refill(struct store *s, struct store_refill *r)
{
	ask(s, FAKE_REFILL, &r->op, r);
}

void store_recover(struct store *s, struct store_recover *r)
{
	ask(s, FAKE_RECOVER, &r->op, r);
}

void store_get(struct store *s, struct store_get *r)
{
	ask(s, FAKE_GET, &r->op, r);
}

void store_read(struct store *s, struct store_read *r)
{
	ask(s, FAKE_READ, &r->op, r);
}

void store_step(struct store *s, struct store_step *r)
{
	ask(s, FAKE_STEP, &r->op, r);
}

void store_steps(struct store *s, struct store_steps *r)
{
	ask(s, FAKE_STEPS, &r->op, r);
}

void store_stats_get(struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){.storage_errors = s->storage_errors};
}
