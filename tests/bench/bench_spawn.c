/*
 * What it costs to start a command: /bin/true, two at a time from one process, by a bare posix_spawn(3) loop and by child_start(), which
 * does much more for it. The two take turns, so that a noisy machine is noisy for both.
 *
 * bench-spawn [COUNT]: starts of each in a round (1,500); five rounds, of which the median is printed.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/worker/child.h"

enum { ROUNDS = 5, AT_A_TIME = 2, COUNT = 1500 };

extern char **environ;

static char *const argv_true[] = {(char[]){"/bin/true"}, NULL};
static int null_fd;

static void start_bare(void)
{
	pid_t pid;
	if (posix_spawn(&pid, argv_true[0], NULL, NULL, argv_true, environ) != 0)
		exit(EXIT_FAILURE);
}

static void start_ours(void)
{
	struct child_spec spec = {.argv = argv_true,
	    .envp = environ,
	    .path = "/usr/bin:/bin",
	    .dir = "/",
	    .in = null_fd,
	    .out = null_fd,
	    .err = null_fd};
	getrlimit(RLIMIT_NOFILE, &spec.nofile);
	char why[256];
	pid_t pid;
	if (child_start(&spec, &pid, why) != 0) {
		fprintf(stderr, "bench-spawn: %s\n", why);
		exit(EXIT_FAILURE);
	}
}

/* And with what each job has: pipes for both outputs. */
static void start_job(void)
{
	int out[2], err[2];
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		exit(EXIT_FAILURE);
	start_ours();
	close(out[0]);
	close(out[1]);
	close(err[0]);
	close(err[1]);
}

static double measure(void (*start)(void), int count)
{
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < AT_A_TIME; i++)
		start();
	for (int ended = 0; ended < count; ended++) {
		if (wait(NULL) < 0)
			exit(EXIT_FAILURE);
		if (ended + AT_A_TIME < count)
			start();
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	return count / ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*start)(void);
	} ways[] = {{"posix_spawn, bare", start_bare}, {"child_start", start_ours},
	    {"child_start with two pipes", start_job}};
	enum { WAYS = sizeof ways / sizeof *ways };
	int count = argc > 1 ? atoi(argv[1]) : COUNT;
	null_fd = fcntl(open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, 3);
	double rates[WAYS][ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		for (int w = 0; w < WAYS; w++)
			rates[w][round] = measure(ways[w].start, count > AT_A_TIME ? count : AT_A_TIME);
	}
	printf("/bin/true, two at a time, median of %d rounds of %d\n", ROUNDS, count);
	for (int w = 0; w < WAYS; w++) {
		qsort(rates[w], ROUNDS, sizeof rates[w][0], compare);
		printf("%-30s %8.0f a second   %.2f of the bare loop\n", ways[w].name, rates[w][ROUNDS / 2],
		    rates[w][ROUNDS / 2] / rates[0][ROUNDS / 2]);
	}
	return EXIT_SUCCESS;
}
