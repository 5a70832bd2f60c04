/*
 * Switching between stacks: a context is a place where execution stopped, with the stack that it is on. Two ways to do it, chosen by configure: assembly
 * (switch_x86_64.c) and ucontext(3) (switch_ucontext.c). AddressSanitizer and ThreadSanitizer are told of each switch; Valgrind
 * knows the stacks (stack.c) and sees for itself.
 *
 * Knows nothing of tasks. Private to the room.
 */
#ifndef BAKERY_TASK_SWITCH_H
#define BAKERY_TASK_SWITCH_H

#include <stddef.h>

#ifdef TASK_SWITCH_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SWITCH_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#else
#define SWITCH_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__)
#define SWITCH_TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define SWITCH_TSAN 0
#endif

struct context {
#ifdef TASK_SWITCH_UCONTEXT
	ucontext_t machine;
#else
	void *sp; /* the registers that a call must keep, and where to go on, lie there */
#endif
#if SWITCH_ASAN
	const void *low;
	size_t size;
	void *fake_stack;
#endif
#if SWITCH_TSAN
	void *fiber;
#endif
};

/* The context of whoever runs now, on its own stack: to be filled by its first switch away. */
void switch_init_self(struct context *c);

/*
 * A context that begins with fn(arg) on the stack from low to low + size (both multiples of 16). fn calls switch_begin() first, and never returns: it leaves
 * with switch_leave().
 */
void switch_init(struct context *c, void *low, size_t size, void (*fn)(void *arg), void *arg);
/* Before a context's storage is given up. Not while it runs. */
void switch_clear(struct context *c);

/* First thing on a new stack; from: the context that switched here. */
void switch_begin(struct context *from);

/* Goes on at to; from never runs again. */
_Noreturn void switch_leave(struct context *from, struct context *to);

/* ---- the machine's part: one of the two files ---- */

void switch_machine_init(struct context *c, void *low, size_t size, void (*fn)(void *arg), void *arg);
#ifdef TASK_SWITCH_UCONTEXT
void switch_machine(struct context *from, struct context *to);
#else
void switch_registers(void **from_sp, void *to_sp);
static inline void switch_machine(struct context *from, struct context *to)
{
	switch_registers(&from->sp, to->sp);
}
#endif

/* ---- a switch: goes on at to; returns when somebody switches to from ---- */

#if SWITCH_ASAN || SWITCH_TSAN
void switch_to(struct context *from, struct context *to);
#else
static inline void switch_to(struct context *from, struct context *to)
{
	switch_machine(from, to);
}
#endif

#endif
