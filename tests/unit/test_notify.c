#include "daemon/ops/notify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int open_manager(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", name);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (name[0] == '@')
		a.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void check_told(const char *name)
{
	int fd = open_manager(name);
	struct notify n;
	notify_init(&n);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	notify_say(&n, "READY=1\nSTATUS=%d workers", 3);
	char got[100] = "";
	ck_assert_int_gt(recv(fd, got, sizeof got - 1, 0), 0);
	ck_assert_str_eq(got, "READY=1\nSTATUS=3 workers");
	close(fd);
}

START_TEST (a_path_and_an_abstract_name) {
	char name[100];
	snprintf(name, sizeof name, "%s/notify", unit_dir());
	check_told(name);
	snprintf(name, sizeof name, "@bakery-test-%d", (int)getpid());
	check_told(name);
}
END_TEST

START_TEST (without_a_manager_nothing_happens) {
	struct notify n;
	unsetenv("NOTIFY_SOCKET");
	notify_init(&n);
	notify_say(&n, "READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_init(&n);
	notify_say(&n, "READY=1");
	char name[100];
	snprintf(name, sizeof name, "%s/nobody", unit_dir());
	setenv("NOTIFY_SOCKET", name, 1);
	notify_init(&n);
	notify_say(&n, "READY=1");
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("notify");
	tcase_add_test(t, a_path_and_an_abstract_name);
	tcase_add_test(t, without_a_manager_nothing_happens);
	return unit_run();
}
