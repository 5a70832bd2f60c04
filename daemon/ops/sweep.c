#include "daemon/ops/sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/buf.h"

/* A process in an uninterruptible wait is not waited for longer than this; the next look finds it again. */
enum { END_WAIT_MS = 2000, LOOKS_MOST = 50, READ_BYTES = 16 << 10 };

bool sweep_is_of_instance(pid_t pid, const char *instance)
{
	char path[40], wanted[64];
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	int len = snprintf(wanted, sizeof wanted, "BAKERY_INSTANCE=%s", instance);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	struct buf b = {0};
	char *room;
	ssize_t n = -1;
	while ((room = buf_reserve(&b, READ_BYTES)) && (n = read(fd, room, READ_BYTES)) > 0)
		buf_commit(&b, (size_t)n);
	close(fd);
	bool found = false;
	/* Texts that end with NUL; the first begins the file, the others follow one. */
	for (size_t at = 0; !found && n == 0 && at < b.len;) {
		const char *text = buf_bytes(&b) + at;
		const char *end = memchr(text, 0, b.len - at);
		size_t text_len = end ? (size_t)(end - text) : b.len - at;
		found = text_len == (size_t)len && memcmp(text, wanted, text_len) == 0;
		at += text_len + 1;
	}
	buf_clear(&b);
	return found;
}

/* Kills one, by a descriptor that cannot come to mean another process. True: it was one of them. */
static bool end_one(pid_t pid, const char *instance)
{
	if (!sweep_is_of_instance(pid, instance))
		return false;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return false;
	/* Now that its number is held, look again who it is. */
	bool same = sweep_is_of_instance(pid, instance);
	if (same && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		(void)poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, END_WAIT_MS);
	close(fd);
	return same;
}

int sweep_instance(const char *instance, int *ended)
{
	int total = 0;
	for (int look = 0, found = 1; found && look < LOOKS_MOST; look++) {
		DIR *proc = opendir("/proc");
		if (!proc)
			return -errno;
		found = 0;
		for (struct dirent *d; (d = readdir(proc));) {
			pid_t pid = isdigit((unsigned char)d->d_name[0]) ? (pid_t)strtol(d->d_name, NULL, 10)
									 : 0;
			if (pid > 0 && pid != getpid() && end_one(pid, instance)) {
				log_info("ended what an earlier daemon left", log_int("pid", pid));
				found++;
			}
		}
		closedir(proc);
		total += found;
		if (found && look + 1 == LOOKS_MOST)
			return -EBUSY;
	}
	*ended = total;
	return 0;
}
