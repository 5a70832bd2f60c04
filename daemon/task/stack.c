#include "daemon/task/stack.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/task/switch.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(low, high)      0
#define VALGRIND_STACK_DEREGISTER(id)           ((void)(id))
#define VALGRIND_MAKE_MEM_UNDEFINED(low, bytes) ((void)(low))
#define VALGRIND_MAKE_MEM_NOACCESS(low, bytes)  ((void)(low))
#define VALGRIND_DISABLE_ERROR_REPORTING        ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING         ((void)0)
#endif

/* The C library of Debian 12 does not know it (linux/mman.h of 6.13 does). */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Half of vm.max_map_count's default, two mappings a guard. */
enum { GUARDS_BY_MPROTECT_MAX = 16000 };

/* How the stacks of each size are cut, and how many keep their pages while nobody uses them. */
static const struct {
	size_t bytes;
	unsigned a_slab, warm_max;
} sizes[STACK_SIZES] = {
    [STACK_SMALL] = {16 << 10, 64, 1024},
    [STACK_MEDIUM] = {64 << 10, 16, 64},
    [STACK_LARGE] = {256 << 10, 4, 16},
};

struct slab {
	SLIST_ENTRY(slab) next;
	char *base;
	size_t bytes;
	unsigned count;
	struct stack stacks[];
};

static struct {
	SLIST_HEAD(, slab) slabs;
	SLIST_HEAD(, stack) warm[STACK_SIZES], cold[STACK_SIZES];
	unsigned warm_count[STACK_SIZES];
	uint32_t used, cached;
	size_t page_bytes;
	enum { GUARD_UNKNOWN, GUARD_BY_MADVISE, GUARD_BY_MPROTECT } guard;
	unsigned guards; /* made by mprotect */
	bool said_unguarded;
	bool measure;
} all;

/* What untouched parts of a measured stack hold: no number or address that frames are made of. */
#define UNTOUCHED 0xb1a2c3d4e5f60718u

static void make_guard(char *page)
{
	if (all.guard != GUARD_BY_MPROTECT) {
		if (madvise(page, all.page_bytes, MADV_GUARD_INSTALL) == 0) {
			all.guard = GUARD_BY_MADVISE;
			return;
		}
		if (all.guard == GUARD_UNKNOWN)
			all.guard = GUARD_BY_MPROTECT;
	}
	if (all.guards < GUARDS_BY_MPROTECT_MAX && mprotect(page, all.page_bytes, PROT_NONE) == 0) {
		all.guards++;
	} else if (!all.said_unguarded) {
		all.said_unguarded = true;
		log_warn("too many stacks to guard them all", log_int("guarded", all.guards));
	}
}

