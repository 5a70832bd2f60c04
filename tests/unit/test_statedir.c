#include "daemon/ops/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "tests/unit/unit.h"

static char path[300], why[256];

static int open_one(struct statedir *s)
{
	snprintf(path, sizeof path, "%s/a/b/state", unit_dir());
	return statedir_open(path, geteuid(), getegid(), s, why);
}

START_TEST (it_is_made_private) {
	struct statedir s;
	struct stat st;
	ck_assert_int_eq(open_one(&s), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_uint_eq(strlen(s.instance), 16);
	statedir_close(&s);
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(open_one(&s), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	statedir_close(&s);
}
END_TEST

START_TEST (the_second_daemon_is_told_whose_it_is) {
	struct statedir s, second;
	ck_assert_int_eq(open_one(&s), 0);
	ck_assert_int_eq(open_one(&second), ERR_BUSY);
	char expected[40];
	snprintf(expected, sizeof expected, "running daemon, pid %d", (int)getpid());
	ck_assert_ptr_nonnull(strstr(why, expected));
	ck_assert_ptr_nonnull(strstr(why, path));
	statedir_close(&s);
	ck_assert_int_eq(open_one(&second), 0);
	statedir_close(&second);
}
END_TEST

START_TEST (the_next_daemon_waits_for_what_the_last_one_left) {
	struct statedir s, second;
	ck_assert_int_eq(open_one(&s), 0);
	int ready[2];
	char byte = 0;
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		/* What a worker does: it has the lock of the tree, and not that of the supervisor. It ends when there is a next supervisor. */
		close(s.lock_fd);
		int lock = openat(s.fd, "lock", O_RDONLY | O_CLOEXEC);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		while (flock(lock, LOCK_SH | LOCK_NB) == 0)
			flock(lock, LOCK_UN);
		_exit(errno == EWOULDBLOCK ? 0 : 1);
	}
	statedir_close(&s);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	int r;
	/* Our own look may meet the child's. */
	while ((r = open_one(&second)) == ERR_BUSY && strstr(why, "running daemon"))
		;
	ck_assert_int_eq(r, 0);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(ready[0]);
	close(ready[1]);
	statedir_close(&second);
}
END_TEST

START_TEST (an_instance_belongs_to_a_directory) {
	struct statedir s, other;
	char link[310], elsewhere[310];
	ck_assert_int_eq(open_one(&s), 0);
	char first[INSTANCE_BYTES];
	memcpy(first, s.instance, sizeof first);
	statedir_close(&s);
	snprintf(link, sizeof link, "%s/link", unit_dir());
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert_int_eq(statedir_open(link, geteuid(), getegid(), &s, why), 0);
	ck_assert_str_eq(s.instance, first);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", unit_dir());
	ck_assert_int_eq(statedir_open(elsewhere, geteuid(), getegid(), &other, why), 0);
	ck_assert_str_ne(other.instance, first);
	statedir_close(&other);
	statedir_close(&s);
}
END_TEST

START_TEST (what_cannot_be_is_refused_by_name) {
	struct statedir s;
	char file[310], below[320];
	snprintf(file, sizeof file, "%s/file", unit_dir());
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(statedir_open(file, geteuid(), getegid(), &s, why), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(why, file));
	snprintf(below, sizeof below, "%s/below", file);
	ck_assert_int_eq(statedir_open(below, geteuid(), getegid(), &s, why), -ENOTDIR);
	if (geteuid() == 0) {
		char foreign[310];
		snprintf(foreign, sizeof foreign, "%s/foreign", unit_dir());
		ck_assert_int_eq(mkdir(foreign, 0700), 0);
		ck_assert_int_eq(chown(foreign, 12345, 12345), 0);
		ck_assert_int_eq(statedir_open(foreign, 0, 0, &s, why), -EPERM);
		ck_assert_ptr_nonnull(strstr(why, "12345"));
	}
}
END_TEST

START_TEST (what_is_root_s_becomes_the_front_s) {
	if (geteuid() != 0)
		return;
	enum { OWNER = 12345 };
	struct statedir s;
	struct stat st;
	char deep[320], file[340], twice[340], name[340];
	snprintf(deep, sizeof deep, "%s/not/there/yet", unit_dir());
	umask(077);
	ck_assert_int_eq(statedir_open(deep, OWNER, OWNER, &s, why), 0);
	statedir_close(&s);
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_uint_eq(st.st_uid, OWNER);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	snprintf(name, sizeof name, "%s/..", deep);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);

	/* As a service manager leaves it that has made all of it root's; and with a file that is somewhere else too. */
	snprintf(file, sizeof file, "%s/bakery.db", deep);
	snprintf(twice, sizeof twice, "%s/twice", deep);
	snprintf(name, sizeof name, "%s/elsewhere", unit_dir());
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(link(name, twice), 0);
	ck_assert_int_eq(chown(deep, 0, 0), 0);
	ck_assert_int_eq(statedir_open(deep, OWNER, OWNER, &s, why), 0);
	statedir_close(&s);
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_uint_eq(st.st_uid, OWNER);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_uid, OWNER);
	ck_assert_int_eq(stat(twice, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("statedir");
	tcase_add_test(t, it_is_made_private);
	tcase_add_test(t, the_second_daemon_is_told_whose_it_is);
	tcase_add_test(t, the_next_daemon_waits_for_what_the_last_one_left);
	tcase_add_test(t, an_instance_belongs_to_a_directory);
	tcase_add_test(t, what_cannot_be_is_refused_by_name);
	tcase_add_test(t, what_is_root_s_becomes_the_front_s);
	return unit_run();
}
