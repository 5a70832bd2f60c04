/* Light steps where they wait: time, cancel, the line before a host, names that are looked up. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/step_world.h"
#include "tests/unit/unit.h"

/* ---- names of this test: NAME.test ---- */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;
static bool names_open;
static int names_asked;

int __real_getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

int __wrap_getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	pthread_mutex_lock(&names_lock);
	names_asked++;
	while (strcmp(node, "blocked.test") == 0 && !names_open)
		pthread_cond_wait(&names_changed, &names_lock);
	pthread_mutex_unlock(&names_lock);
	if (strcmp(node, "nowhere.test") == 0)
		return EAI_NONAME;
	if (strcmp(node, "refused.test") == 0) {
		errno = EMFILE;
		return EAI_SYSTEM;
	}
	struct addrinfo *six = NULL;
	if (strcmp(node, "both.test") == 0 && __real_getaddrinfo("::1", service, hints, &six) != 0)
		return EAI_FAIL;
	int r = __real_getaddrinfo("127.0.0.1", service, hints, out);
	if (six && r == 0) {
		six->ai_next = *out;
		*out = six;
	}
	return r;
}

static int names_count(void)
{
	pthread_mutex_lock(&names_lock);
	int n = names_asked;
	pthread_mutex_unlock(&names_lock);
	return n;
}

static void names_release(void)
{
	pthread_mutex_lock(&names_lock);
	names_open = true;
	pthread_cond_broadcast(&names_changed);
	pthread_mutex_unlock(&names_lock);
}

static void trial_to(struct trial *x, const char *host, const char *path)
{
	char url[256];
	snprintf(url, sizeof url, "http://%s:%u%s", host, step_server_port(world_server), path);
	trial_init(x, url);
}

/* ---- a task that watches the others ---- */

/* Turns of the loop until `condition`, an expression. */
#define await_until(condition) \
	while (!(condition))   \
	ck_assert_int_eq(await_sleep_ms(1), 0)

static uint32_t waiting(void)
{
	struct steps_stats stats;
	steps_stats_get(world_steps, &stats);
	return stats.waiting;
}

static uint64_t requests(void)
{
	struct steps_stats stats;
	steps_stats_get(world_steps, &stats);
	return stats.requests;
}

/* ---- time ---- */

static int let_time_pass(void *arg)
{
	(void)arg;
	await_until(step_server_counts(world_server).busy == 1);
	clock_test_advance(10 * NS_PER_S, 10000);
	return 0;
}

START_TEST (whoever_is_late_is_given_up) {
	static const char *const paths[] = {"/hang", "/hang-body", "/trickle"};
	for (int i = 0; i < 3; i++) {
		struct trial x;
		trial_init(&x, paths[i]);
		if (i == 1)
			x.try.budget_ms = 10000;
		else
			x.step.timeout_ms = 10000;
		world_spawn("time", let_time_pass, NULL);
		expect_failure(&x, CAUSE_TIMEOUT, false, ": the time of 10000 ms was over before");
		ck_assert_int_ge(x.try.used_ms, 10000);
		while (step_server_counts(world_server).gone < i + 1)
			usleep(1000);
	}
}
END_TEST

static int advance_when_begun(void *arg)
{
	(void)arg;
	await_until(requests() > 0);
	for (int i = 0; i < 20; i++)
		(void)await_yield();
	clock_test_advance(10 * NS_PER_S, 10000);
	return 0;
}

/* The host does not answer the connection: its line is full. */
START_TEST (a_connection_is_under_the_time_too) {
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), others[4];
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	for (int i = 0; i < 4; i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(others[i], (struct sockaddr *)&a, len);
	}
	struct trial x;
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(a.sin_port));
	trial_init(&x, url);
	x.step.timeout_ms = 10000;
	world_spawn("time", advance_when_begun, NULL);
	expect_failure(&x, CAUSE_TIMEOUT, false, "before there was a connection");
	for (int i = 0; i < 4; i++)
		close(others[i]);
	close(fd);
}
END_TEST

static int advance_when_asked(void *arg)
{
	(void)arg;
	await_until(names_count() == 1);
	clock_test_advance(10 * NS_PER_S, 10000);
	return 0;
}

