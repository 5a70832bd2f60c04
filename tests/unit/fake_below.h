/*
 * What stands below the session room, in a test's hand: a store that answers when it is told to, and a scheduler and workers that do nothing. So a test
 * decides what is in flight when something happens.
 */
#ifndef BAKERY_TESTS_UNIT_FAKE_BELOW_H
#define BAKERY_TESTS_UNIT_FAKE_BELOW_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/sched/sched.h"
#include "daemon/store/store.h"

/* Orders that the store knows: ids 1 …; a submission makes the next one, queued. */
struct fake_order {
	const char *user;
	enum order_state state;
	uint64_t seq;
	char result[64];
};

extern struct fake_order fake_orders[2000];
extern int64_t fake_last_id;
extern int fake_pending; /* store requests that are not answered */
extern bool fake_hold; /* requests wait for fake_answer(); else they are answered at once, in a later turn */
extern int fake_next_error; /* of the next submission; 0: none */
extern uint64_t fake_seq;
/* What the scheduler says that every order does that is running; step NULL: it knows of none. */
extern struct sched_doing fake_doing;

void fake_reset(void);
/* Answers the request that waits in place n (from 0), or all of them. */
void fake_answer(int n);
void fake_answer_all(void);
/* The order has changed its state: the event that says so. */
struct store_event fake_move(int64_t id, enum order_state state);

#endif
