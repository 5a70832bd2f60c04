/*
 * A listening socket: accepts what is waiting, a bounded number each turn, and hands each connection to its owner. When the process is
 * out of descriptors it refuses those that wait with a clear text instead of leaving them hanging, by way of a descriptor that it keeps in
 * reserve, and then pauses. Knows nothing of who may connect.
 */
#ifndef BAKERY_NET_LISTENER_H
#define BAKERY_NET_LISTENER_H

#include <stdint.h>

#include "daemon/loop/loop.h"
#include "daemon/task/ready.h"

struct listener {
	struct loop_fd watch;
	struct loop *loop;
	struct ready more; /* connections are left over from the last turn */
	struct loop_timer pause;
	int fd;      /* −1: closed */
	int reserve; /* −1: spent, and could not be had again */
	bool short_of_descriptors;
	void (*on_accept)(void *arg, int fd); /* takes fd: non-blocking, close-on-exec */
	void *arg;
};

/* Takes fd (listening) when it succeeds. Storage is the caller's. 0 or a negative errno value. */
int listener_open(
    struct listener *l, struct loop *loop, int fd, void (*on_accept)(void *arg, int fd), void *arg);
/* Again is fine. Connections that were not accepted yet end with it. */
void listener_close(struct listener *l);

/* Says "-ERR max number of clients reached" (the words that client libraries know) to a connection, and closes it. */
void listener_refuse(int fd);

#endif