START_TEST (a_look_up_is_under_the_time_too) {
	struct trial x;
	trial_to(&x, "blocked.test", "/bytes/3");
	x.step.timeout_ms = 10000;
	world_spawn("time", advance_when_asked, NULL);
	expect_failure(&x, CAUSE_TIMEOUT, false, "while the host's name was looked up");
	names_release();
	expect_result(&x, 3);
}
END_TEST

/* ---- names ---- */

static int release_when_the_other_is_done(void *arg)
{
	const struct trial *other = arg;
	await_until(other->r != 1 && names_count() == 1);
	names_release();
	return 0;
}

START_TEST (a_look_up_that_blocks_holds_nobody_else) {
	struct trial x, again, other;
	trial_to(&x, "blocked.test", "/bytes/3");
	trial_to(&again, "BLOCKED.test", "/bytes/3");
	trial_init(&other, "/bytes/5");
	trial_spawn(&again);
	trial_spawn(&other);
	world_spawn("release", release_when_the_other_is_done, &other);
	expect_result(&x, 3);
	ck_assert_str_eq(x.waited, "nh");
	ck_assert_str_eq(again.waited, "nh");
	ck_assert_int_eq(again.try.outcome.cause, CAUSE_NONE);
	ck_assert_int_eq(names_count(), 1);
	trial_clear(&again);
	trial_clear(&other);
}
END_TEST

static int cancel_when_asked(void *arg)
{
	struct trial *x = arg;
	await_until(names_count() == 1);
	ck_assert_int_eq(task_cancel(x->task), 0);
	await_until(x->r != 1);
	names_release();
	return 0;
}

START_TEST (a_look_up_outlives_who_asked_first) {
	struct trial first, x;
	trial_to(&first, "blocked.test", "/bytes/3");
	trial_to(&x, "blocked.test", "/bytes/3");
	trial_spawn(&first);
	world_spawn("cancel", cancel_when_asked, &first);
	expect_result(&x, 3);
	ck_assert_int_eq(first.r, ERR_CANCELLED);
	ck_assert_int_eq(names_count(), 1);
}
END_TEST

START_TEST (names_are_remembered_for_a_minute) {
	struct trial x;
	for (int i = 0; i < 3; i++) {
		trial_to(&x, "good.test", "/bytes/3");
		expect_result(&x, 3);
		ck_assert_str_eq(x.waited, i == 0 ? "nh" : "h");
	}
	ck_assert_int_eq(names_count(), 1);
	clock_test_advance(61 * NS_PER_S, 61000);
	trial_to(&x, "good.test", "/bytes/3");
	expect_result(&x, 3);
	ck_assert_int_eq(names_count(), 2);
}
END_TEST

START_TEST (a_name_that_is_unknown_is_remembered_for_less) {
	struct trial x;
	for (int i = 0; i < 3; i++) {
		trial_to(&x, "nowhere.test", "/");
		expect_failure(
		    &x, CAUSE_HTTP, false, "/: cannot look up the host: Name or service not known");
	}
	ck_assert_int_eq(names_count(), 1);
	clock_test_advance(6 * NS_PER_S, 6000);
	expect_failure(&x, CAUSE_HTTP, false, "cannot look up the host");
	ck_assert_int_eq(names_count(), 2);
}
END_TEST

START_TEST (what_could_not_be_asked_is_not_remembered) {
	struct trial x;
	for (int i = 0; i < 2; i++) {
		trial_to(&x, "refused.test", "/");
		expect_failure(&x, CAUSE_SPAWN, false, "Too many open files");
	}
	ck_assert_int_eq(names_count(), 2);
}
END_TEST

/* The server listens on IPv4 only. */
START_TEST (each_address_is_tried) {
	struct trial x;
	trial_to(&x, "both.test", "/bytes/3");
	expect_result(&x, 3);
	trial_to(&x, "good.test.", "/bytes/3");
	expect_result(&x, 3);
	trial_to(&x,
	    "b\xC3\xBC"
	    "cher.test",
	    "/bytes/3");
	expect_failure(&x, CAUSE_PARAMS, true, "xn--");
}
END_TEST

