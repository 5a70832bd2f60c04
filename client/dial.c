/* Sockets for the client library: to a Unix path or to a host. Only the look-up of a name may take longer
 * than the deadline. */
#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t dial_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t dial_deadline_ms(int64_t ms)
{
	int64_t now = dial_now_ms();
	return ms < 0 || ms > INT64_MAX - now ? INT64_MAX : now + ms;
}

int dial_wait(int fd, int events, int interrupt_fd, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p[2] = {
		    {.fd = fd, .events = (short)events}, {.fd = interrupt_fd, .events = POLLIN}};
		int timeout = -1;
		if (deadline_ms != INT64_MAX) {
			int64_t left = deadline_ms - dial_now_ms();
			timeout = left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
		}
		int n = poll(p, interrupt_fd > 0 ? 2 : 1, timeout);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && interrupt_fd > 0 && p[1].revents)
			return -EINTR;
		if (n > 0)
			return p[0].revents;
		if (n == 0 && deadline_ms != INT64_MAX && dial_now_ms() >= deadline_ms)
			return -ETIMEDOUT;
	}
}

static int connect_one(
    const struct sockaddr *to, socklen_t len, int interrupt_fd, int64_t deadline_ms, int *out_fd)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = connect(fd, to, len) < 0 ? -errno : 0;
	/* A Unix socket whose backlog is full says EAGAIN and offers nothing to wait for; TCP says EINPROGRESS. */
	while (r == -EAGAIN && to->sa_family == AF_UNIX) {
		r = dial_wait(-1, 0, interrupt_fd, dial_deadline_ms(10));
		if (r != -ETIMEDOUT)
			break;
		if (dial_now_ms() >= deadline_ms)
			break;
		r = connect(fd, to, len) < 0 ? -errno : 0;
	}
	if (r == -EINPROGRESS || (r == -EINTR && to->sa_family != AF_UNIX)) {
		r = dial_wait(fd, POLLOUT, interrupt_fd, deadline_ms);
		if (r >= 0) {
			int error = 0;
			socklen_t error_len = sizeof error;
			r = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0 ? -errno : -error;
		}
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	*out_fd = fd;
	return 0;
}

static int dial_unix(const struct address *to, int interrupt_fd, int64_t deadline_ms, int *out_fd)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	memcpy(path.sun_path, to->path, sizeof path.sun_path);
	return connect_one((struct sockaddr *)&path, sizeof path, interrupt_fd, deadline_ms, out_fd);
}

static int dial_tcp(
    const struct address *to, int interrupt_fd, int64_t deadline_ms, int *out_fd, const char **why)
{
	char port[8];
	snprintf(port, sizeof port, "%u", (unsigned)to->port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *all;
	int g = getaddrinfo(to->host, port, &hints, &all);
	if (g) {
		*why = g == EAI_SYSTEM ? NULL : gai_strerror(g);
		return g == EAI_SYSTEM ? -errno : g == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
	}
	int r = -EHOSTUNREACH;
	for (struct addrinfo *a = all; a; a = a->ai_next) {
		r = connect_one(a->ai_addr, a->ai_addrlen, interrupt_fd, deadline_ms, out_fd);
		if (r == 0 || r == -EINTR)
			break;
	}
	freeaddrinfo(all);
	int on = 1;
	if (r == 0)
		setsockopt(*out_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return r;
}

int dial(const struct address *to, int interrupt_fd, int64_t deadline_ms, int *out_fd, const char **why)
{
	*why = NULL;
	switch (to->kind) {
	case ADDRESS_UNIX:
		return dial_unix(to, interrupt_fd, deadline_ms, out_fd);
	case ADDRESS_TCP:
		return dial_tcp(to, interrupt_fd, deadline_ms, out_fd, why);
	default:
		*why = "connections with TLS are not supported";
		return -EPROTONOSUPPORT;
	}
}
