/*
 * A store in memory behind the interface of daemon/store, for tests of what lies above it: it commits when the loop turns (or when the test lets it), tells its
 * events before its futures, guards by the table of daemon/order/state.h, and fails where a test wants it to.
 */
#ifndef BAKERY_TESTS_UNIT_FAKE_STORE_H
#define BAKERY_TESTS_UNIT_FAKE_STORE_H

#include "daemon/order/order.h"
#include "daemon/store/store.h"

enum fake_op {
	FAKE_SUBMIT,
	FAKE_START,
	FAKE_FINISH,
	FAKE_CANCEL,
	FAKE_PROMOTE,
	FAKE_PAUSE,
	FAKE_REFILL,
	FAKE_RECOVER,
	FAKE_GET,
	FAKE_READ,
	FAKE_STEP,
	FAKE_STEPS,
	FAKE_OPS,
};

enum { FAKE_STEPS_MAX = 4 };

struct fake_order {
	int64_t id;
	const char *recipe;
	enum order_state state;
	enum order_cause cause, attempt_cause;
	bool cancel_requested;
	int priority, attempt, charged, lost, retries, worker;
	int64_t timeout_ms, due_ms;
	char *payload;
	size_t payload_len;
	char result[64];
	size_t result_len;
	char message[64];
	const char *step; /* where it failed */
	struct fake_result {
		bool present, cut;
		uint64_t digest;
		char bytes[32];
		size_t len;
	} steps[FAKE_STEPS_MAX];
};

struct store *fake_store_new(
    void (*on_events)(void *arg, struct store_event *events, size_t count), void *arg);
void fake_store_free(struct store *s);

/* Puts an order there without telling anybody: what an earlier daemon left. Returns it. */
struct fake_order *fake_store_leave(struct store *s, const char *recipe, enum order_state state, int attempt);
/* A queued order of "cake" whose payload ("ppp…") is too large to come with it. */
struct fake_order *fake_store_leave_large(struct store *s);
/* A submission that commits at once, and is told at once. Its id. */
int64_t fake_store_submit(struct store *s, const char *recipe, int priority);
struct fake_order *fake_store_find(struct store *s, int64_t id);
/* A crash of the daemon: what is stored now, and what a store finds that begins with it. */
struct fake_order fake_store_save(struct store *s, int64_t id);
void fake_store_load(struct store *s, const char *recipe, struct fake_order saved);

/* The next `times` operations of this kind fail with `error`; applied: they happen all the same, and nobody is told. */
void fake_store_fail(struct store *s, enum fake_op op, int error, bool applied, int times);
/* While held nothing of this kind, and nothing behind it, commits. */
void fake_store_hold(struct store *s, enum fake_op op, bool hold);
/* How many of this kind were asked for. */
int fake_store_asked(const struct store *s, enum fake_op op);
/* Every event since the last call, as "ID:STATE ID:STATE …". Valid until the next call. */
const char *fake_store_events(struct store *s);

#endif
