#include "daemon/worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char why[256];
static char output[4096];

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_gt(fd, 2);
	return fd;
}

/* Starts argv with these in the rest of the specification; its wait status, with its standard output in `output`; or the negative error. */
static int run_as(struct child_spec spec, const char *const *argv, const char *input)
{
	int out[2], in[2] = {-1, -1}, null = open_null();
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], input, strlen(input)), (ssize_t)strlen(input));
	close(in[1]);
	const char *const env[] = {"ONE=1", NULL};
	spec.argv = (char *const *)argv;
	spec.envp = (char *const *)env;
	spec.path = spec.path ? spec.path : "/usr/bin:/bin";
	spec.dir = spec.dir ? spec.dir : "/";
	spec.in = in[0];
	spec.out = out[1];
	spec.err = null;
	getrlimit(RLIMIT_NOFILE, &spec.nofile);
	why[0] = 0;
	pid_t pid = 0;
	int r = child_start(&spec, &pid, why);
	close(out[1]);
	close(in[0]);
	close(null);
	size_t len = 0;
	ssize_t n;
	while ((n = read(out[0], output + len, sizeof output - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = 0;
	close(out[0]);
	if (r) {
		/* Nothing is left to be waited for. */
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
		ck_assert_int_ne(why[0], 0);
		return r;
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int run(const char *const *argv)
{
	return run_as((struct child_spec){0}, argv, "");
}

static int run_shell(const char *script)
{
	return run((const char *const[]){"sh", "-c", script, NULL});
}

static const char *make_file(const char *name, const char *text, mode_t mode)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", unit_dir(), name);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

START_TEST (exit_status_and_signal) {
	ck_assert_int_eq(run((const char *const[]){"true", NULL}), 0);
	ck_assert_int_eq(WEXITSTATUS(run_shell("exit 42")), 42);
	int status = run_shell("kill -KILL $$");
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST (arguments_environment_and_input_arrive) {
	ck_assert_int_eq(run((const char *const[]){"printf", "%s|", "a b", "", "*", NULL}), 0);
	ck_assert_str_eq(output, "a b||*|");
	ck_assert_int_eq(run((const char *const[]){"/usr/bin/env", NULL}), 0);
	ck_assert_str_eq(output, "ONE=1\n");
	ck_assert_int_eq(run_as((struct child_spec){0}, (const char *const[]){"cat", NULL}, "payload"), 0);
	ck_assert_str_eq(output, "payload");
	ck_assert_int_eq(
	    run_as((struct child_spec){.dir = "/usr/bin"}, (const char *const[]){"pwd", NULL}, ""), 0);
	ck_assert_str_eq(output, "/usr/bin\n");
}
END_TEST

START_TEST (a_missing_program_says_so) {
	ck_assert_int_eq(run((const char *const[]){"no-such-program", NULL}), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "no-such-program"));
	ck_assert_ptr_nonnull(strstr(why, "No such file"));
	ck_assert_int_eq(run((const char *const[]){"/no/such/program", NULL}), -ENOENT);
	ck_assert_int_eq(run((const char *const[]){"", NULL}), -ENOENT);
	ck_assert_int_eq(
	    run_as((struct child_spec){.path = ""}, (const char *const[]){"true", NULL}, ""), -ENOENT);
}
END_TEST

START_TEST (what_cannot_be_run_says_why) {
	const char *path = make_file("plain", "#!/bin/sh\n", 0644);
	ck_assert_int_eq(run((const char *const[]){path, NULL}), -EACCES);
	path = make_file("foreign", "#!/no/such/interpreter\n", 0755);
	ck_assert_int_eq(run((const char *const[]){path, NULL}), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "interpreter"));
	path = make_file("garbage", "\1\2\3 neither", 0755);
	ck_assert_int_eq(run((const char *const[]){path, NULL}), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(why, "script"));
	ck_assert_int_eq(run((const char *const[]){unit_dir(), NULL}), -EACCES);
	ck_assert_int_eq(
	    run_as((struct child_spec){.dir = "/no/such/folder"}, (const char *const[]){"true", NULL}, ""),
	    -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "/no/such/folder"));
}
END_TEST

START_TEST (the_path_is_searched_to_its_end) {
	char path[600], folder[512];
	snprintf(folder, sizeof folder, "%s/bin", unit_dir());
	ck_assert_int_eq(mkdir(folder, 0755), 0);
	make_file("bin/true", "#!/bin/sh\nexit 7\n", 0644);
	snprintf(path, sizeof path, "::/nowhere:%s:/usr/bin:/bin", folder);
	/* Not executable there, so the next one is taken. */
	ck_assert_int_eq(
	    run_as((struct child_spec){.path = path}, (const char *const[]){"true", NULL}, ""), 0);
	make_file("bin/true", "#!/bin/sh\nexit 7\n", 0755);
	ck_assert_int_eq(
	    WEXITSTATUS(run_as((struct child_spec){.path = path}, (const char *const[]){"true", NULL}, "")),
	    7);
	make_file("bin/only-here", "", 0644);
	ck_assert_int_eq(
	    run_as((struct child_spec){.path = path}, (const char *const[]){"only-here", NULL}, ""), -EACCES);
	/* What may be run is what is meant: nobody wonders why another one ran. */
	make_file("bin/true", "#!/no/such/interpreter\n", 0755);
	ck_assert_int_eq(
	    run_as((struct child_spec){.path = path}, (const char *const[]){"true", NULL}, ""), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "interpreter"));
}
END_TEST

START_TEST (too_many_arguments) {
	enum { MANY = 3 << 20 };
	char *big = malloc(MANY + 1);
	ck_assert_ptr_nonnull(big);
	memset(big, 'x', MANY);
	big[MANY] = 0;
	ck_assert_int_eq(run((const char *const[]){"true", big, NULL}), -E2BIG);
	free(big);
}
END_TEST

START_TEST (its_own_session_and_group) {
	ck_assert_int_eq(run_shell("set -- $(cat /proc/$$/stat); echo $1 $5 $6"), 0);
	long pid, group, session;
	ck_assert_int_eq(sscanf(output, "%ld %ld %ld", &pid, &group, &session), 3);
	ck_assert_int_eq(pid, group);
	ck_assert_int_eq(pid, session);
}
END_TEST

START_TEST (no_descriptor_is_inherited) {
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec */
	ck_assert_int_ge(leaked, 0);
	ck_assert_int_eq(dup2(leaked, 200), 200);
	ck_assert_int_eq(run_shell("ls /proc/$$/fd; :"), 0); /* no pipe: the shell would hold its ends */
	ck_assert_str_eq(output, "0\n1\n2\n");
	close(leaked);
	close(200);
}
END_TEST

static void ignore(int signo)
{
	(void)signo;
}

START_TEST (signals_are_as_new) {
	struct sigaction handler = {.sa_handler = ignore};
	sigaction(SIGUSR1, &handler, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigset_t set, before;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, &before);
	ck_assert_int_eq(run((const char *const[]){"cat", "/proc/self/status", NULL}), 0);
	ck_assert_ptr_nonnull(strstr(output, "\nSigBlk:\t0000000000000000\n"));
	ck_assert_ptr_nonnull(strstr(output, "\nSigIgn:\t0000000000000000\n"));
	ck_assert_ptr_nonnull(strstr(output, "\nSigCgt:\t0000000000000000\n"));
	/* And ours are as they were. */
	sigset_t now;
	sigprocmask(SIG_SETMASK, &before, &now);
	ck_assert_int_eq(sigismember(&now, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&now, SIGUSR1), 0);
	struct sigaction got;
	sigaction(SIGUSR1, NULL, &got);
	ck_assert(got.sa_handler == ignore);
}
END_TEST

START_TEST (no_new_privileges_limits_and_umask) {
	ck_assert_int_eq(run_shell("grep NoNewPrivs /proc/self/status; umask; ulimit -n"), 0);
	struct rlimit l;
	getrlimit(RLIMIT_NOFILE, &l);
	char expected[100];
	snprintf(expected, sizeof expected, "NoNewPrivs:\t1\n0022\n%lu\n", (unsigned long)l.rlim_cur);
	ck_assert_str_eq(output, expected);
}
END_TEST

START_TEST (memory_runs_out_for_it_first) {
	ck_assert_int_eq(run_shell("cat /proc/self/oom_score_adj"), 0);
	ck_assert_str_eq(output, "500\n");
}
END_TEST

START_TEST (another_user) {
	if (geteuid() != 0)
		return; /* only root can become somebody else */
	gid_t groups[] = {12345, 54321};
	const struct child_user user = {.uid = 65534, .gid = 65533, .groups = groups, .group_count = 2};
	ck_assert_int_eq(
	    run_as((struct child_spec){.user = &user},
		(const char *const[]){"sh", "-c", "id -u; id -g; id -G; cat /proc/self/oom_score_adj", NULL},
		""),
	    0);
	ck_assert_str_eq(output, "65534\n65533\n65533 12345 54321\n500\n");
	/* A folder that the user may not enter. */
	ck_assert_int_eq(chmod(unit_dir(), 0700), 0);
	ck_assert_int_eq(run_as((struct child_spec){.user = &user, .dir = unit_dir()},
			     (const char *const[]){"true", NULL}, ""),
	    -EACCES);
}
END_TEST

START_TEST (failures_leave_no_descriptor) {
	int before = open_null();
	close(before);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(run((const char *const[]){"no-such-program", NULL}), -ENOENT);
		ck_assert_int_eq(
		    run_as((struct child_spec){.dir = "/nowhere"}, (const char *const[]){"true", NULL}, ""),
		    -ENOENT);
	}
	int after = open_null();
	ck_assert_int_eq(after, before);
	close(after);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("child");
	tcase_add_test(t, exit_status_and_signal);
	tcase_add_test(t, arguments_environment_and_input_arrive);
	tcase_add_test(t, a_missing_program_says_so);
	tcase_add_test(t, what_cannot_be_run_says_why);
	tcase_add_test(t, the_path_is_searched_to_its_end);
	tcase_add_test(t, too_many_arguments);
	tcase_add_test(t, its_own_session_and_group);
	tcase_add_test(t, no_descriptor_is_inherited);
	tcase_add_test(t, signals_are_as_new);
	tcase_add_test(t, no_new_privileges_limits_and_umask);
	tcase_add_test(t, memory_runs_out_for_it_first);
	tcase_add_test(t, another_user);
	tcase_add_test(t, failures_leave_no_descriptor);
	return unit_run();
}
