/*
 * Refuses memory: the n-th allocation from now on (from 0) fails, and every one after it until refuse_memory_never(), or that one only.
 * Include it in one file of a test that is linked with $(UNIT_REFUSE_MEMORY). Assertions allocate too: make
 * them after refuse_memory_never().
 */
#ifndef BAKERY_TESTS_UNIT_REFUSE_H
#define BAKERY_TESTS_UNIT_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

static long refuse_after = -1;
static bool refuse_once;

static inline void refuse_memory_after(long n)
{
	refuse_after = n;
	refuse_once = false;
}

static inline void refuse_memory_once(long n)
{
	refuse_after = n;
	refuse_once = true;
}

/* Whether it has come to that allocation. */
static inline bool refuse_was_done(void)
{
	return refuse_after <= 0;
}

static inline void refuse_memory_never(void)
{
	refuse_after = -1;
}

static inline bool refuse_now(void)
{
	if (refuse_after > 0) {
		refuse_after--;
		return false;
	}
	if (refuse_after < 0)
		return false;
	if (refuse_once)
		refuse_after = -1;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	return refuse_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refuse_now() ? NULL : __real_realloc(p, n);
}

#endif
