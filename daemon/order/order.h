/*
 * The words of an order's life: its states and the causes for which it ends. The table of what may follow what is in state.h; STATES.md draws it.
 */
#ifndef BAKERY_ORDER_ORDER_H
#define BAKERY_ORDER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_state {
#define STATE(name, word, final) ORDER_##name,
#include "daemon/order/state.def"
#undef STATE
	ORDER_STATES,
};

enum order_cause {
#define CAUSE(name, word) CAUSE_##name,
#include "daemon/order/cause.def"
#undef CAUSE
	ORDER_CAUSES,
};

enum { ORDER_PRIORITY_MIN = -100, ORDER_PRIORITY_MAX = 100 };

const char *order_state_word(enum order_state s);
bool order_state_final(enum order_state s);
/* -EINVAL when there is no such word. */
int order_state_parse(const char *word, size_t len, enum order_state *out);
const char *order_cause_word(enum order_cause c);
int order_cause_parse(const char *word, size_t len, enum order_cause *out);

/* How an attempt ended, as the worker reports it and the store keeps it. */
struct order_outcome {
	enum order_cause cause;          /* CAUSE_EXIT with exit 0, or CAUSE_NONE (a light step): success */
	bool permanent;                  /* a failure that another try would not change */
	int64_t retry_after_ms;          /* a failure: the other side asked for this pause; 0: it did not */
	int exit;                        /* −1: none */
	int signal;                      /* 0: none */
	int error;                       /* errno, for spawn; 0: none */
	int64_t started_ms, finished_ms; /* wall clock */
	int64_t cpu_ms, max_rss_kib;
	bool result_cut;
	uint64_t result_total; /* bytes that the job wrote; more than result_len when cut */
	const char *result;    /* owned by whoever filled it in */
	size_t result_len;
	const char
	    *message; /* the end of standard error, at most ORDER_MESSAGE_MAX bytes; not NUL-terminated */
	size_t message_len;
};
enum { ORDER_MESSAGE_MAX = 4096 };

static inline bool order_outcome_ok(const struct order_outcome *o)
{
	return o->cause == CAUSE_NONE || (o->cause == CAUSE_EXIT && o->exit == 0);
}

#endif
