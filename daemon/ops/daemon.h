/*
 * The daemon from its configuration to its end, as the supervisor's process: reads and checks the configuration, takes the state directory, binds the
 * listening sockets, and lets the supervisor run. Prints to standard error why it cannot start.
 */
#ifndef BAKERY_OPS_DAEMON_H
#define BAKERY_OPS_DAEMON_H

#include <stdbool.h>

/* Exit statuses beside those of supervisor.h. */
enum { DAEMON_EXIT_FAILED = 1, DAEMON_EXIT_CONFIG = 78 };

/* file: the configuration; NULL: the one that is found. verbose: log more than it says. Runs until the daemon has ended; the exit status. */
int daemon_run(const char *file, bool verbose);

#endif
