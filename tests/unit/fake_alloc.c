#include "tests/unit/fake_alloc.h"

#include <stdlib.h>

void *__real_malloc(size_t bytes) __attribute__((weak));
void *__real_calloc(size_t count, size_t bytes) __attribute__((weak));
void *__real_realloc(void *p, size_t bytes) __attribute__((weak));
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);

static int fail_at, count;
static bool fail_on;

void fake_alloc_fail(int n, bool on)
{
	fail_at = n;
	fail_on = on;
	count = 0;
}

int fake_alloc_count(void)
{
	return count;
}

static bool refused(void)
{
	count++;
	return fail_at > 0 && (count == fail_at || (fail_on && count > fail_at));
}

void *__wrap_malloc(size_t bytes)
{
	return refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t items, size_t bytes)
{
	return refused() ? NULL : __real_calloc(items, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
	return refused() ? NULL : __real_realloc(p, bytes);
}

void *fake_calloc(size_t items, size_t bytes)
{
	return __real_calloc ? __real_calloc(items, bytes) : calloc(items, bytes);
}
