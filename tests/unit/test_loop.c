/* The loop: descriptors by edge, timers by a clock that is set, posts from threads in order, signals, and the
 * turn hook. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/loop/loop.h"
#include "tests/unit/unit.h"

static struct loop *loop;
static char marks[64];

static void mark(char c)
{
	size_t n = strlen(marks);
	marks[n] = c;
	marks[n + 1] = '\0';
}

static void setup(void)
{
	marks[0] = '\0';
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void clear(void)
{
	loop_free(loop);
}

/* Runs one turn that does not wait. */
static bool stop_now(void *arg)
{
	(void)arg;
	loop_stop(loop);
	return true;
}

static void turn(void)
{
	loop_set_hook(loop, stop_now, NULL);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_set_hook(loop, NULL, NULL);
}

static int told;

static void on_ready(struct loop_fd *w, int what)
{
	(void)w;
	told = what;
}

START_TEST (a_descriptor_is_told_once_for_each_change) {
	int fds[2];
	struct loop_fd w;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	ck_assert_int_eq(loop_fd_add(loop, &w, fds[0], on_ready), 0);
	turn();
	ck_assert_int_eq(told, LOOP_WRITE);
	told = 0;
	turn();
	ck_assert_int_eq(told, 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	turn();
	ck_assert_int_ne(told & LOOP_READ, 0);
	told = 0;
	turn();
	ck_assert_int_eq(told, 0);
	close(fds[1]);
	turn();
	ck_assert_int_eq(told, LOOP_READ | LOOP_WRITE);
	loop_fd_remove(&w);
	loop_fd_remove(&w);
	close(fds[0]);
}
END_TEST

START_TEST (what_epoll_refuses_is_an_error) {
	struct loop_fd w;
	char path[512];
	snprintf(path, sizeof path, "%s/file", unit_dir());
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	ck_assert_int_eq(loop_fd_add(loop, &w, fd, on_ready), -EPERM);
	close(fd);
	ck_assert_int_eq(loop_fd_add(loop, &w, fd, on_ready), -EBADF);
}
END_TEST

static struct loop_fd pair[2];

static void remove_both(struct loop_fd *w, int what)
{
	(void)w;
	(void)what;
	mark('r');
	loop_fd_remove(&pair[0]);
	loop_fd_remove(&pair[1]);
}

START_TEST (a_callback_may_remove_any_descriptor) {
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(loop_fd_add(loop, &pair[i], fds[i], remove_both), 0);
	turn();
	ck_assert_str_eq(marks, "r");
	close(fds[0]);
	close(fds[1]);
}
END_TEST

struct letter {
	struct loop_timer timer;
	char c;
};

static void mark_timer(struct loop_timer *t)
{
	mark(((struct letter *)(void *)t)->c);
}

static void mark_and_stop(struct loop_timer *t)
{
	mark_timer(t);
	loop_stop(loop);
}

START_TEST (timers_are_due_by_the_clock_that_is_set) {
	struct letter a = {.c = 'a'}, b = {.c = 'b'}, gone = {.c = '-'};
	clock_test_advance(0, 0);
	int64_t now = clock_mono_ns();
	loop_timer_set(loop, &b.timer, now + 2000 * NS_PER_S, mark_timer);
	loop_timer_set(loop, &gone.timer, now + 500 * NS_PER_S, mark_timer);
	loop_timer_set(loop, &a.timer, now + 3000 * NS_PER_S, mark_timer);
	loop_timer_set(loop, &a.timer, now + 1000 * NS_PER_S, mark_timer);
	loop_timer_clear(loop, &gone.timer);
	loop_timer_clear(loop, &gone.timer);
	turn();
	ck_assert_str_eq(marks, "");
	clock_test_advance(1500 * NS_PER_S, 0);
	turn();
	ck_assert_str_eq(marks, "a");
	clock_test_advance(1500 * NS_PER_S, 0);
	turn();
	ck_assert_str_eq(marks, "ab");
}
END_TEST

START_TEST (the_first_turn_has_the_time_of_its_beginning) {
	struct letter a = {.c = 'a'};
	clock_test_advance(0, 0);
	loop_timer_set(loop, &a.timer, loop_now_ns(loop) + 1000 * NS_PER_S, mark_timer);
	clock_test_advance(1000 * NS_PER_S, 0);
	turn();
	ck_assert_str_eq(marks, "a");
}
END_TEST

START_TEST (a_timer_ends_the_wait) {
	struct letter late = {.c = 'l'}, soon = {.c = 's'};
	int64_t now = clock_mono_ns();
	loop_timer_set(loop, &late.timer, now + 3600 * NS_PER_S, mark_timer);
	loop_timer_set(loop, &soon.timer, now + NS_PER_MS, mark_and_stop);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_str_eq(marks, "s");
	ck_assert_int_ge(clock_mono_ns(), now + NS_PER_MS);
	ck_assert_uint_lt(loop_turns(loop), 10);
	loop_timer_clear(loop, &late.timer);
}
END_TEST

static void mark_and_set_again(struct loop_timer *t)
{
	mark_timer(t);
	loop_timer_set(
	    loop, t, clock_mono_ns() + NS_PER_MS, strlen(marks) < 3 ? mark_and_set_again : mark_and_stop);
}

/* By the kernel's clock: it is set anew after each. */
START_TEST (one_timer_after_the_other_ends_the_wait) {
	struct letter a = {.c = 'a'};
	loop_timer_set(loop, &a.timer, clock_mono_ns() + NS_PER_MS, mark_and_set_again);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_str_eq(marks, "aaaa");
}
END_TEST

static void *advance_clock(void *arg)
{
	(void)arg;
	clock_test_advance(3600 * NS_PER_S, 0);
	return NULL;
}

START_TEST (a_clock_that_is_set_during_the_wait_is_noticed) {
	struct letter far = {.c = 'f'};
	pthread_t thread;
	clock_test_advance(0, 0);
	loop_timer_set(loop, &far.timer, clock_mono_ns() + 3000 * NS_PER_S, mark_and_stop);
	ck_assert_int_eq(pthread_create(&thread, NULL, advance_clock, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	pthread_join(thread, NULL);
	ck_assert_str_eq(marks, "f");
}
END_TEST

static void again(struct loop_timer *t)
{
	mark_timer(t);
	loop_timer_set(loop, t, CLOCK_TRY, again);
}

START_TEST (a_timer_that_sets_itself_again_does_not_hold_the_turn) {
	struct letter a = {.c = 'a'};
	loop_timer_set(loop, &a.timer, CLOCK_TRY, again);
	turn();
	turn();
	ck_assert_str_eq(marks, "aa");
	loop_timer_clear(loop, &a.timer);
}
END_TEST

enum { THREADS = 4, POSTS = 2000 };

struct post {
	struct loop_post post;
	int thread, number;
};

static struct post posts[THREADS][POSTS];
static int next_number[THREADS], posts_left;

static void take_post(struct loop_post *p)
{
	struct post *mine = (struct post *)(void *)p;
	ck_assert_int_eq(mine->number, next_number[mine->thread]++);
	if (--posts_left == 0)
		loop_stop(loop);
}

static void *post_many(void *arg)
{
	struct post *mine = arg;
	for (int i = 0; i < POSTS; i++)
		loop_post(loop, &mine[i].post, take_post);
	return NULL;
}

START_TEST (posts_arrive_once_and_in_the_order_of_each_thread) {
	pthread_t threads[THREADS];
	posts_left = THREADS * POSTS;
	for (int i = 0; i < THREADS; i++) {
		for (int n = 0; n < POSTS; n++)
			posts[i][n] = (struct post){.thread = i, .number = n};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, posts[i]), 0);
	}
	ck_assert_int_eq(loop_run(loop), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(posts_left, 0);
}
END_TEST

static void post_again(struct loop_post *p)
{
	mark('p');
	if (strlen(marks) < 3)
		loop_post(loop, p, post_again);
}

START_TEST (a_post_from_a_post_comes_in_a_later_turn) {
	struct loop_post p;
	loop_post(loop, &p, post_again);
	ck_assert_str_eq(marks, "");
	for (int i = 1; i <= 3; i++) {
		turn();
		ck_assert_uint_eq(strlen(marks), i);
	}
}
END_TEST

static void on_signal(const struct signalfd_siginfo *info, void *arg)
{
	mark(*(char *)arg);
	ck_assert_int_eq(info->ssi_pid, getpid());
}

START_TEST (signals_come_to_their_handlers) {
	char u = 'u', h = 'h';
	ck_assert_int_eq(loop_signal(loop, SIGUSR1, on_signal, &u), 0);
	ck_assert_int_eq(loop_signal(loop, SIGHUP, on_signal, &h), 0);
	ck_assert_int_eq(loop_signal(loop, 10000, on_signal, &h), -EINVAL);
	turn();
	ck_assert_str_eq(marks, "");
	kill(getpid(), SIGUSR1);
	turn();
	ck_assert_str_eq(marks, "u");
	kill(getpid(), SIGHUP);
	turn();
	ck_assert_str_eq(marks, "uh");
}
END_TEST

static int hook_left;
static struct letter in_hook = {.c = 'h'};

static bool count_down(void *arg)
{
	mark('.');
	if (--hook_left == 0)
		loop_timer_set(arg, &in_hook.timer, CLOCK_TRY, mark_and_stop);
	return hook_left > 0;
}

START_TEST (the_hook_is_called_each_turn_and_keeps_it_from_waiting) {
	hook_left = 3;
	loop_set_hook(loop, count_down, loop);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_str_eq(marks, "...h.");
	ck_assert_uint_eq(loop_turns(loop), 4);
}
END_TEST

/* ---- very much to do at once ---- */

enum { CROWD = 10000, TURN_MOST = 256 };

static struct loop_fd crowd[CROWD];
static struct letter crowd_timer = {.c = 't'};
static unsigned told_all, told_at_timer, told_at_signal, told_in_turn, told_most;
static uint64_t told_turn;

static void note_timer(struct loop_timer *t)
{
	(void)t;
	told_at_timer = told_all;
}

static void note_signal(const struct signalfd_siginfo *info, void *arg)
{
	(void)info;
	(void)arg;
	told_at_signal = told_all;
	loop_stop(loop);
}

/* Each is ready again as soon as it has been told so: there is no end of it. The first asks for a timer and a
 * signal. */
static void ready_for_ever(struct loop_fd *w, int what)
{
	(void)what;
	const uint64_t one = 1;
	if (told_all++ == 0) {
		loop_timer_set(loop, &crowd_timer.timer, CLOCK_TRY, note_timer);
		kill(getpid(), SIGUSR1);
	}
	told_in_turn = loop_turns(loop) == told_turn ? told_in_turn + 1 : 1;
	told_turn = loop_turns(loop);
	if (told_in_turn > told_most)
		told_most = told_in_turn;
	if (write(w->fd, &one, sizeof one) < 0)
		abort();
}

START_TEST (timers_and_signals_have_their_turn_however_much_is_ready) {
	struct rlimit files;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	/* Where so many descriptors are not allowed, as many as are. */
	int count = 0, fd;
	while (count < CROWD && (fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0) {
		if (files.rlim_max - (rlim_t)fd < 64) {
			close(fd);
			break;
		}
		ck_assert_int_eq(loop_fd_add(loop, &crowd[count++], fd, ready_for_ever), 0);
	}
	ck_assert_int_gt(count, 4 * TURN_MOST);
	ck_assert_int_eq(loop_signal(loop, SIGUSR1, note_signal, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_le(told_most, TURN_MOST);
	ck_assert_uint_gt(told_at_timer, 0);
	ck_assert_uint_le(told_at_timer, TURN_MOST);
	/* After those that stood before it in the line, once. */
	ck_assert_uint_gt(told_at_signal, 0);
	ck_assert_uint_le(told_at_signal, (unsigned)count + 4096);
	for (int i = 0; i < count; i++) {
		loop_fd_remove(&crowd[i]);
		close(crowd[i].fd);
	}
}
END_TEST

static int told_each[2 * TURN_MOST];

static void count_told(struct loop_fd *w, int what)
{
	(void)what;
	told_each[w - crowd]++;
}

START_TEST (what_a_turn_had_no_room_for_is_told_in_the_next) {
	int count = 2 * TURN_MOST;
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(
		    loop_fd_add(loop, &crowd[i], eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), count_told), 0);
	turn();
	int told_now = 0, out = -1;
	for (int i = 0; i < count; i++) {
		told_now += told_each[i];
		out = told_each[i] ? out : i;
	}
	ck_assert_int_le(told_now, TURN_MOST);
	ck_assert_int_ge(out, 0);
	/* One that is removed while it stands in the line is not told. */
	loop_fd_remove(&crowd[out]);
	for (int i = 0; i < 10; i++)
		turn();
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(told_each[i], i != out);
		loop_fd_remove(&crowd[i]);
		close(crowd[i].fd);
	}
}
END_TEST

/* ---- descriptors exhausted ---- */

static int count_descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void allow_descriptors(int n)
{
	struct rlimit files;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = (rlim_t)n;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}

START_TEST (without_descriptors_there_is_no_loop_and_nothing_is_left) {
	struct loop *other;
	int before = count_descriptors(), n = 0, r;
	/* The lowest that are free are given out. */
	while (fcntl(n, F_GETFD) >= 0)
		n++;
	do {
		allow_descriptors(n++);
		r = loop_new(&other);
		allow_descriptors(256);
		if (r < 0) {
			ck_assert_int_eq(r, -EMFILE);
			ck_assert_int_eq(count_descriptors(), before);
		}
	} while (r < 0);
	loop_free(other);
	ck_assert_int_eq(count_descriptors(), before);
	allow_descriptors(0);
	r = loop_signal(loop, SIGUSR1, on_signal, NULL);
	allow_descriptors(256);
	ck_assert_int_eq(r, -EMFILE);
}
END_TEST

START_TEST (a_stop_before_the_run_is_not_lost) {
	loop_stop(loop);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_uint_eq(loop_turns(loop), 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("loop");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_add_test(t, a_descriptor_is_told_once_for_each_change);
	tcase_add_test(t, what_epoll_refuses_is_an_error);
	tcase_add_test(t, a_callback_may_remove_any_descriptor);
	tcase_add_test(t, timers_are_due_by_the_clock_that_is_set);
	tcase_add_test(t, the_first_turn_has_the_time_of_its_beginning);
	tcase_add_test(t, a_timer_ends_the_wait);
	tcase_add_test(t, one_timer_after_the_other_ends_the_wait);
	tcase_add_test(t, a_clock_that_is_set_during_the_wait_is_noticed);
	tcase_add_test(t, a_timer_that_sets_itself_again_does_not_hold_the_turn);
	tcase_add_test(t, posts_arrive_once_and_in_the_order_of_each_thread);
	tcase_add_test(t, a_post_from_a_post_comes_in_a_later_turn);
	tcase_add_test(t, signals_come_to_their_handlers);
	tcase_add_test(t, the_hook_is_called_each_turn_and_keeps_it_from_waiting);
	tcase_add_test(t, timers_and_signals_have_their_turn_however_much_is_ready);
	tcase_add_test(t, what_a_turn_had_no_room_for_is_told_in_the_next);
	tcase_add_test(t, without_descriptors_there_is_no_loop_and_nothing_is_left);
	tcase_add_test(t, a_stop_before_the_run_is_not_lost);
	return unit_run();
}
