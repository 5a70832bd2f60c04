#include "tests/unit/fake_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/task/ready.h"
#include "tests/unit/fake_alloc.h"

enum { POOLS = 4, WORKERS = 64 };

struct worker {
	struct pool *pool;
	struct job_run *run;
	struct worker_claim claim;
	bool exists;
	char payload[64], results[128];
	int64_t timeout_ms;
	int stops;
	enum job_stop why;
};

struct pool {
	struct pools *pools;
	const char *name;
	struct worker workers[WORKERS];
	struct ready idle;
};

struct pools {
	struct pools_events events;
	struct pool list[POOLS];
	size_t count;
	char log[8192];
	size_t log_len;
	int refuse, discarded, released;
	int fail, fail_times;
};

struct pools *fake_pools_new(const struct conf *conf, const struct pools_events *events)
{
	struct pools *p = fake_calloc(1, sizeof(*p));

	assert(p && conf->pool_count <= POOLS);
	p->events = *events;
	for (size_t i = 0; i < conf->pool_count; i++) {
		p->list[i].pools = p;
		p->list[i].name = conf->pools[i].name;
		for (int w = 0; w < conf->pools[i].workers; w++)
			p->list[i].workers[w] = (struct worker){.pool = &p->list[i], .exists = true};
	}
	p->count = conf->pool_count;
	return p;
}

void pools_free(struct pools *p)
{
	for (size_t i = 0; i < p->count; i++)
		ready_remove(&p->list[i].idle);
	free(p);
}

struct pool *pools_find(struct pools *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->list[i].name, name) == 0)
			return &p->list[i];
	}
	return NULL;
}

static int count(const struct pool *p, bool idle)
{
	int n = 0;

	for (int i = 0; i < WORKERS; i++)
		n += p->workers[i].exists && (!idle || (!p->workers[i].run && !p->workers[i].claim.order));
	return n;
}

int pool_idle_count(const struct pool *p)
{
	return count(p, true);
}

int pool_worker_count(const struct pool *p)
{
	return count(p, false);
}

int pool_busy_count(const struct pool *p)
{
	return count(p, false) - count(p, true);
}

static void tell_idle(struct ready *r)
{
	struct pool *p = (struct pool *)((char *)r - offsetof(struct pool, idle));

	p->pools->events.on_idle(p->pools->events.arg, p);
}

static void add(struct pools *p, const char *before, int64_t n)
{
	p->log_len += (size_t)snprintf(
	    p->log + p->log_len, sizeof(p->log) - p->log_len, "%s%lld", before, (long long)n);
}

int job_run_start(struct pool *p, const struct job *job, struct job_run *run, int *worker_index)
{
	struct worker *w = p->workers;

	if (p->pools->refuse > 0) {
		p->pools->refuse--;
		ready_add(&p->idle, tell_idle);
		return -EAGAIN;
	}
	if (p->pools->fail_times > 0) {
		p->pools->fail_times--;
		return p->pools->fail;
	}
	while (w < p->workers + WORKERS && (!w->exists || w->run || w->claim.order))
		w++;
	if (w == p->workers + WORKERS)
		return -EAGAIN;
	*run = (struct job_run){.pool = p,
	    .worker = w,
	    .order = job->order,
	    .attempt = job->attempt,
	    .step = job->step,
	    .try = job->try};
	future_init(&run->ended, "worker");
	w->run = run;
	w->stops = 0;
	w->timeout_ms = job->timeout_ms;
	snprintf(w->payload, sizeof(w->payload), "%.*s", job->payload.len < 60 ? (int)job->payload.len : 60,
	    job->payload.data);
	w->results[0] = '\0';
	for (size_t i = 0; i < job->result_count; i++) {
		size_t at = strlen(w->results);

		snprintf(w->results + at, sizeof(w->results) - at, "%s%d=%.*s", at ? " " : "",
		    job->results[i].step, (int)job->results[i].bytes.len, job->results[i].bytes.data);
	}
	*worker_index = (int)(w - p->workers);
	add(p->pools, p->pools->log_len ? " " : "", job->order);
	add(p->pools, ".", job->attempt);
	if (job->step > 0)
		add(p->pools, "/", job->step);
	if (job->try > 0)
		add(p->pools, "+", job->try);
	return 0;
}

static struct worker *find(struct pools *p, int64_t order)
{
	for (size_t i = 0; i < p->count; i++) {
		for (int w = 0; w < WORKERS; w++) {
			if (p->list[i].workers[w].run && p->list[i].workers[w].run->order == order)
				return &p->list[i].workers[w];
		}
	}
	return NULL;
}

