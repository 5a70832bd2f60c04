/*
 * Stacks for tasks, in three sizes, cut from slabs (many stacks in one mapping) and used again: the last given back is the first given out. Below
 * each lies a guard page: what overflows faults instead of writing into its neighbour.
 *
 * A guard is a mark in the page table where the kernel can make one (MADV_GUARD_INSTALL, Linux 6.13), else a page without permissions
 * while there are few, because each of those splits a mapping, and a process may have 65,530; beyond, stacks have none.
 *
 * Knows nothing of tasks. Private to the room.
 */
#ifndef BAKERY_TASK_STACK_H
#define BAKERY_TASK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum stack_size { STACK_SMALL, STACK_MEDIUM, STACK_LARGE, STACK_SIZES };

struct stack {
	char *low; /* the usable part begins here; the guard ends here */
	size_t size;
	enum stack_size kind;
	bool is_used, is_measured;
	unsigned valgrind_id;
	SLIST_ENTRY(stack) next;
};

/* NULL: no memory, no address space. */
struct stack *stack_take(enum stack_size kind);
void stack_give(struct stack *s);
/* Unmaps all. None may be in use. */
void stack_clear_all(void);

/* Whether stacks that are taken from now on are filled with a pattern: then it can be told later how much of them was touched. */
void stack_measure(bool on);
/* The most of it that was ever used since it was taken, in bytes from its top; 0: not measured. */
size_t stack_used(const struct stack *s);

/* The stack whose guard holds this address, or NULL. Async-signal-safe. */
const struct stack *stack_of_guard(const void *address);

uint32_t stack_count_used(void);
uint32_t stack_count_cached(void);

#endif