/* More names than are remembered: the oldest is forgotten, not the service. */
START_TEST (many_names) {
	struct trial x;
	for (int i = 0; i < 1100; i++) {
		char url[32];
		snprintf(url, sizeof url, "http://n%d.test:1/", i);
		trial_init(&x, url);
		expect_failure(&x, CAUSE_HTTP, false, "cannot connect");
	}
	trial_init(&x, "http://n1099.test:1/");
	expect_failure(&x, CAUSE_HTTP, false, "cannot connect");
	ck_assert_int_eq(names_count(), 1100);
	trial_init(&x, "http://n0.test:1/");
	expect_failure(&x, CAUSE_HTTP, false, "cannot connect");
	ck_assert_int_eq(names_count(), 1101);
}
END_TEST

/* ---- the line before a host ---- */

static int release_when_in_line(void *arg)
{
	await_until(waiting() == (uint32_t)(uintptr_t)arg && step_server_counts(world_server).busy > 0);
	clock_test_advance(100 * NS_PER_S, 100000);
	(void)await_sleep_ms(1);
	step_server_release(world_server);
	return 0;
}

static void setup_one_turn(void)
{
	step_world_setup();
	steps_free(world_steps);
	world_conf.limits.http_per_host = 1;
	ck_assert_int_eq(steps_new(&world_conf, &world_steps), 0);
}

START_TEST (turns_come_by_priority_and_cost_no_time) {
	static const int priorities[] = {0, 0, 5, -5, 0};
	static const char names[] = "abcde";
	struct trial x[5];
	for (int i = 0; i < 5; i++) {
		trial_init(&x[i], "/hold");
		x[i].try.priority = priorities[i];
		x[i].step.timeout_ms = i == 0 ? CONF_NONE : 90000;
		x[i].mark = names[i];
		trial_spawn(&x[i]);
	}
	world_spawn("release", release_when_in_line, (void *)(uintptr_t)4);
	world_run();
	for (int i = 0; i < 5; i++) {
		ck_assert_msg(x[i].try.outcome.cause == CAUSE_NONE, "%s", x[i].try.outcome.message);
		ck_assert_str_eq(x[i].waited, i == 0 ? "h" : "hh");
		if (i > 0)
			ck_assert_int_lt(x[i].try.used_ms, 90000);
		trial_clear(&x[i]);
	}
	ck_assert_str_eq(world_marks(), "acbed");
	ck_assert_int_eq(step_server_counts(world_server).busy_most, 1);
}
END_TEST

START_TEST (hosts_do_not_wait_for_each_other) {
	struct trial x, other;
	struct step_server *second = step_server_start();
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%u/bytes/3", step_server_port(second));
	trial_init(&x, "/hold");
	trial_init(&other, url);
	trial_spawn(&x);
	trial_spawn(&other);
	while (other.r == 1)
		world_turns(1);
	step_server_release(world_server);
	world_run();
	ck_assert_int_eq(other.r, 0);
	ck_assert_int_eq(x.try.outcome.cause, CAUSE_NONE);
	trial_clear(&x);
	trial_clear(&other);
	step_server_stop(second);
}
END_TEST

START_TEST (no_more_at_once_than_may_be) {
	enum { N = 40 };
	static struct trial x[N];
	steps_free(world_steps);
	world_conf.limits.http_per_host = 3;
	ck_assert_int_eq(steps_new(&world_conf, &world_steps), 0);
	for (int i = 0; i < N; i++) {
		trial_init(&x[i], "/bytes/30000");
		trial_spawn(&x[i]);
	}
	world_run();
	for (int i = 0; i < N; i++) {
		ck_assert_uint_eq(x[i].try.outcome.result_len, 30000);
		trial_clear(&x[i]);
	}
	ck_assert_int_le(step_server_counts(world_server).busy_most, 3);
	ck_assert_int_eq(step_server_counts(world_server).connections, 3);
}
END_TEST

/* ---- values ---- */

static struct {
	int asked, held, held_most;
	int error;
} values;

/* The disk takes its time. */
static int await_values(void *arg)
{
	struct trial *x = arg;
	values.asked++;
	(void)await_sleep_ms(1);
	if (values.error < 0)
		return values.error;
	values.held++;
	values.held_most = values.held > values.held_most ? values.held : values.held_most;
	x->try.values.payload = (struct slice){"abc", 3};
	return 0;
}

