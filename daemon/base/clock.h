/*
 * Time. Deadlines and durations inside the daemon are monotonic nanoseconds; times that people see or that are stored
 * are wall-clock Unix milliseconds. Nothing else in the daemon asks the kernel for the time.
 *
 * Tests set the clock: with BAKERY_CLOCK=FILE in the environment, FILE (16 bytes: two native int64, mapped shared) is
 * added to both clocks: nanoseconds to the monotonic one, milliseconds to the wall clock. A test that writes there moves the
 * time of every process of that daemon; the loop then looks at the clock at least every 10 ms, so that timers notice.
 */
#ifndef BAKERY_BASE_CLOCK_H
#define BAKERY_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS ((int64_t)1000000)
#define NS_PER_S  ((int64_t)1000000000)

/* A deadline that never comes, and one that has always passed (a try). */
#define CLOCK_NEVER INT64_MAX
#define CLOCK_TRY   ((int64_t)0)

/* Reads BAKERY_CLOCK. Called once, early in each process. 0, or a negative errno value when FILE cannot be mapped. */
int clock_init(void);

/* True when a test holds the clock. */
bool clock_is_test(void);

/* Monotonic nanoseconds (CLOCK_MONOTONIC). */
int64_t clock_mono_ns(void);

/* Unix milliseconds (CLOCK_REALTIME). */
int64_t clock_wall_ms(void);

/* For unit tests in one process: move both clocks. Turns clock_is_test() on. */
void clock_test_advance(int64_t mono_ns, int64_t wall_ms);
/* The same, and from now on they stand still between two calls of it, until false is given. */
void clock_test_hold(bool on);

/* now + ms, without overflow; a negative or enormous ms gives CLOCK_NEVER. */
int64_t clock_deadline_ms(int64_t ms);

/* "2026-11-21T09:00:00.123Z" (RFC 3339, UTC) into out, 25 bytes with the NUL. */
void clock_format_utc(int64_t wall_ms, char out[static 25]);

#endif
