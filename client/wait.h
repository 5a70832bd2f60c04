/*
 * Waiting for orders to be final. Goes on through lost connections and restarts of the daemon.
 */
#ifndef BAKERY_CLIENT_WAIT_H
#define BAKERY_CLIENT_WAIT_H

#include "client/cli.h"

/*
 * Waits for one order and does what --wait promises: the result alone on standard output (--json: an object),
 * the rest on standard error. The exit status: the job's, STATUS_WAIT_TIMEOUT, STATUS_WAIT_OTHER. timeout_ms
 * -1: none. cancel: an interrupted wait cancels the order.
 */
int wait_for_result(struct cli *c, const char *id, int64_t timeout_ms, bool cancel);

/*
 * Waits for several (any: for the first). Each that becomes final is passed to on_final as its STATUS map
 * (taken), soon after it does. 0; or the exit status, with the failure said; STATUS_WAIT_TIMEOUT, with
 * nothing said. -EINTR: a signal came (cli_take_signal()).
 */
int wait_for_orders(struct cli *c, size_t count, char *const *ids, bool any, int64_t timeout_ms,
    void (*on_final)(void *arg, struct value *status), void *arg);

/* What a final order has to say, on standard error: nothing when it is done, else its message and why it
 * ended. */
void wait_report(struct cli *c, const struct value *status);
/* What RESULT replied, or, when that was CUT, the part that was kept (with a warning). NULL when it is an
 * error, with *exit_status set and the failure said. */
struct value *wait_fetch_result(struct cli *c, const char *id, int *exit_status);

#endif
