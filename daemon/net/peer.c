#include "daemon/net/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int identify_local(int fd, struct peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*out = (struct peer){.local = true, .uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
	snprintf(out->name, sizeof out->name, "unix:uid=%lu", (unsigned long)cred.uid);
	return 0;
}

static void identify_ip4(const struct in_addr *address, in_port_t port, struct peer *out)
{
	char text[INET_ADDRSTRLEN];
	*out = (struct peer){.address = {[10] = 0xff, [11] = 0xff}};
	memcpy(out->address + 12, address, 4);
	inet_ntop(AF_INET, address, text, sizeof text);
	snprintf(out->name, sizeof out->name, "%s:%u", text, ntohs(port));
}

static void identify_ip6(const struct sockaddr_in6 *from, struct peer *out)
{
	/* A dual-stack listener shows IPv4 clients mapped: they are the same clients. */
	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
		struct in_addr four;
		memcpy(&four, from->sin6_addr.s6_addr + 12, 4);
		identify_ip4(&four, from->sin6_port, out);
		return;
	}
	char text[INET6_ADDRSTRLEN];
	*out = (struct peer){0};
	memcpy(out->address, from->sin6_addr.s6_addr, 16);
	inet_ntop(AF_INET6, &from->sin6_addr, text, sizeof text);
	snprintf(out->name, sizeof out->name, "[%s]:%u", text, ntohs(from->sin6_port));
}

int peer_identify(int fd, struct peer *out)
{
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof from;
	/* getsockname, not getpeername: the family is known also when the other side is already gone. */
	if (getsockname(fd, (struct sockaddr *)&from, &len) < 0)
		return -errno;
	if (from.ss_family == AF_UNIX)
		return identify_local(fd, out);
	len = sizeof from;
	if (getpeername(fd, (struct sockaddr *)&from, &len) < 0)
		return -errno;
	if (from.ss_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)&from;
		identify_ip4(&four->sin_addr, four->sin_port, out);
		return 0;
	}
	if (from.ss_family == AF_INET6) {
		identify_ip6((const struct sockaddr_in6 *)&from, out);
		return 0;
	}
	return -EPROTONOSUPPORT;
}

void peer_origin(const struct peer *p, uint8_t out[static 16])
{
	struct in6_addr six;
	memcpy(&six, p->address, 16);
	memcpy(out, p->address, 16);
	if (p->local) {
		memset(out, 0, 16);
		memcpy(out, &p->uid, sizeof p->uid);
		out[15] = 1; /* no network ends so */
	} else if (!IN6_IS_ADDR_V4MAPPED(&six)) {
		memset(out + 8, 0, 8);
	}
}

bool peer_in_group(int fd, const struct peer *p, gid_t group)
{
	if (!p->local)
		return false;
	if (p->gid == group)
		return true;
	gid_t few[64], *groups = few;
	socklen_t len = sizeof few;
	int failed = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	if (failed && errno == ERANGE) { /* len says how many bytes there are */
		groups = malloc(len);
		if (!groups)
			return false;
		failed = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	bool found = false;
	for (size_t i = 0; !failed && i < len / sizeof *groups; i++)
		found |= groups[i] == group;
	if (groups != few)
		free(groups);
	return found;
}
