/*
 * A step room whose light steps do what the test says: each waits until it is told to wait once more, or to end.
 */
#ifndef BAKERY_TESTS_UNIT_FAKE_STEPS_H
#define BAKERY_TESTS_UNIT_FAKE_STEPS_H

#include "daemon/step/step.h"

/* Nothing is under way, nothing was. */
void fake_steps_reset(void);
/* The light step that the order is in; NULL: none. */
const struct step_try *fake_steps_find(int64_t order);
/* It has something to do, and waits again. */
void fake_steps_turn(int64_t order);
/* It ends so, after so much of its time. result: text, or NULL. */
void fake_steps_end(int64_t order, enum order_cause cause, const char *result);
void fake_steps_end_with(int64_t order, struct order_outcome outcome, int64_t used_ms);
/* What light steps did, since the last call: "ORDER:STEP" when one began, had a turn or ended (with "." behind it). */
const char *fake_steps_done(void);
/* How many were given up because their task was cancelled; how many results have not been given back. */
int fake_steps_given_up(void);
int fake_steps_held(void);

#endif
