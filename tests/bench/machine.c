#include "tests/bench/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double bench_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double machine_fdatasyncs(const char *dir, double seconds)
{
	char path[4096], page[4096] = {0};
	snprintf(path, sizeof path, "%s/sync-XXXXXX", dir);
	int fd = mkstemp(path);
	if (fd < 0)
		return -1;
	unlink(path);
	long count = 0;
	bool ok = true;
	double begin = bench_now(), now = begin;
	while (ok && now - begin < seconds) {
		ok = write(fd, page, sizeof page) == sizeof page && fdatasync(fd) == 0;
		count++;
		now = bench_now();
	}
	close(fd);
	return ok ? (double)count / (now - begin) : -1;
}

double machine_spawns(int parallel, double seconds)
{
	char program[] = "/bin/true", *argv[] = {program, NULL};
	int running = 0;
	long count = 0;
	double begin = bench_now(), now = begin;
	while (now - begin < seconds || running > 0) {
		if (running < parallel && now - begin < seconds) {
			pid_t pid;
			if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
				return -1;
			running++;
			continue;
		}
		if (waitpid(-1, NULL, 0) < 0 && errno != EINTR)
			return -1;
		running--;
		count++;
		now = bench_now();
	}
	return (double)count / (now - begin);
}

static void echo_serve(int listener)
{
	int epoll = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev);
	static char bytes[1 << 16];
	for (;;) {
		struct epoll_event ready[64];
		int n = epoll_wait(epoll, ready, 64, -1);
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd == listener) {
				struct epoll_event in = {.events = EPOLLIN,
				    .data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)};
				epoll_ctl(epoll, EPOLL_CTL_ADD, in.data.fd, &in);
				continue;
			}
			ssize_t got = read(fd, bytes, sizeof bytes);
			if (got <= 0 || write(fd, bytes, (size_t)got) != got)
				close(fd);
		}
	}
}

int machine_echo_start(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 128) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		echo_serve(fd);
	}
	close(fd);
	return pid;
}
