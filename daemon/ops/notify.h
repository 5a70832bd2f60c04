/*
 * What the daemon tells the service manager: sd_notify(3)'s protocol, one datagram to the socket that NOTIFY_SOCKET names. A no-op without one.
 */
#ifndef BAKERY_OPS_NOTIFY_H
#define BAKERY_OPS_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	struct sockaddr_un address;
	socklen_t address_len; /* 0: nobody wants to be told */
};

/* Takes NOTIFY_SOCKET out of the environment: nobody but the supervisor speaks for the service. */
void notify_init(struct notify *n);
/* Lines of NAME=VALUE. Best effort: a service manager that does not listen stops nothing. */
void notify_say(const struct notify *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
