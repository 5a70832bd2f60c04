/* Listening sockets: all that wait are accepted, a bounded number each turn; without descriptors clients hear a clear no, and it goes on later. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/net/listener.h"
#include "daemon/task/task.h"
#include "tests/unit/unit.h"

enum { CLIENTS = 200 };

static struct loop *loop;
static struct listener listener;
static struct sockaddr_un at = {.sun_family = AF_UNIX};
static int clients[CLIENTS], accepted[CLIENTS], count, wanted;
static uint64_t first_turn, last_turn;

static void on_accept(void *arg, int fd)
{
	ck_assert_ptr_eq(arg, &listener);
	if (count == 0)
		first_turn = loop_turns(loop);
	last_turn = loop_turns(loop);
	accepted[count++] = fd;
	if (count == wanted)
		loop_stop(loop);
}

static void set_up(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	count = wanted = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s/s", unit_dir());
	unlink(at.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(fd, CLIENTS), 0);
	ck_assert_int_eq(listener_open(&listener, loop, fd, on_accept, &listener), 0);
}

static void tear_down(void)
{
	for (int i = 0; i < count; i++)
		close(accepted[i]);
	listener_close(&listener);
	listener_close(&listener); /* again is fine */
	task_runtime_clear();
	loop_free(loop);
}

static int connect_one(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

START_TEST (accepts_all_that_wait_in_several_turns) {
	wanted = CLIENTS;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = connect_one();
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(count, CLIENTS);
	ck_assert_uint_gt(last_turn, first_turn); /* others had their turn in between */
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
}
END_TEST

START_TEST (accepted_sockets_do_not_block) {
	char byte;
	wanted = 1;
	clients[0] = connect_one();
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(recv(accepted[0], &byte, 1, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(clients[0]);
}
END_TEST

static struct loop_timer watch;

static void on_watch(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

START_TEST (refuses_in_words_without_descriptors) {
	static const char text[] = "-ERR max number of clients reached\r\n";
	char got[100];
	struct rlimit before, none;
	clients[0] = connect_one();
	clients[1] = connect_one();
	int highest = dup(clients[1]);
	close(highest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)highest; /* every number below is taken */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	wanted = 1;
	/* One hears no; then there is a descriptor again, and the other is accepted after the pause. */
	ck_assert_int_eq(send(clients[0], "PING\r\n", 6, 0), 6);
	loop_timer_set(loop, &watch, clock_mono_ns(), on_watch);
	ck_assert_int_eq(loop_run(loop), 0);
	ssize_t n = read(clients[0], got, sizeof got);
	ck_assert_int_eq(n, (ssize_t)sizeof text - 1);
	ck_assert_mem_eq(got, text, sizeof text - 1);
	ck_assert_int_eq(read(clients[0], got, sizeof got), 0); /* and no reset */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(count, 0);
	clock_test_advance(NS_PER_S, 1000);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(count, 1);
	ck_assert_int_ge(listener.reserve, 0);
	close(clients[0]);
	close(clients[1]);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("listener");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, accepts_all_that_wait_in_several_turns);
	tcase_add_test(t, accepted_sockets_do_not_block);
	tcase_add_test(t, refuses_in_words_without_descriptors);
	return unit_run();
}