static void release_values(void *arg)
{
	struct trial *x = arg;
	values.held--;
	x->try.values.payload = (struct slice){NULL, 0};
}

static void with_values(struct trial *x)
{
	x->try.await_values = await_values;
	x->try.release_values = release_values;
}

static int look_then_release(void *arg)
{
	(void)arg;
	await_until(waiting() == 4 && step_server_counts(world_server).busy > 0);
	/* One is under way, four are in the line: nobody has a payload. */
	ck_assert_int_eq(values.asked, 1);
	ck_assert_int_eq(values.held, 0);
	step_server_release(world_server);
	return 0;
}

START_TEST (who_waits_holds_no_values) {
	struct trial x[5];
	memset(&values, 0, sizeof values);
	for (int i = 0; i < 5; i++) {
		trial_init(&x[i], "/hold");
		x[i].step.http.body = (char *)"{payload}";
		with_values(&x[i]);
		trial_spawn(&x[i]);
	}
	world_spawn("look", look_then_release, NULL);
	world_run();
	for (int i = 0; i < 5; i++) {
		ck_assert_msg(x[i].try.outcome.cause == CAUSE_NONE, "%s", x[i].try.outcome.message);
		trial_clear(&x[i]);
	}
	ck_assert_int_eq(values.asked, 5);
	ck_assert_int_eq(values.held, 0);
	ck_assert_int_eq(values.held_most, 1);

	trial_init(&x[0], "/");
	x[0].step.kind = CONF_STEP_SLEEP;
	x[0].step.sleep_ms = 3600 * 1000;
	x[0].step.times = (char *)"1";
	with_values(&x[0]);
	trial_spawn(&x[0]);
	while (x[0].waited[0] != 's')
		world_turns(1);
	ck_assert_int_eq(values.asked, 6);
	ck_assert_int_eq(values.held, 0);
	task_cancel(x[0].task);
	world_run();
	ck_assert_int_eq(x[0].r, ERR_CANCELLED);
	trial_clear(&x[0]);
}
END_TEST

START_TEST (without_values_nothing_is_sent) {
	static const enum conf_step_kind kinds[] = {CONF_STEP_SLEEP, CONF_STEP_HTTP, CONF_STEP_HTTP};
	memset(&values, 0, sizeof values);
	values.error = ERR_CORRUPT;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct trial x;
		trial_init(&x, "/bytes/3");
		x.step.kind = kinds[i];
		with_values(&x);
		trial_run(&x);
		ck_assert_int_eq(x.r, ERR_CORRUPT);
		ck_assert_int_lt(x.try.used_ms, 1);
		trial_clear(&x);
	}
	ck_assert_int_eq(step_server_counts(world_server).connections, 0);
	/* The turn was given back. */
	struct trial x;
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3);
}
END_TEST

/* ---- cancel ---- */

static int open_descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* One turn before the host, three steps: the first looks up a name, the second waits for its turn, the third is redirected. Whichever wait it is that finds its task
 * cancelled, the others go on, and the turn is given back. */
START_TEST (a_cancel_reaches_every_wait) {
	uint64_t waits = 0, n = 0;
	do {
		struct trial x[3];
		trial_to(&x[0], "good.test", "/bytes/3");
		trial_to(&x[1], "good.test", "/hang-body");
		x[1].step.timeout_ms = 50;
		trial_to(&x[2], "good.test", "/to/302?/chunked/3");
		x[2].step.http.redirects = 1;
		for (int i = 0; i < 3; i++)
			trial_spawn(&x[i]);
		clock_test_advance(61 * NS_PER_S, 61000); /* the name is forgotten */
		task_cancel_at_wait(++n);
		world_run();
		waits = task_count_waits();
		int cancelled = 0;
		for (int i = 0; i < 3; i++) {
			cancelled += x[i].r == ERR_CANCELLED;
			ck_assert(x[i].r == 0 || x[i].r == ERR_CANCELLED);
			if (x[i].r == 0)
				ck_assert_int_eq(x[i].try.outcome.cause, i == 1 ? CAUSE_TIMEOUT : CAUSE_NONE);
			trial_clear(&x[i]);
		}
		ck_assert_int_eq(cancelled, n <= waits);
		task_cancel_at_wait(0);
		struct trial after;
		trial_to(&after, "good.test", "/bytes/3");
		expect_result(&after, 3);
	} while (n <= waits);
	ck_assert_uint_ge(n, 6);
}
END_TEST

