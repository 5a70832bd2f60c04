/*
 * Who is at the other end of a connection, as the kernel says: for a Unix socket the uid, gid and pid (SO_PEERCRED, unix(7)); for TCP the address.
 */
#ifndef BAKERY_NET_PEER_H
#define BAKERY_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	bool local; /* a Unix socket: uid, gid, pid are known */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char name[64]; /* "unix:uid=1000" or "192.0.2.1:4711", for logs */
	uint8_t address[16]; /* TCP: IPv6 or mapped IPv4, for limits by address */
};

/* 0 or a negative errno value. */
int peer_identify(int fd, struct peer *out);

#endif
