#include "daemon/ops/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"

static char path[100], why[256];
static struct conf_listen listens[2];
static struct conf conf = {.listens = listens, .listen_count = 1};
static struct listeners l;

static void want_unix(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", unit_dir(), name);
	listens[0] = (struct conf_listen){.kind = CONF_LISTEN_UNIX, .path = path, .mode = 0640};
}

static int connect_to(const char *where)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", where);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
	close(fd);
	return r;
}

START_TEST (a_unix_socket_with_its_mode_in_a_folder_that_is_made) {
	struct stat st;
	want_unix("made/s");
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	ck_assert_int_eq(fcntl(l.items[0].fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_ptr_nonnull(strstr(l.items[0].name, path));
	ck_assert_int_eq(connect_to(path), 0);
	listeners_close(&l);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST (a_stale_socket_is_replaced_and_a_living_one_is_not) {
	want_unix("s");
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	struct listeners second;
	ck_assert_int_eq(listeners_open(&conf, &second, why), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(why, path));
	ck_assert_int_eq(connect_to(path), 0);
	/* As after a crash: nobody listens, and the path is there. */
	close(l.items[0].fd);
	ck_assert_int_eq(connect_to(path), -ECONNREFUSED);
	ck_assert_int_eq(listeners_open(&conf, &second, why), 0);
	ck_assert_int_eq(connect_to(path), 0);
	listeners_close(&second);
	free(l.items);
}
END_TEST

START_TEST (a_socket_of_another_in_its_place_stays) {
	want_unix("taken");
	struct listeners second;
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(listeners_open(&conf, &second, why), 0);
	listeners_close(&l);
	ck_assert_int_eq(connect_to(path), 0);
	listeners_close(&second);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST (what_is_no_socket_is_left_alone) {
	want_unix("file");
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	ck_assert_int_eq(listeners_open(&conf, &l, why), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why, path));
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_uint_eq(l.count, 0);
}
END_TEST

START_TEST (tcp_on_any_free_port_says_which) {
	char host[] = "127.0.0.1";
	listens[0] = (struct conf_listen){.kind = CONF_LISTEN_TCP, .host = host};
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 1);
	unsigned port = 0;
	ck_assert_int_eq(sscanf(l.items[0].name, "127.0.0.1:%u", &port), 1);
	ck_assert_uint_gt(port, 0);
	/* The second of two fails: the first is given back. */
	want_unix("both");
	listens[1] = (struct conf_listen){.kind = CONF_LISTEN_TCP, .host = host, .port = (uint16_t)port};
	conf.listen_count = 2;
	struct listeners second;
	ck_assert_int_eq(listeners_open(&conf, &second, why), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(why, "127.0.0.1"));
	ck_assert_int_eq(access(path, F_OK), -1);
	conf.listen_count = 1;
	listeners_close(&l);
}
END_TEST

/* Puts a listening socket where a service manager would: descriptor 3. */
static void give_fd(int fd)
{
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(dup2(fd, 3), 3);
	if (fd != 3)
		close(fd);
	char pid[20];
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
}

static void give(const char *where)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s", where);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	give_fd(fd);
}

START_TEST (given_tcp_needs_somebody_who_can_use_it) {
	char name[] = "shop", password[] = "scrypt$";
	struct conf_user user = {.name = name};
	want_unix("s");
	conf.users = &user;
	conf.user_count = 1;
	give_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	ck_assert_int_eq(listeners_open(&conf, &l, why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "no user has a password"));
	ck_assert_int_eq(access(path, F_OK), -1);
	user.password = password;
	give_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 2);
	listeners_close(&l);
	conf.user_count = 0;
}
END_TEST

START_TEST (a_given_socket_takes_the_place_of_the_configured_one) {
	want_unix("given");
	give(path);
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_int_eq(l.items[0].fd, 3);
	ck_assert(!l.items[0].bound);
	ck_assert_int_eq(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	/* It is not ours to remove. */
	listeners_close(&l);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST (a_given_socket_elsewhere_is_used_too) {
	char other[120];
	want_unix("configured");
	snprintf(other, sizeof other, "%s/other", unit_dir());
	give(other);
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 2);
	ck_assert_int_eq(connect_to(other), 0);
	ck_assert_int_eq(connect_to(path), 0);
	listeners_close(&l);
}
END_TEST

START_TEST (what_is_given_must_listen) {
	want_unix("s");
	ck_assert_int_eq(dup2(2, 3), 3);
	char pid[20];
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	ck_assert_int_eq(listeners_open(&conf, &l, why), -ENOTSOCK);
	ck_assert_ptr_nonnull(strstr(why, "descriptor 3"));
	/* Meant for another process. */
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	ck_assert_int_eq(listeners_open(&conf, &l, why), 0);
	ck_assert_uint_eq(l.count, 1);
	listeners_close(&l);
}
END_TEST

int main(void)
{
	/* Descriptor 3 is for what is given: keep check(3) from using it. */
	int reserved = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (reserved != 3 && dup2(reserved, 3) < 0)
		return EXIT_FAILURE;
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("listen");
	tcase_add_test(t, a_unix_socket_with_its_mode_in_a_folder_that_is_made);
	tcase_add_test(t, a_stale_socket_is_replaced_and_a_living_one_is_not);
	tcase_add_test(t, a_socket_of_another_in_its_place_stays);
	tcase_add_test(t, what_is_no_socket_is_left_alone);
	tcase_add_test(t, tcp_on_any_free_port_says_which);
	tcase_add_test(t, given_tcp_needs_somebody_who_can_use_it);
	tcase_add_test(t, a_given_socket_takes_the_place_of_the_configured_one);
	tcase_add_test(t, a_given_socket_elsewhere_is_used_too);
	tcase_add_test(t, what_is_given_must_listen);
	return unit_run();
}