START_TEST (a_cancelled_request_is_given_up_at_once) {
	struct trial x;
	for (int i = 0; i < 3; i++) {
		trial_init(&x, "/hang");
		trial_spawn(&x);
		while (step_server_counts(world_server).busy == 0)
			world_turns(1);
		int before = open_descriptors();
		ck_assert_int_eq(task_cancel(x.task), 0);
		world_run();
		ck_assert_int_eq(x.r, ERR_CANCELLED);
		while (step_server_counts(world_server).gone < i + 1 ||
		       step_server_counts(world_server).busy > 0)
			usleep(1000);
		ck_assert_int_eq(open_descriptors(), before - 1);
		trial_clear(&x);
	}
}
END_TEST

static int cancel_myself(void *arg)
{
	task_cancel(((struct trial *)arg)->task);
	return 0;
}

START_TEST (nothing_is_sent_after_a_cancel) {
	struct trial x;
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3); /* there is a connection, on which a request would be away at once */
	trial_init(&x, "/bytes/3");
	x.try.await_values = cancel_myself;
	trial_run(&x);
	ck_assert_int_eq(x.r, ERR_CANCELLED);
	trial_clear(&x);
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3);
	ck_assert_int_eq(step_server_counts(world_server).requests, 2);
}
END_TEST

/* ---- kept connections ---- */

START_TEST (what_comes_unasked_is_no_answer) {
	struct trial x;
	trial_init(&x, "/stray");
	expect_result(&x, 3);
	ck_assert_int_eq(step_server_counts(world_server).busy, 1);
	step_server_release(world_server);
	while (step_server_counts(world_server).busy > 0)
		usleep(1000);
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3);
	ck_assert_int_eq(step_server_counts(world_server).connections, 2);
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3);
	ck_assert_int_eq(step_server_counts(world_server).connections, 2);
}
END_TEST

/* ---- descriptors ---- */

START_TEST (no_descriptor_is_left) {
	struct rlimit before, none;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	int lowest = fcntl(0, F_DUPFD, 0);
	close(lowest);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	struct trial x;
	trial_init(&x, "/bytes/3");
	trial_spawn(&x);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_run();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(x.r, 0);
	ck_assert_int_eq(x.try.outcome.cause, CAUSE_SPAWN);
	ck_assert_int_eq(x.try.outcome.error, EMFILE);
	ck_assert(!x.try.outcome.permanent);
	trial_clear(&x);
	expect_result(&x, 3);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("time");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, whoever_is_late_is_given_up);
	tcase_add_test(t, a_connection_is_under_the_time_too);
	tcase_add_test(t, a_look_up_is_under_the_time_too);
	t = unit_case("names");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, a_look_up_that_blocks_holds_nobody_else);
	tcase_add_test(t, a_look_up_outlives_who_asked_first);
	tcase_add_test(t, names_are_remembered_for_a_minute);
	tcase_add_test(t, a_name_that_is_unknown_is_remembered_for_less);
	tcase_add_test(t, what_could_not_be_asked_is_not_remembered);
	tcase_add_test(t, each_address_is_tried);
	tcase_add_test(t, many_names);
	t = unit_case("turns");
	tcase_add_checked_fixture(t, setup_one_turn, step_world_clear);
	tcase_add_test(t, turns_come_by_priority_and_cost_no_time);
	tcase_add_test(t, who_waits_holds_no_values);
	tcase_add_test(t, without_values_nothing_is_sent);
	tcase_add_test(t, hosts_do_not_wait_for_each_other);
	tcase_add_test(t, no_more_at_once_than_may_be);
	tcase_add_test(t, a_cancel_reaches_every_wait);
	t = unit_case("cancel");
	tcase_add_checked_fixture(t, step_world_setup, step_world_clear);
	tcase_add_test(t, a_cancelled_request_is_given_up_at_once);
	tcase_add_test(t, nothing_is_sent_after_a_cancel);
	tcase_add_test(t, what_comes_unasked_is_no_answer);
	tcase_add_test(t, no_descriptor_is_left);
	return unit_run();
}
