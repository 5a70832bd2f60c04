/* The switch where there is no assembly for it: ucontext(3). Slow, as each switch saves and restores the signal mask by a system call. */
#include "daemon/task/switch.h"

#ifdef TASK_SWITCH_UCONTEXT

#include <assert.h>
#include <stdint.h>

/* makecontext(3) passes ints only. */
static void first(unsigned fn_high, unsigned fn_low, unsigned arg_high, unsigned arg_low)
{
	uintptr_t fn = (uintptr_t)((uint64_t)fn_high << 32 | fn_low);
	uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);
	((void (*)(void *))fn)((void *)arg);
}

void switch_machine_init(struct context *c, void *low, size_t size, void (*fn)(void *arg), void *arg)
{
	uint64_t f = (uintptr_t)fn, a = (uintptr_t)arg;
	/* Fails for a bad flag only. */
	int r = getcontext(&c->machine);
	assert(r == 0);
	(void)r;
	c->machine.uc_stack.ss_sp = low;
	c->machine.uc_stack.ss_size = size;
	c->machine.uc_link = NULL;
	makecontext(&c->machine, (void (*)(void))first, 4, (unsigned)(f >> 32), (unsigned)f,
	    (unsigned)(a >> 32), (unsigned)a);
}

void switch_machine(struct context *from, struct context *to)
{
	int r = swapcontext(&from->machine, &to->machine);
	assert(r == 0);
	(void)r;
}

#endif
