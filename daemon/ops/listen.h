/*
 * The listening sockets, owned by the supervisor so that connections wait while a front is replaced. Bound by us, or given by systemd (LISTEN_FDS,
 * sd_listen_fds(3)): a given socket is used for the configured address that it is bound to; one that is not configured is used as well.
 */
#ifndef BAKERY_OPS_LISTEN_H
#define BAKERY_OPS_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"

struct listener {
	int fd;              /* close-on-exec, non-blocking, listening */
	char unix_path[108]; /* "": not a Unix socket */
	char name[300];      /* the address, as conf/address.h writes it */
	bool bound;          /* by us: the path is ours to remove, while it is this file */
	dev_t dev;
	ino_t ino;
};

struct listeners {
	struct listener *items;
	size_t count;
};

/*
 * The state directory must be locked: only then is a Unix socket on which nobody answers a stale one of ours, and removed. 0; or a negative errno value
 * with why filled in: one line that names the address. Blocks for name look-up.
 */
int listeners_open(const struct conf *conf, struct listeners *out, char why[static 256]);
/* Closes all, and removes the paths that we bound. */
void listeners_close(struct listeners *l);

#endif
