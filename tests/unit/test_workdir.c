#include "daemon/worker/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static struct workdir w;

static void open_one(void)
{
	ck_assert_int_eq(workdir_open(&w, unit_dir(), "ovens-0", geteuid(), getegid()), 0);
}

static void close_one(void)
{
	workdir_close(&w);
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/ovens-0", unit_dir());
	ck_assert_int_eq(access(path, F_OK), -1);
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	ck_assert_ptr_nonnull(d);
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void check_fresh(void)
{
	struct stat st;
	ck_assert_int_eq(stat(w.path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(entries(w.path), 0);
}

static void run(const char *script)
{
	ck_assert_int_eq(chdir(w.path), 0);
	ck_assert_int_eq(system(script), 0);
	ck_assert_int_eq(chdir("/"), 0);
}

START_TEST (whatever_a_job_leaves_is_removed) {
	static const char *const scripts[] = {
	    "true",
	    "touch a; mkdir b; touch b/c",
	    "touch -- -rf ' ' .hidden; mkdir ...; ln -s /nowhere dangling; mkfifo fifo",
	    "mkdir -p a/b/c/d/e/f; touch a/b/c/d/e/f/g; chmod 0 a/b/c a",
	    "chmod 0 .",
	    "chmod 01777 .",
	    "mkdir .bakery-0 .bakery-1; mkdir -p x/.bakery-0/y; touch .bakery-0/z x/.bakery-0/y/z",
	    "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; touch f; i=$((i + 1)); done",
	    "i=0; while [ $i -lt 500 ]; do : > file-$i; i=$((i + 1)); done",
	};
	open_one();
	check_fresh();
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		run(scripts[i]);
		ck_assert_msg(workdir_reset(&w) == 0, "after: %s", scripts[i]);
		check_fresh();
	}
	close_one();
}
END_TEST

START_TEST (links_are_not_followed) {
	char other[300], file[310], script[1200];
	snprintf(other, sizeof other, "%s/other", unit_dir());
	snprintf(file, sizeof file, "%s/kept", other);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0400));
	open_one();
	snprintf(script, sizeof script, "ln -s %s link; mkdir a; ln -s %s a/link; ln %s/kept hard", other,
	    other, other);
	run(script);
	ck_assert_int_eq(workdir_reset(&w), 0);
	check_fresh();
	struct stat st;
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0400);
	ck_assert_int_eq(entries(other), 1);
	close_one();
}
END_TEST

START_TEST (a_job_may_remove_its_own_directory) {
	open_one();
	ck_assert_int_eq(rmdir(w.path), 0);
	ck_assert_int_eq(workdir_reset(&w), 0);
	check_fresh();
	close_one();
}
END_TEST

START_TEST (whatever_becomes_of_its_name_the_next_job_has_one) {
	static const char *const scripts[] = {
	    "touch left; mv ../ovens-0 ../moved",
	    "rm -r ../moved; mv ../ovens-0 ../moved; mkdir ../ovens-0; touch ../ovens-0/a",
	    "rmdir ../ovens-0; touch ../ovens-0",
	    "rmdir ../ovens-0; ln -s /etc ../ovens-0",
	    "rm -r ../../tidied/*",
	    "rm -r ../../tidied",
	};
	char parent[300];
	snprintf(parent, sizeof parent, "%s/tidied", unit_dir());
	ck_assert_int_eq(mkdir(parent, 0711), 0);
	ck_assert_int_eq(workdir_open(&w, parent, "ovens-0", geteuid(), getegid()), 0);
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		/* Behind a job, and while there is none. */
		for (int idle = 0; idle < 2; idle++) {
			run(scripts[i]);
			ck_assert_msg(
			    (idle ? workdir_ready(&w) : workdir_reset(&w)) == 0, "after: %s", scripts[i]);
			check_fresh();
		}
		run("touch mine; mkdir -p ../moved");
		ck_assert_int_eq(workdir_ready(&w), 0);
		ck_assert_int_eq(entries(w.path), 1);
		ck_assert_int_eq(workdir_reset(&w), 0);
		check_fresh();
	}
	struct stat st;
	ck_assert_int_eq(stat(parent, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0711);
	workdir_close(&w);
}
END_TEST

START_TEST (what_an_earlier_worker_left_is_removed) {
	open_one();
	run("mkdir -p a/b; touch a/b/c; chmod 0755 .");
	struct workdir second;
	ck_assert_int_eq(workdir_open(&second, unit_dir(), "ovens-0", geteuid(), getegid()), 0);
	check_fresh();
	workdir_close(&second);
	close(w.fd);
	close(w.parent_fd);
}
END_TEST

START_TEST (without_its_parent_s_parent_there_is_none) {
	ck_assert_int_eq(workdir_open(&w, "/nowhere/at/all", "x", geteuid(), getegid()), -ENOENT);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("workdir");
	tcase_add_test(t, whatever_a_job_leaves_is_removed);
	tcase_add_test(t, links_are_not_followed);
	tcase_add_test(t, a_job_may_remove_its_own_directory);
	tcase_add_test(t, what_an_earlier_worker_left_is_removed);
	tcase_add_test(t, whatever_becomes_of_its_name_the_next_job_has_one);
	tcase_add_test(t, without_its_parent_s_parent_there_is_none);
	return unit_run();
}
