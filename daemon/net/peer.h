/*
 * Who is at the other end of a connection, as the kernel says: for a Unix socket the uid, gid, pid and groups
 * (SO_PEERCRED, SO_PEERGROUPS, unix(7)); for TCP the address. Knows nothing of users or rights.
 */
#ifndef BAKERY_NET_PEER_H
#define BAKERY_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	bool local; /* a Unix socket: uid, gid, pid are known */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char name[64];       /* "unix:uid=1000" or "192.0.2.1:4711" or "[2001:db8::1]:4711", for logs */
	uint8_t address[16]; /* TCP: IPv6 or mapped IPv4, for limits by address */
};

/* 0 or a negative errno value (-EPROTONOSUPPORT: neither a Unix nor an internet socket). */
int peer_identify(int fd, struct peer *out);

/* By what a client is told apart from others where they are counted: the network for IPv6 (/64, the least that one customer holds), the
 * address for IPv4, the uid on a Unix socket. */
void peer_origin(const struct peer *p, uint8_t out[static 16]);

/*
 * Is the process at the other end of a Unix socket in this group: its own gid, or one of the groups that it had when it
 * connected. No name service is asked. Kernels before 4.13 tell only the gid.
 */
bool peer_in_group(int fd, const struct peer *p, gid_t group);

#endif
