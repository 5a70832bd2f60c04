/* What is common to both ways of switching: telling the sanitizers. */
#include "daemon/task/switch.h"

void switch_init_self(struct context *c)
{
	*c = (struct context){0};
#if SWITCH_TSAN
	c->fiber = __tsan_get_current_fiber();
#endif
}

void switch_init(struct context *c, void *low, size_t size, void (*fn)(void *arg), void *arg)
{
#if SWITCH_ASAN
	c->low = low;
	c->size = size;
	c->fake_stack = NULL;
#endif
#if SWITCH_TSAN
	c->fiber = __tsan_create_fiber(0);
#endif
	switch_machine_init(c, low, size, fn, arg);
}

void switch_clear(struct context *c)
{
#if SWITCH_TSAN
	__tsan_destroy_fiber(c->fiber);
#endif
	(void)c;
}

void switch_begin(struct context *from)
{
#if SWITCH_ASAN
	/* The first stack of a thread is known to the sanitizer only: it says here where we came from. */
	__sanitizer_finish_switch_fiber(NULL, &from->low, &from->size);
#endif
	(void)from;
}

#if SWITCH_ASAN || SWITCH_TSAN
__attribute__((no_sanitize("thread"))) void switch_to(struct context *from, struct context *to)
{
#if SWITCH_ASAN
	__sanitizer_start_switch_fiber(&from->fake_stack, to->low, to->size);
#else
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	switch_machine(from, to);
#if SWITCH_ASAN
	__sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}
#endif

__attribute__((no_sanitize("thread"))) void switch_leave(struct context *from, struct context *to)
{
#if SWITCH_ASAN
	__sanitizer_start_switch_fiber(NULL, to->low, to->size);
#elif SWITCH_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
	switch_machine(from, to);
	__builtin_unreachable();
}
