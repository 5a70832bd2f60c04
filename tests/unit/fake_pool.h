/*
 * Pools behind the interface of daemon/worker whose workers do what the test says: nothing starts, ends or dies by itself.
 */
#ifndef BAKERY_TESTS_UNIT_FAKE_POOL_H
#define BAKERY_TESTS_UNIT_FAKE_POOL_H

#include "daemon/worker/pool.h"

struct pools *fake_pools_new(const struct conf *conf, const struct pools_events *events);

/* The job of this order at some worker; NULL: none. */
struct job_run *fake_pool_job(struct pools *p, int64_t order);
/* What was sent with it. */
const char *fake_pool_payload(struct pools *p, int64_t order);
/* The results that were sent with it, as "STEP=BYTES …". */
const char *fake_pool_results(struct pools *p, int64_t order);
int64_t fake_pool_timeout_ms(struct pools *p, int64_t order);
/* How often the order's job was told to stop, and why the last time. */
int fake_pool_stops(struct pools *p, int64_t order, enum job_stop *why);
/* The job ends so. result: static text or NULL. */
void fake_pool_end(struct pools *p, int64_t order, enum order_cause cause, int exit, const char *result);
/* Its worker has died; another takes its place at once. */
void fake_pool_lose(struct pools *p, int64_t order);
/* Jobs that were started, in order, as "ORDER.ATTEMPT …" (with "/STEP" and "+TRY" unless 0), since the last call. */
const char *fake_pool_started(struct pools *p);
/* One worker more. */
void fake_pool_add(struct pools *p, const char *pool);
/* The next `times` starts are refused: the worker has just died. */
void fake_pool_refuse(struct pools *p, int times);
/* The next `times` starts fail so. */
void fake_pool_fail(struct pools *p, int error, int times);
/* A worker of an earlier front claims this job; then, if all have spoken: settled. */
void fake_pool_claim(struct pools *p, const char *pool, int64_t order, int attempt, bool ended);
void fake_pool_claim_step(struct pools *p, const char *pool, const struct worker_claim *claim);
void fake_pool_settle(struct pools *p);
/* How many claims were answered by job_discard(). */
int fake_pool_discarded(const struct pools *p);
/* Workers that have released what they had. */
int fake_pool_released(const struct pools *p);

#endif
