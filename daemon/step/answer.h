/*
 * What an answer means for the step: well, failed for good, failed for now, or to be asked elsewhere; and the line that says so to people.
 *
 * Nothing here suspends; all of it needs the loop's own stack (task_call_big).
 */
#ifndef BAKERY_STEP_ANSWER_H
#define BAKERY_STEP_ANSWER_H

#include <stdbool.h>

#include "daemon/step/exchange.h"
#include "daemon/step/step.h"

/* x has come to its end, and not been ended. Fills in the outcome; takes the body when that is the result. */
void answer_judge(struct exchange *x, struct step_try *t);
/* The URL, whole or relative, where it wants the request to be sent, borrowed until exchange_end(); NULL: it is an answer like any other. */
const char *answer_redirect(const struct exchange *x, int *status);
/* It was given up for want of time, perhaps before it had begun. limit_ms: what it had. */
void answer_late(
    const struct exchange *x, const struct exchange_request *r, struct step_try *t, int64_t limit_ms);

#endif
