/*
 * Refuses memory: the n-th allocation from now on fails, and every one after it until refuse_memory_never().
 * Include it in one file of a test that is linked with $(UNIT_REFUSE_MEMORY). Assertions allocate too: make
 * them after refuse_memory_never().
 */
#ifndef BAKERY_TESTS_UNIT_REFUSE_H
#define BAKERY_TESTS_UNIT_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

static long refuse_after = -1;

static inline void refuse_memory_after(long n)
{
	refuse_after = n;
}

static inline void refuse_memory_never(void)
{
	refuse_after = -1;
}

static inline bool refuse_now(void)
{
	if (refuse_after > 0)
		refuse_after--;
	else if (refuse_after == 0)
		return true;
	return false;
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
