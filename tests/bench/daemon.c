#include "tests/bench/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/machine.h"

enum { READY_MS = 60000 };

extern char **environ;

static const char *build_dir(void)
{
	const char *dir = getenv("top_builddir");
	return dir ? dir : ".";
}

int bench_daemon_make(struct bench_daemon *d, const char *yaml)
{
	*d = (struct bench_daemon){0};
	if (snprintf(d->dir, sizeof d->dir, "%s/bench-XXXXXX", build_dir()) >= (int)sizeof d->dir ||
	    !mkdtemp(d->dir))
		return -1;
	strcpy(d->socket_dir, "/tmp/bakery-bench-XXXXXX");
	if (!mkdtemp(d->socket_dir))
		return -1;
	snprintf(d->socket, sizeof d->socket, "%s/s", d->socket_dir);

	char path[PATH_MAX + 32], *dir = realpath(d->dir, NULL);
	snprintf(path, sizeof path, "%s/bakery.yaml", d->dir);
	FILE *f = dir ? fopen(path, "we") : NULL;
	if (!f)
		return -1;
	fprintf(f,
	    "listen: [{unix: %s}]\n"
	    "state_dir: %s/state\n"
	    "work_dir: %s/work\n"
	    "shutdown: {grace: 10s}\n"
	    "%s",
	    d->socket, dir, dir, yaml);
	free(dir);
	snprintf(path, sizeof path, "%s/state", d->dir);
	bool ok = fclose(f) == 0 && mkdir(path, 0700) == 0;
	snprintf(path, sizeof path, "%s/work", d->dir);
	return ok && mkdir(path, 0700) == 0 ? 0 : -1;
}

/* Waits for READY=1 on the notification socket, or for the daemon's end. */
static int await_ready(const struct bench_daemon *d, int notify)
{
	for (double end = bench_now() + READY_MS / 1e3; bench_now() < end;) {
		struct pollfd p = {.fd = notify, .events = POLLIN};
		if (poll(&p, 1, 20) == 1) {
			char text[4096];
			ssize_t n = recv(notify, text, sizeof text - 1, 0);
			text[n > 0 ? n : 0] = 0;
			if (strstr(text, "READY=1"))
				return 0;
		}
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
			return -1;
	}
	return -1;
}

static void show_log(const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");
	fprintf(stderr, "bakeryd did not become ready; its log:\n");
	while (f && fgets(line, sizeof line, f))
		fputs(line, stderr);
	if (f)
		fclose(f);
}

double bench_daemon_start(struct bench_daemon *d)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s/n", d->socket_dir);
	unlink(a.sun_path);
	int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify < 0 || bind(notify, (struct sockaddr *)&a, sizeof a) != 0)
		return -1;
	setenv("NOTIFY_SOCKET", a.sun_path, 1);

	char program[PATH_MAX], config[PATH_MAX + 32], log[PATH_MAX + 32];
	char option[] = "-c", *named = getenv("BAKERYD");
	snprintf(program, sizeof program, "%s/bakeryd", build_dir());
	snprintf(config, sizeof config, "%s/bakery.yaml", d->dir);
	snprintf(log, sizeof log, "%s/log", d->dir);
	char *argv[] = {named ? named : program, option, config, NULL};
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	double begin = bench_now();
	int error = posix_spawn(&d->pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	double took = -1;
	if (error) {
		d->pid = 0;
		fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
	} else if (await_ready(d, notify) == 0) {
		took = bench_now() - begin;
	} else {
		show_log(log);
		if (waitpid(d->pid, NULL, WNOHANG) != 0)
			d->pid = 0;
	}
	close(notify);
	return took;
}

int bench_daemon_stop(struct bench_daemon *d)
{
	int status = -1;
	kill(d->pid, SIGTERM);
	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		;
	d->pid = 0;
	return status == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

void bench_daemon_remove(struct bench_daemon *d)
{
	if (d->pid > 0)
		bench_daemon_stop(d);
	nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	nftw(d->socket_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static long status_number(const char *pid, const char *field)
{
	char path[64], line[256];
	long value = -1;
	snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtol(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

/* The front is the largest child of the supervisor: workers hold nothing. */
long bench_daemon_front_kib(const struct bench_daemon *d)
{
	long most = -1;
	DIR *proc = opendir("/proc");
	for (struct dirent *e; proc && (e = readdir(proc));) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9' || status_number(e->d_name, "PPid:") != d->pid)
			continue;
		long kib = status_number(e->d_name, "VmRSS:");
		most = kib > most ? kib : most;
	}
	if (proc)
		closedir(proc);
	return most;
}