struct job_run *fake_pool_job(struct pools *p, int64_t order)
{
	struct worker *w = find(p, order);

	return w ? w->run : NULL;
}

const char *fake_pool_payload(struct pools *p, int64_t order)
{
	return find(p, order)->payload;
}

const char *fake_pool_results(struct pools *p, int64_t order)
{
	return find(p, order)->results;
}

int64_t fake_pool_timeout_ms(struct pools *p, int64_t order)
{
	return find(p, order)->timeout_ms;
}

int fake_pool_stops(struct pools *p, int64_t order, enum job_stop *why)
{
	struct worker *w = find(p, order);

	if (!w)
		return 0;
	if (why)
		*why = w->why;
	return w->stops;
}

void fake_pool_end(struct pools *p, int64_t order, enum order_cause cause, int exit, const char *result)
{
	struct job_run *run = fake_pool_job(p, order);

	assert(run);
	run->outcome = (struct order_outcome){
	    .cause = cause, .exit = exit, .started_ms = 1, .finished_ms = 2};
	if (result) {
		run->bytes = strdup(result);
		run->outcome.result = run->bytes;
		run->outcome.result_len = run->outcome.result_total = strlen(result);
	}
	future_set_result(&run->ended, NULL);
}

void fake_pool_lose(struct pools *p, int64_t order)
{
	struct worker *w = find(p, order);
	struct job_run *run = w->run;

	w->run = NULL;
	run->worker = NULL;
	run->outcome = (struct order_outcome){.cause = CAUSE_WORKER_LOST, .exit = -1};
	future_set_result(&run->ended, NULL);
	ready_add(&w->pool->idle, tell_idle);
}

void job_run_stop(struct job_run *run, enum job_stop why)
{
	if (!run->worker || future_is_final(&run->ended))
		return;
	run->worker->stops++;
	run->worker->why = why;
}

void job_run_release(struct job_run *run)
{
	assert(future_is_final(&run->ended));
	run->pool->pools->released++;
	if (run->worker) {
		run->worker->run = NULL;
		ready_add(&run->pool->idle, tell_idle);
	}
	free(run->bytes);
	run->bytes = NULL;
}

void fake_pool_add(struct pools *p, const char *pool_name_text)
{
	struct pool *pool = pools_find(p, pool_name_text);
	struct worker *w = pool->workers;

	while (w->exists)
		w++;
	*w = (struct worker){.pool = pool, .exists = true};
	ready_add(&pool->idle, tell_idle);
}

void fake_pool_refuse(struct pools *p, int times)
{
	p->refuse = times;
}

void fake_pool_fail(struct pools *p, int error, int times)
{
	p->fail = error;
	p->fail_times = times;
}

void fake_pool_claim(struct pools *p, const char *pool_name_text, int64_t order, int attempt, bool ended)
{
	const struct worker_claim claim = {.order = order, .attempt = attempt, .ended = ended};

	fake_pool_claim_step(p, pool_name_text, &claim);
}

void fake_pool_claim_step(struct pools *p, const char *pool_name_text, const struct worker_claim *claim)
{
	struct pool *pool = pools_find(p, pool_name_text);
	struct worker *w = pool->workers;

	while (w->run || w->claim.order)
		w++;
	assert(w->exists);
	w->claim = *claim;
	p->events.on_claim(p->events.arg, w, &w->claim);
}

int job_run_adopt(struct worker *w, const struct worker_claim *claim, struct job_run *run)
{
	bool ended = claim->ended;

	*run = (struct job_run){.pool = w->pool,
	    .worker = w,
	    .order = claim->order,
	    .attempt = claim->attempt,
	    .step = claim->step,
	    .try = claim->try};
	future_init(&run->ended, "worker");
	w->run = run;
	w->claim = (struct worker_claim){.order = 0};
	w->stops = 0;
	if (ended)
		fake_pool_end(w->pool->pools, run->order, CAUSE_EXIT, 0, "kept");
	return 0;
}

void job_discard(struct worker *w, const struct worker_claim *claim)
{
	assert(claim->order == w->claim.order);
	w->pool->pools->discarded++;
	w->claim = (struct worker_claim){.order = 0};
	ready_add(&w->pool->idle, tell_idle);
}

void fake_pool_settle(struct pools *p)
{
	p->events.on_settled(p->events.arg);
}

int fake_pool_discarded(const struct pools *p)
{
	return p->discarded;
}

int fake_pool_released(const struct pools *p)
{
	return p->released;
}

const char *fake_pool_started(struct pools *p)
{
	static char copy[sizeof(p->log)];

	memcpy(copy, p->log, p->log_len);
	copy[p->log_len] = '\0';
	p->log_len = 0;
	return copy;
}
