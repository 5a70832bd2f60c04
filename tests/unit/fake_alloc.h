/*
 * Memory that is refused: a program that is linked with --wrap=malloc, calloc and realloc (see sched.mk) decides which allocation of what it tests
 * fails. Fakes take their own from fake_calloc(), which is never refused.
 */
#ifndef BAKERY_TESTS_UNIT_FAKE_ALLOC_H
#define BAKERY_TESTS_UNIT_FAKE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th allocation (from 1) fails, and with `on` all that follow. 0: none. */
void fake_alloc_fail(int n, bool on);
/* How many there were since. */
int fake_alloc_count(void);

void *fake_calloc(size_t count, size_t bytes);

#endif
