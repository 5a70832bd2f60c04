/*
 * The front's boot and its reverse: wires the rooms together on one event loop, and takes them apart again. Started by the supervisor with a control
 * socket, from which everything else comes (daemon/worker/IPC.md): configuration, lock, listening sockets, workers.
 */
#ifndef BAKERY_OPS_FRONT_H
#define BAKERY_OPS_FRONT_H

/* How the supervisor starts it. */
#define FRONT_ARGUMENT "--front"
enum { FRONT_CONTROL_FD = 3 };

/* Exit statuses: after DRAIN; it may be tried again; it may not (sysexits.h, EX_CONFIG). */
enum { FRONT_EXIT_OK = 0, FRONT_EXIT_FAILED = 1, FRONT_EXIT_FINAL = 78 };

/* Runs until it is told to end. Returns the exit status. */
int front_main(void);

#endif
