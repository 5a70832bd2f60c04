/* Who is at the other end: credentials on Unix sockets, addresses on TCP. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/net/peer.h"
#include "tests/unit/unit.h"

START_TEST (a_unix_peer) {
	int fds[2];
	struct peer peer;
	char name[64];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(peer_identify(fds[0], &peer), 0);
	ck_assert(peer.local);
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	ck_assert_int_eq(peer.pid, getpid());
	snprintf(name, sizeof name, "unix:uid=%u", (unsigned)geteuid());
	ck_assert_str_eq(peer.name, name);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST (its_groups) {
	int fds[2];
	struct peer peer;
	gid_t groups[256];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(peer_identify(fds[0], &peer), 0);
	ck_assert(peer_in_group(fds[0], &peer, getegid()));
	int count = getgroups(256, groups);
	for (int i = 0; i < count; i++)
		ck_assert(peer_in_group(fds[0], &peer, groups[i]));
	ck_assert(!peer_in_group(fds[0], &peer, 987654321));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* A connected pair over the loopback; [1] is the accepted side. */
static void tcp_pair(int family, int fds[static 2])
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in loop = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&loop;
	socklen_t len = family == AF_INET6 ? sizeof six : sizeof loop;
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, at, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, at, &len), 0);
	fds[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fds[0], at, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(fds[1], 0);
	close(listener);
}

START_TEST (an_ip4_peer) {
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
	int fds[2];
	struct peer peer;
	tcp_pair(AF_INET, fds);
	ck_assert_int_eq(peer_identify(fds[1], &peer), 0);
	ck_assert(!peer.local);
	ck_assert_mem_eq(peer.address, mapped, 16);
	ck_assert_int_eq(strncmp(peer.name, "127.0.0.1:", 10), 0);
	ck_assert(!peer_in_group(fds[1], &peer, 0));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST (an_ip6_peer) {
	static const uint8_t loop[16] = {[15] = 1};
	int fds[2];
	struct peer peer;
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int there = probe >= 0 && bind(probe, (struct sockaddr *)&six, sizeof six) == 0;
	if (probe >= 0)
		close(probe);
	if (!there)
		return; /* a machine without IPv6 */
	tcp_pair(AF_INET6, fds);
	ck_assert_int_eq(peer_identify(fds[1], &peer), 0);
	ck_assert_mem_eq(peer.address, loop, 16);
	ck_assert_int_eq(strncmp(peer.name, "[::1]:", 6), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void expect_origins(const struct peer *a, const struct peer *b, bool same)
{
	uint8_t x[16], y[16];
	peer_origin(a, x);
	peer_origin(b, y);
	ck_assert_int_eq(memcmp(x, y, 16) == 0, same);
}

START_TEST (by_what_clients_are_told_apart) {
	struct peer four = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}};
	struct peer six = {.address = {0x20, 0x01, [15] = 1}};
	struct peer local = {.local = true, .uid = 1000};
	struct peer other = four;
	other.address[15] = 2;
	expect_origins(&four, &other, false);
	other = six;
	other.address[8] = 2;
	expect_origins(&six, &other, true);
	other.address[7] = 2;
	expect_origins(&six, &other, false);
	other = local;
	other.pid = 7;
	expect_origins(&local, &other, true);
	other.uid = 1001;
	expect_origins(&local, &other, false);
	expect_origins(&(struct peer){.local = true}, &(struct peer){0}, false);
}
END_TEST

START_TEST (what_is_no_peer) {
	struct peer peer;
	ck_assert_int_eq(peer_identify(-1, &peer), -EBADF);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(peer_identify(fd, &peer), -ENOTCONN);
	close(fd);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("peer");
	tcase_add_test(t, a_unix_peer);
	tcase_add_test(t, its_groups);
	tcase_add_test(t, an_ip4_peer);
	tcase_add_test(t, an_ip6_peer);
	tcase_add_test(t, by_what_clients_are_told_apart);
	tcase_add_test(t, what_is_no_peer);
	return unit_run();
}
