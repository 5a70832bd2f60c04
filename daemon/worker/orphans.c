#include "daemon/worker/orphans.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The parent of a process, from /proc/PID/stat (proc(5)): the name in it may hold anything, so look behind its last parenthesis. 0: it is gone. */
static pid_t parent_of(int proc, const char *pid)
{
	char path[32], text[512];
	snprintf(path, sizeof path, "%.16s/stat", pid);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *end = strrchr(text, ')');
	int parent = 0;
	if (!end || sscanf(end + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int orphans_kill(bool (*spare)(void *arg, pid_t pid), void *arg)
{
	/* All of /proc is read: the list of children that the kernel can give is an option of its configuration. */
	DIR *proc = opendir("/proc");
	if (!proc)
		return -errno;
	pid_t self = getpid();
	int found = 0;
	for (struct dirent *d; (d = readdir(proc));) {
		if (!isdigit((unsigned char)d->d_name[0]) || parent_of(dirfd(proc), d->d_name) != self)
			continue;
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
		if (spare && spare(arg, pid))
			continue;
		kill(pid, SIGKILL);
		found++;
	}
	closedir(proc);
	return found;
}
