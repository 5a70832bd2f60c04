/*
 * Connecting a socket, with a deadline, and waiting on it. Private to the client library.
 */
#ifndef BAKERY_CLIENT_DIAL_H
#define BAKERY_CLIENT_DIAL_H

#include <stdint.h>

#include "conf/address.h"

/* Monotonic milliseconds. */
int64_t dial_now_ms(void);
/* now + ms; INT64_MAX for a negative ms: never. */
int64_t dial_deadline_ms(int64_t ms);

/* Waits until the socket is ready for `events` (POLLIN, POLLOUT) or has failed: what poll(2) found there.
 * -ETIMEDOUT; -EINTR when interrupt_fd (0: none) is readable. */
int dial_wait(int fd, int events, int interrupt_fd, int64_t deadline_ms);

/* A connected socket, non-blocking, closed on exec, without delay on TCP. Names are looked up; every address
 * that a name has is tried. 0 or a negative errno value; *why is then a text if there is more to say than the
 * number does, else NULL. */
int dial(const struct address *to, int interrupt_fd, int64_t deadline_ms, int *out_fd, const char **why);

#endif
