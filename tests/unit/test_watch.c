/* Watches: told for as long as they are ready, after everybody else, some in each turn. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/loop/watch.h"
#include "tests/unit/unit.h"

enum { CROWD = 64 };

static struct loop *loop;
static int fds[2], told, turns_left;
static struct loop_watch watch, crowd[CROWD];
static char order[4 * CROWD + 1];

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	watch = (struct loop_watch){0};
	memset(crowd, 0, sizeof crowd);
	order[0] = '\0';
}

static void clear(void)
{
	loop_watch_remove(&watch);
	loop_free(loop);
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

static bool count_turns(void *arg)
{
	(void)arg;
	if (--turns_left <= 0)
		loop_stop(loop);
	return true;
}

/* Some turns that do not wait: what the kernel says in one is told in the next. */
static void turns(int count)
{
	turns_left = count;
	loop_set_hook(loop, count_turns, NULL);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_set_hook(loop, NULL, NULL);
}

static void note(struct loop_watch *w, int what)
{
	(void)w;
	told = what;
}

static int told_now(void)
{
	told = 0;
	turns(2);
	return told;
}

static void want(int what)
{
	ck_assert_int_eq(loop_watch(loop, &watch, fds[0], what, note), 0);
}

START_TEST (it_is_told_for_as_long_as_it_is_ready) {
	char bytes[8];
	want(LOOP_READ);
	ck_assert_int_eq(told_now(), 0);
	ck_assert_int_eq(write(fds[1], "xy", 2), 2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(told_now(), LOOP_READ);
	ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 2);
	told_now(); /* perhaps once more, in vain */
	ck_assert_int_eq(told_now(), 0);
	ck_assert_int_eq(write(fds[1], "z", 1), 1);
	ck_assert_int_eq(told_now(), LOOP_READ);
}
END_TEST

START_TEST (it_is_told_of_what_is_wanted_only) {
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	want(LOOP_WRITE);
	ck_assert_int_eq(told_now(), LOOP_WRITE);
	want(LOOP_READ | LOOP_WRITE);
	ck_assert_int_eq(told_now(), LOOP_READ | LOOP_WRITE);
	want(0);
	ck_assert_int_eq(told_now(), 0);
	/* What came while nothing was wanted is not forgotten. */
	want(LOOP_READ);
	ck_assert_int_eq(told_now(), LOOP_READ);
	loop_watch_remove(&watch);
	ck_assert_int_eq(told_now(), 0);
	loop_watch_remove(&watch);
}
END_TEST

START_TEST (a_hang_up_is_told_to_whoever_wants_anything) {
	want(LOOP_WRITE);
	close(fds[1]);
	fds[1] = -1;
	ck_assert_int_ne(told_now() & LOOP_WRITE, 0);
	want(LOOP_READ);
	ck_assert_int_eq(told_now(), LOOP_READ);
	ck_assert_int_eq(told_now(), LOOP_READ);
}
END_TEST

START_TEST (what_the_kernel_refuses_is_an_error) {
	int closed = dup(fds[0]);
	close(closed);
	ck_assert_int_eq(loop_watch(loop, &watch, closed, LOOP_READ, note), -EBADF);
	ck_assert_ptr_null(watch.fd.event);
	loop_watch_remove(&watch);
}
END_TEST

static void make_crowd(void (*fn)(struct loop_watch *w, int what))
{
	for (int i = 0; i < CROWD; i++) {
		int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(loop_watch(loop, &crowd[i], fd, LOOP_READ, fn), 0);
	}
}

static void free_crowd(void)
{
	for (int i = 0; i < CROWD; i++) {
		int fd = crowd[i].fd.fd;
		loop_watch_remove(&crowd[i]);
		close(fd);
	}
}

/* Takes a millisecond of the clock, so that a turn has room for two or three. */
static void take_long(struct loop_watch *w, int what)
{
	(void)what;
	size_t n = strlen(order);
	ck_assert_uint_lt(n, sizeof order - 1);
	order[n] = (char)('0' + (w - crowd));
	order[n + 1] = '\0';
	clock_test_advance(NS_PER_MS, 1);
}

START_TEST (a_turn_tells_some_and_the_next_goes_on) {
	make_crowd(take_long);
	turns(1);
	ck_assert_uint_eq(strlen(order), 0);
	turns(1);
	ck_assert_uint_ge(strlen(order), 1);
	ck_assert_uint_le(strlen(order), 3);
	while (strlen(order) < 3 * CROWD)
		turns(1);
	for (int i = 0; i < CROWD; i++)
		ck_assert_ptr_nonnull(strchr(order, '0' + i));
	free_crowd();
}
END_TEST

static struct loop_fd client;
static size_t told_before_client;

static void client_ready(struct loop_fd *w, int what)
{
	(void)w;
	if (what & LOOP_READ)
		told_before_client = strlen(order);
}

/* Whoever is not a watch is told in the turn in which the kernel says so, however many watches wait. */
START_TEST (a_crowd_holds_up_nobody_else) {
	make_crowd(take_long);
	turns(2);
	ck_assert_int_eq(loop_fd_add(loop, &client, fds[0], client_ready), 0);
	turns(1);
	size_t before = strlen(order);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	turns(1);
	ck_assert_uint_le(told_before_client - before, 3);
	ck_assert_uint_lt(told_before_client, CROWD);
	loop_fd_remove(&client);
	free_crowd();
}
END_TEST

/* Removes all others, and itself. */
static void remove_all(struct loop_watch *w, int what)
{
	(void)w;
	(void)what;
	told++;
	free_crowd();
}

START_TEST (one_that_is_told_may_remove_all) {
	make_crowd(remove_all);
	told = 0;
	turns(3);
	ck_assert_int_eq(told, 1);
}
END_TEST

static bool has_work, is_late;

static bool work(void *arg)
{
	(void)arg;
	if (has_work)
		loop_stop(loop);
	return has_work;
}

static void make_work(struct loop_watch *w, int what)
{
	(void)what;
	has_work = true;
	loop_watch_remove(w);
}

static void is_over(struct loop_timer *timer)
{
	(void)timer;
	is_late = true;
	loop_stop(loop);
}

/* A task that waits for the answer runs at once, and not when something else happens. */
START_TEST (what_is_made_ready_by_the_last_is_not_waited_for) {
	struct loop_timer timer = {0};
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(loop_watch(loop, &watch, fds[0], LOOP_READ, make_work), 0);
	ck_assert_int_eq(loop_timer_set(loop, &timer, clock_deadline_ms(10000), is_over), 0);
	loop_set_hook(loop, work, NULL);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert(has_work && !is_late);
	loop_timer_clear(loop, &timer);
	loop_set_hook(loop, NULL, NULL);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("watch");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, it_is_told_for_as_long_as_it_is_ready);
	tcase_add_test(t, it_is_told_of_what_is_wanted_only);
	tcase_add_test(t, a_hang_up_is_told_to_whoever_wants_anything);
	tcase_add_test(t, what_the_kernel_refuses_is_an_error);
	tcase_add_test(t, a_turn_tells_some_and_the_next_goes_on);
	tcase_add_test(t, a_crowd_holds_up_nobody_else);
	tcase_add_test(t, one_that_is_told_may_remove_all);
	tcase_add_test(t, what_is_made_ready_by_the_last_is_not_waited_for);
	return unit_run();
}