static bool add_slab(enum stack_size kind)
{
	if (!all.page_bytes)
		all.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	unsigned count = sizes[kind].a_slab;
	size_t stride = all.page_bytes + sizes[kind].bytes;
	struct slab *slab = calloc(1, sizeof *slab + count * sizeof slab->stacks[0]);
	if (!slab)
		return false;
	slab->count = count;
	slab->bytes = count * stride;
	slab->base = mmap(NULL, slab->bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (slab->base == MAP_FAILED) {
		free(slab);
		return false;
	}
	/* A huge page would make the first touch of one stack pay for a hundred. Kernels without huge pages refuse: fine. */
	madvise(slab->base, slab->bytes, MADV_NOHUGEPAGE);
	/* From the end, so that the first in the list, given out first, is the first of the slab. */
	for (unsigned i = count; i-- > 0;) {
		struct stack *s = &slab->stacks[i];
		s->kind = kind;
		s->size = sizes[kind].bytes;
		s->low = slab->base + i * stride + all.page_bytes;
		make_guard(s->low - all.page_bytes);
#if SWITCH_ASAN
		/* What only a task's stack points to is no leak. The guards are left out: to look there is to fault. */
		__lsan_register_root_region(s->low, s->size);
#endif
		s->valgrind_id = (unsigned)VALGRIND_STACK_REGISTER(s->low, s->low + s->size);
		SLIST_INSERT_HEAD(&all.cold[kind], s, next);
	}
	all.cached += count;
	SLIST_INSERT_HEAD(&all.slabs, slab, next);
	return true;
}

static void fill(struct stack *s)
{
	uint64_t *word = (uint64_t *)(void *)s->low;
	for (size_t i = 0; i < s->size / sizeof *word; i++)
		word[i] = UNTOUCHED;
}

struct stack *stack_take(enum stack_size kind)
{
	struct stack *s = SLIST_FIRST(&all.warm[kind]);
	if (s) {
		SLIST_REMOVE_HEAD(&all.warm[kind], next);
		all.warm_count[kind]--;
	} else {
		if (SLIST_EMPTY(&all.cold[kind]) && !add_slab(kind))
			return NULL;
		s = SLIST_FIRST(&all.cold[kind]);
		SLIST_REMOVE_HEAD(&all.cold[kind], next);
	}
	s->is_used = true;
	all.used++;
	all.cached--;
#if SWITCH_ASAN
	__asan_unpoison_memory_region(s->low, s->size);
#endif
	(void)VALGRIND_MAKE_MEM_UNDEFINED(s->low, s->size);
	s->is_measured = all.measure;
	if (s->is_measured)
		fill(s);
	return s;
}

void stack_give(struct stack *s)
{
	assert(s->is_used);
	s->is_used = false;
	all.used--;
	all.cached++;
	if (all.warm_count[s->kind] < sizes[s->kind].warm_max) {
		all.warm_count[s->kind]++;
		SLIST_INSERT_HEAD(&all.warm[s->kind], s, next);
	} else {
		/* After a crowd: the pages go back to the kernel. */
		madvise(s->low, s->size, MADV_DONTNEED);
		SLIST_INSERT_HEAD(&all.cold[s->kind], s, next);
	}
#if SWITCH_ASAN
	__asan_poison_memory_region(s->low, s->size);
#endif
	(void)VALGRIND_MAKE_MEM_NOACCESS(s->low, s->size);
}

void stack_clear_all(void)
{
	assert(all.used == 0);
	struct slab *slab;
	while ((slab = SLIST_FIRST(&all.slabs))) {
		SLIST_REMOVE_HEAD(&all.slabs, next);
		for (unsigned i = 0; i < slab->count; i++) {
			VALGRIND_STACK_DEREGISTER(slab->stacks[i].valgrind_id);
#if SWITCH_ASAN
			__lsan_unregister_root_region(slab->stacks[i].low, slab->stacks[i].size);
#endif
		}
#if SWITCH_ASAN
		__asan_unpoison_memory_region(slab->base, slab->bytes);
#endif
		munmap(slab->base, slab->bytes);
		free(slab);
	}
	for (int kind = 0; kind < STACK_SIZES; kind++) {
		SLIST_INIT(&all.warm[kind]);
		SLIST_INIT(&all.cold[kind]);
		all.warm_count[kind] = 0;
	}
	all.cached = 0;
	all.guards = 0;
}

void stack_measure(bool on)
{
	all.measure = on;
}

/* Frames that are there are looked into as well as what is below them, which checkers take for a mistake. */
__attribute__((no_sanitize("address", "thread"))) size_t stack_used(const struct stack *s)
{
	if (!s->is_measured)
		return 0;
	const volatile uint64_t *word = (const volatile uint64_t *)(const void *)s->low;
	size_t i = 0, count = s->size / sizeof *word;
	VALGRIND_DISABLE_ERROR_REPORTING;
	while (i < count && word[i] == UNTOUCHED)
		i++;
	VALGRIND_ENABLE_ERROR_REPORTING;
	return (count - i) * sizeof *word;
}

const struct stack *stack_of_guard(const void *address)
{
	uintptr_t a = (uintptr_t)address;
	const struct slab *slab;
	SLIST_FOREACH (slab, &all.slabs, next) {
		uintptr_t base = (uintptr_t)slab->base;
		if (a < base || a >= base + slab->bytes)
			continue;
		size_t stride = slab->bytes / slab->count, offset = (a - base) % stride;
		return offset < all.page_bytes ? &slab->stacks[(a - base) / stride] : NULL;
	}
	return NULL;
}

uint32_t stack_count_used(void)
{
	return all.used;
}

uint32_t stack_count_cached(void)
{
	return all.cached;
}
