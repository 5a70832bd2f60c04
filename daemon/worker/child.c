/*
 * Between clone() and execve() the child runs in its parent's memory while the parent stands still: so nothing but raw system calls there, no
 * allocation, no lock, no library function that keeps state. Everything that can be found out beforehand is.
 */
#include "daemon/worker/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How much more likely than its parent the kernel is to choose a job when memory runs out (proc(5): oom_score_adj, of 1000). */
#define OOM_SCORE_ADJ "500"

enum { STACK_BYTES = 16 << 10, KERNEL_SIGNALS = 64, KERNEL_SIGSET_BYTES = 8 };

struct start {
	const struct child_spec *spec;
	char **candidates; /* paths to try, NULL-terminated */
	/* set by the child */
	volatile int error;
	const char *volatile what;
};

/* The errors of execve(2) after which execvp(3) looks further along the path. */
static bool looks_further(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ESTALE || error == ENODEV ||
	       error == ETIMEDOUT;
}

#define TRY(text, call)                   \
	do {                              \
		if ((call) < 0) {         \
			s->error = errno; \
			s->what = (text); \
			return;           \
		}                         \
	} while (0)

/* Everything up to execve(2). Returns only when something failed. */
__attribute__((no_sanitize("address", "undefined"))) static void become(struct start *s)
{
	const struct child_spec *spec = s->spec;
	const char zeros[64] = {0}; /* a kernel's struct sigaction with SIG_DFL, and an empty signal mask */

	/* Handlers would run in our parent's memory, and "ignored" survives execve(2). SIGKILL and SIGSTOP say EINVAL. */
	for (int signo = 1; signo <= KERNEL_SIGNALS; signo++)
		syscall(SYS_rt_sigaction, signo, zeros, NULL, KERNEL_SIGSET_BYTES);
	TRY("new session", syscall(SYS_setsid));
	TRY("open files limit", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &spec->nofile, NULL));

	/* Best effort: a process of an ordinary user that is not dumpable may not write there. */
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
	if (fd >= 0) {
		syscall(SYS_write, fd, OOM_SCORE_ADJ, sizeof OOM_SCORE_ADJ - 1);
		syscall(SYS_close, fd);
	}
	if (spec->user) {
		const struct child_user *u = spec->user;
		TRY("groups of the user", syscall(SYS_setgroups, (long)u->group_count, u->groups));
		TRY("group of the user", syscall(SYS_setresgid, u->gid, u->gid, u->gid));
		TRY("user", syscall(SYS_setresuid, u->uid, u->uid, u->uid));
	}
	TRY("no new privileges", syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
	syscall(SYS_umask, 022);
	TRY(spec->dir, syscall(SYS_chdir, spec->dir));
	TRY("standard input", syscall(SYS_dup3, spec->in, 0, 0));
	TRY("standard output", syscall(SYS_dup3, spec->out, 1, 0));
	TRY("standard error", syscall(SYS_dup3, spec->err, 2, 0));
	TRY("closing descriptors", syscall(SYS_close_range, 3u, ~0u, 0u));
	TRY("signal mask", syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeros, NULL, KERNEL_SIGSET_BYTES));

	/* Told only when none could be run: the parent takes an error for the end of this process. */
	int error = 0;
	const char *what = NULL;
	for (char **path = s->candidates; *path && (!error || looks_further(error)); path++) {
		syscall(SYS_execve, *path, spec->argv, spec->envp);
		/* "Permission denied" says more than that a later folder has no such file. */
		if (error != EACCES || !looks_further(errno)) {
			error = errno;
			what = *path;
		}
	}
	s->what = what;
	s->error = error;
}

__attribute__((no_sanitize("address", "undefined"))) static int child_main(void *arg)
{
	become(arg);
	syscall(SYS_exit_group, 127);
	return 127;
}

/* Where the command may be: the files of its name that exist, in the order of path, up to the first that may be run. NULL-terminated; one allocation. 0, -ENOENT, -ENOMEM. */
static int find_candidates(const char *name, const char *path, const struct child_user *user, char ***out)
{
	if (!*name)
		return -ENOENT;
	if (strchr(name, '/'))
		path = "";
	size_t folders = 1, name_len = strlen(name);
	for (const char *p = path; *p; p++)
		folders += *p == ':';
	size_t pointers = (folders + 1) * sizeof(char *);
	char **list = malloc(pointers + strlen(path) + folders * (name_len + 2));
	if (!list)
		return -ENOMEM;
	char *at = (char *)list + pointers;
	size_t n = 0;
	if (strchr(name, '/')) {
		list[n++] = memcpy(at, name, name_len + 1);
	} else {
		for (const char *end; *path; path = *end ? end + 1 : end) {
			end = strchrnul(path, ':');
			if (end == path)
				continue;
			size_t len = (size_t)(end - path) + 1 + name_len;
			*(char *)mempcpy(at, path, (size_t)(end - path)) = '/';
			memcpy(at + len - name_len, name, name_len + 1);
			struct stat st;
			if (stat(at, &st) < 0 || !S_ISREG(st.st_mode))
				continue;
			list[n++] = at;
			at += len + 1;
			/* What we may run is what is meant, even if it then cannot be run. Of another user's rights we do not know. */
			if (!user && faccessat(AT_FDCWD, list[n - 1], X_OK, AT_EACCESS) == 0)
				break;
		}
	}
	list[n] = NULL;
	if (!n) {
		free(list);
		return -ENOENT;
	}
	*out = list;
	return 0;
}

static int say_why(char why[static 256], const char *command, const char *what, int error)
{
	const char *hint = "";
	struct stat st;
	if (error == ENOENT && strchr(what, '/') && stat(what, &st) == 0)
		hint = S_ISDIR(st.st_mode) ? "" : " (it is there: its interpreter is not)";
	else if (error == ENOEXEC)
		hint = " (neither a program of this machine nor a script that begins with #!)";
	if (strcmp(command, what) == 0)
		snprintf(why, 256, "cannot start %.120s: %s%s", command, strerror(error), hint);
	else
		snprintf(why, 256, "cannot start %.60s: %.80s: %s%s", command, what, strerror(error), hint);
	return -error;
}

int child_start(const struct child_spec *spec, pid_t *pid, char why[static 256])
{
	assert(spec->in > 2 && spec->out > 2 && spec->err > 2);
	struct start s = {.spec = spec};
	int r = find_candidates(spec->argv[0], spec->path, spec->user, &s.candidates);
	if (r)
		return say_why(why, spec->argv[0], "looked for in PATH", -r);

	/* No handler may run in the child before it has reset them. */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	_Alignas(16) char stack[STACK_BYTES];
	pid_t child = clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
	int error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);

	if (child < 0) {
		r = say_why(why, spec->argv[0], "new process", error);
	} else if (s.error) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		r = say_why(why, spec->argv[0], s.what, s.error);
	} else {
		*pid = child;
	}
	free(s.candidates);
	return r;
}
