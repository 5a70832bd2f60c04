/*
 * Ends what an earlier daemon of the same state directory left running when all of it was killed at once: every process whose environment has our
 * BAKERY_INSTANCE. What it cannot see: a process that has changed its environment, or that belongs to another user when we are not root.
 */
#ifndef BAKERY_OPS_SWEEP_H
#define BAKERY_OPS_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

/* Kills them, and waits until they are gone; looks again until there is none. *ended: how many there were. 0 or a negative errno value. Blocks. */
int sweep_instance(const char *instance, int *ended);

/* True when this process has that BAKERY_INSTANCE in its environment. */
bool sweep_is_of_instance(pid_t pid, const char *instance);

#endif
