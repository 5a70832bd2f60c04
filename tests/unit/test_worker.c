/* A real worker process, spoken to as the supervisor and the front speak to it. */
#include "daemon/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/order/order.h"
#include "daemon/worker/channel.h"
#include "tests/unit/unit.h"

enum { RESULT_MAX = 100000, KILL_AFTER_MS = 5000, WHY_CANCEL = 0, WHY_DRAIN = 1 };

/* Three recipes: a shell whose script is the payload, cat, and a program that is not there. */
#define TEXT(s) ((char[]){s})
static char *run_sh[] = {TEXT("sh"), TEXT("-c"), TEXT("{payload}"), NULL};
static char *run_cat[] = {TEXT("cat"), NULL};
static char *run_missing[] = {TEXT("no-such-program"), NULL};
static struct conf_step step_sh = {.name = TEXT("run"), .run = run_sh, .stdin_text = TEXT("from stdin")};
static struct conf_step step_cat = {.name = TEXT("run"), .run = run_cat};
static struct conf_step step_missing = {.name = TEXT("run"), .run = run_missing};
static struct conf_pair env_of_sh = {TEXT("COLOUR"), TEXT("dark brown")};
static struct conf_recipe recipes[] = {
    {.name = TEXT("sh"), .steps = &step_sh, .step_count = 1, .env = &env_of_sh, .env_count = 1},
    {.name = TEXT("cat"), .steps = &step_cat, .step_count = 1},
    {.name = TEXT("missing"), .steps = &step_missing, .step_count = 1},
    {.name = TEXT("elsewhere"), .steps = &step_cat, .step_count = 1, .pool = TEXT("other")},
};
static struct conf_pool pools[] = {
    {.name = TEXT("ovens"), .workers = 1}, {.name = TEXT("other"), .workers = 1}};
static struct conf conf = {.pools = pools, .pool_count = 2, .recipes = recipes, .recipe_count = 4};

static struct channel control, front;
static pid_t worker;
static int64_t (*test_clock)[2];

/* ---- the test's hands ---- */

static void make_clock(void)
{
	char path[300];
	snprintf(path, sizeof path, "%s/clock", unit_dir());
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 16), 0);
	test_clock = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert(test_clock != MAP_FAILED);
	close(fd);
	setenv("BAKERY_CLOCK", path, 1);
	ck_assert_int_eq(clock_init(), 0);
}

static void advance_ms(int64_t ms)
{
	__atomic_fetch_add(&(*test_clock)[0], ms * NS_PER_MS, __ATOMIC_SEQ_CST);
}

static struct message receive(struct channel *c)
{
	struct message m;
	int r;
	while ((r = channel_next(c, &m)) == 0) {
		struct pollfd p = {.fd = c->fd, .events = POLLIN};
		ck_assert_int_ge(poll(&p, 1, -1), 1);
		ck_assert_int_eq(channel_read(c), 0);
	}
	ck_assert_int_eq(r, 1);
	return m;
}

static void flush(struct channel *c)
{
	int r;
	while ((r = channel_flush(c)) == -EAGAIN) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};
		ck_assert_int_ge(poll(&p, 1, -1), 1);
	}
	ck_assert_int_eq(r, 0);
}

/* Gives the worker a new socket to a front: us. */
static void give_front(void)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	channel_clear(&front);
	ck_assert_int_eq(channel_init(&front, fds[0]), 0);
	ck_assert_int_eq(channel_send(&control, MESSAGE_FRONT, fds[1]), 0);
	flush(&control);
}

/* order 0: nothing runs; held: how many outcomes follow. */
static void expect_claim(int64_t order, int attempt, int held)
{
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_CLAIM);
	ck_assert_int_eq(message_get_int(&m, 0, INT_MAX), IPC_VERSION);
	ck_assert_int_eq(message_get_int(&m, 0, 1), order != 0);
	if (order) {
		struct job_name name = message_get_job(&m);
		ck_assert_int_eq(name.order, order);
		ck_assert_int_eq(name.attempt, attempt);
	}
	ck_assert_int_eq(message_get_int(&m, 0, WORKER_HELD_MAX), held);
	ck_assert_int_eq(message_end(&m), 0);
}

static void start_worker(void)
{
	for (size_t i = 0; i < conf.recipe_count; i++) {
		recipes[i].pool = recipes[i].pool ? recipes[i].pool : pools[0].name;
		recipes[i].timeout_ms = CONF_NONE;
		recipes[i].kill_after_ms = KILL_AFTER_MS;
		recipes[i].stop_signal = SIGTERM;
		recipes[i].result_max = RESULT_MAX;
	}
	make_clock();
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	const char *dir = unit_dir();
	worker = fork();
	ck_assert_int_ge(worker, 0);
	if (worker == 0) {
		struct worker_options o = {.conf = &conf,
		    .generation = 7,
		    .pool = &pools[0],
		    .index = 0,
		    .control_fd = fds[1],
		    .lock_fd = -1,
		    .instance = "0123456789abcdef",
		    .server = "unix:/s",
		    .work_dir = dir};
		getrlimit(RLIMIT_NOFILE, &o.nofile);
		_exit(worker_main(&o));
	}
	close(fds[1]);
	front.fd = -1;
	ck_assert_int_eq(channel_init(&control, fds[0]), 0);
	struct message m = receive(&control);
	ck_assert_int_eq(m.type, MESSAGE_WORKER_HELLO);
	ck_assert_int_eq(message_get_int(&m, 0, INT_MAX), IPC_VERSION);
	ck_assert_int_eq(message_get_int(&m, 0, INT_MAX), worker);
	ck_assert_int_eq(message_end(&m), 0);
	give_front();
	expect_claim(0, 0, 0);
}

static int wait_worker(void)
{
	int status;
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void stop_worker(void)
{
	channel_clear(&control);
	ck_assert_int_eq(wait_worker(), WORKER_EXIT_OK);
	channel_clear(&front);
}

static void send_job(const char *recipe, int64_t order, int64_t timeout_ms, const char *payload, size_t len)
{
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB);
	message_add_job(&w, &(struct job_name){order, 1, 0, 0});
	message_add_int(&w, 7);
	message_add_int(&w, timeout_ms);
	message_add_text(&w, recipe);
	message_add_bytes(&w, payload, len);
	message_add_int(&w, 0);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

static void send_script(int64_t order, const char *script)
{
	send_job("sh", order, CONF_NONE, script, strlen(script));
}

static void send_numbers(enum message_type type, int64_t order, int attempt, int why)
{
	struct message_writer w;
	channel_begin(&front, &w, type);
	message_add_job(&w, &(struct job_name){order, attempt, 0, 0});
	if (type == MESSAGE_JOB_STOP)
		message_add_int(&w, why);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

/* The outcome of the last JOB_ENDED, with a NUL behind its result and message. */
static struct order_outcome outcome;
static char result[RESULT_MAX + 1], message[ORDER_MESSAGE_MAX + 1];

static void expect_ended(int64_t order)
{
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_JOB_ENDED);
	struct job_name name = message_get_job(&m);
	ck_assert_int_eq(name.order, order);
	ck_assert_int_eq(name.attempt, 1);
	outcome.cause = (enum order_cause)message_get_int(&m, 1, ORDER_CAUSES - 1);
	outcome.exit = (int)message_get_int(&m, -1, 255);
	outcome.signal = (int)message_get_int(&m, 0, 64);
	outcome.error = (int)message_get_int(&m, 0, INT_MAX);
	outcome.started_ms = message_get_int(&m, 1, INT64_MAX);
	outcome.finished_ms = message_get_int(&m, outcome.started_ms, INT64_MAX);
	outcome.cpu_ms = message_get_int(&m, 0, INT64_MAX);
	outcome.max_rss_kib = message_get_int(&m, 0, INT64_MAX);
	outcome.result_total = (uint64_t)message_get_int(&m, 0, INT64_MAX);
	struct slice r = message_get_bytes(&m), e = message_get_bytes(&m);
	ck_assert_int_eq(message_end(&m), 0);
	ck_assert_uint_le(r.len, RESULT_MAX);
	ck_assert_uint_le(e.len, ORDER_MESSAGE_MAX);
	memcpy(result, r.data, r.len);
	memcpy(message, e.data, e.len);
	result[r.len] = message[e.len] = 0;
	outcome.result_len = r.len;
	outcome.message_len = e.len;
}

static void run_job(const char *recipe, const char *payload, size_t len)
{
	static int64_t order = 1000;
	send_job(recipe, ++order, CONF_NONE, payload, len);
	expect_ended(order);
	send_numbers(MESSAGE_JOB_ACK, order, 1, 0);
}

static void run_script(const char *script)
{
	run_job("sh", script, strlen(script));
}

static void expect_exit(int exit)
{
	ck_assert_int_eq(outcome.cause, CAUSE_EXIT);
	ck_assert_int_eq(outcome.exit, exit);
	ck_assert_int_eq(outcome.signal, 0);
}

/* Waits until a job has made this file in the test's directory: what it wrote there. */
static const char *wait_mark(const char *name)
{
	static char path[400], text[100];
	snprintf(path, sizeof path, "%s/%s", unit_dir(), name);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
		if (fd >= 0)
			close(fd);
		if (n > 0 && text[n - 1] == '\n') {
			text[n] = 0;
			unlink(path);
			return text;
		}
		sched_yield();
	}
}

static char *script_with_mark(const char *before, const char *after)
{
	static char script[1000];
	snprintf(script, sizeof script, "%s; echo $$ > %s/mark; %s", before, unit_dir(), after);
	return script;
}

/* Dead and reaped, or never there. */
static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* ---- jobs ---- */

START_TEST (a_job_ends_with_its_result) {
	start_worker();
	run_script("cat; echo; echo oops >&2");
	expect_exit(0);
	ck_assert_str_eq(result, "from stdin\n");
	ck_assert_str_eq(message, "oops\n");
	ck_assert_uint_eq(outcome.result_total, 11);
	ck_assert_int_gt(outcome.max_rss_kib, 0);
	run_script("exit 3");
	expect_exit(3);
	run_script("kill -QUIT $$");
	ck_assert_int_eq(outcome.cause, CAUSE_SIGNAL);
	ck_assert_int_eq(outcome.signal, SIGQUIT);
	ck_assert_int_eq(outcome.exit, -1);
	stop_worker();
}
END_TEST

START_TEST (its_environment_is_clean) {
	setenv("SECRET_OF_THE_DAEMON", "x", 1);
	start_worker();
	send_script(4711, "env | grep -v ^_= | sort");
	expect_ended(4711);
	static const char *const expected[] = {"\nBAKERY_ATTEMPT=1\n", "\nBAKERY_INSTANCE=0123456789abcdef\n",
	    "\nBAKERY_ORDER=4711\n", "\nBAKERY_RECIPE=sh\n", "\nBAKERY_SERVER=unix:/s\n",
	    "\nBAKERY_STEP=run\n", "\nBAKERY_WORKER=0\n", "\nCOLOUR=dark brown\n",
	    "\nHOME=", "\nLANG=", "\nPATH=", "\nTMPDIR=", "\nUSER="};
	char text[RESULT_MAX + 2];
	snprintf(text, sizeof text, "\n%s", result);
	size_t lines = 0;
	for (const char *p = result; *p; p++)
		lines += *p == '\n';
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		ck_assert_msg(strstr(text, expected[i]) != NULL, "%s is missing in %s", expected[i], text);
	/* The shell adds PWD. */
	ck_assert_uint_eq(lines, sizeof expected / sizeof *expected + 1);
	stop_worker();
}
END_TEST

START_TEST (its_directory_is_private_and_emptied) {
	start_worker();
	run_script(
	    "test \"$PWD\" = \"$TMPDIR\" && echo x > left && mkdir -p a/b && touch a/b/c && chmod 0 a");
	expect_exit(0);
	run_script("ls -A; stat -c %a .");
	ck_assert_str_eq(result, "700\n");
	run_script("rmdir \"$TMPDIR\"");
	run_script("ls -A; pwd");
	expect_exit(0);
	ck_assert_ptr_nonnull(strstr(result, "ovens-0\n"));
	char path[300];
	snprintf(path, sizeof path, "%s/ovens-0", unit_dir());
	ck_assert_int_eq(access(path, F_OK), 0);
	stop_worker();
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST (a_program_that_is_missing) {
	start_worker();
	run_job("missing", "", 0);
	ck_assert_int_eq(outcome.cause, CAUSE_SPAWN);
	ck_assert_int_eq(outcome.error, ENOENT);
	ck_assert_int_eq(outcome.exit, -1);
	ck_assert_ptr_nonnull(strstr(message, "no-such-program"));
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
}
END_TEST

START_TEST (a_payload_of_any_bytes_and_size) {
	enum { BIG = 3 << 20 };
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	for (int i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 256);
	start_worker();
	run_job("cat", "a\0b\0", 4);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_len, 4);
	ck_assert_mem_eq(result, "a\0b\0", 4);
	run_job("cat", big, BIG);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_total, BIG);
	ck_assert_uint_eq(outcome.result_len, RESULT_MAX);
	ck_assert_mem_eq(result, big, RESULT_MAX);
	run_job("cat", "", 0);
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_len, 0);
	stop_worker();
	free(big);
}
END_TEST

START_TEST (an_input_that_is_never_read_stops_nothing) {
	enum { BIG = 1 << 20 };
	char *big = calloc(1, BIG);
	ck_assert_ptr_nonnull(big);
	char *saved = run_cat[0];
	run_cat[0] = TEXT("true");
	start_worker();
	run_job("cat", big, BIG);
	expect_exit(0);
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
	run_cat[0] = saved;
	free(big);
}
END_TEST

START_TEST (much_output_costs_little) {
	start_worker();
	run_script("head -c 20000000 /dev/zero; head -c 5000000 /dev/zero | tr '\\0' e >&2; echo end >&2");
	expect_exit(0);
	ck_assert_uint_eq(outcome.result_total, 20000000);
	ck_assert_uint_eq(outcome.result_len, RESULT_MAX);
	ck_assert_uint_eq(outcome.message_len, ORDER_MESSAGE_MAX);
	ck_assert_str_eq(message + ORDER_MESSAGE_MAX - 6, "ee"
							  "end\n");
	char path[60], text[4096];
	snprintf(path, sizeof path, "/proc/%d/status", (int)worker);
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
#ifndef __SANITIZE_ADDRESS__
	const char *peak = strstr(text, "VmHWM:");
	ck_assert_ptr_nonnull(peak);
	ck_assert_int_lt(strtol(peak + 6, NULL, 10), 8192);
#endif
	stop_worker();
}
END_TEST

/* ---- what a job leaves behind ---- */

START_TEST (background_children_do_not_keep_it) {
	start_worker();
	run_script("sleep 1000 & echo $!");
	expect_exit(0);
	ck_assert(is_gone(atoi(result)));
	stop_worker();
}
END_TEST

START_TEST (children_that_left_the_group_are_ended_too) {
	start_worker();
	/* Twice forked, in a session of its own, TERM ignored, its outputs held open; and it says when it is there. */
	run_script("setsid sh -c 'trap \"\" TERM HUP; (sleep 1000 & echo $! > pid; wait) & while ! test -s "
		   "pid; do :; done' ; cat pid");
	expect_exit(0);
	ck_assert_int_gt(atoi(result), 1);
	ck_assert(is_gone(atoi(result)));
	run_script("echo next");
	ck_assert_str_eq(result, "next\n");
	stop_worker();
}
END_TEST

/* ---- stopping ---- */

START_TEST (time_is_over) {
	start_worker();
	char *script = script_with_mark("true", "exec sleep 1000");
	send_job("sh", 1, 60000, script, strlen(script));
	pid_t pid = atoi(wait_mark("mark"));
	advance_ms(60000);
	expect_ended(1);
	ck_assert_int_eq(outcome.cause, CAUSE_TIMEOUT);
	ck_assert_int_eq(outcome.signal, SIGTERM);
	ck_assert(is_gone(pid));
	stop_worker();
}
END_TEST

START_TEST (a_job_that_ignores_the_signal_is_killed_after_its_grace) {
	start_worker();
	char *script = script_with_mark(
	    "trap 'echo > told' TERM", "while :; do test -s told && echo yes > ../told; sleep 0.01; done");
	send_job("sh", 1, 60000, script, strlen(script));
	wait_mark("mark");
	advance_ms(60000);
	wait_mark("told");
	advance_ms(KILL_AFTER_MS);
	expect_ended(1);
	ck_assert_int_eq(outcome.cause, CAUSE_TIMEOUT);
	ck_assert_int_eq(outcome.signal, SIGKILL);
	stop_worker();
}
END_TEST

START_TEST (exit_0_after_our_signal_is_still_a_cancel) {
	start_worker();
	send_script(1, script_with_mark("trap 'exit 0' TERM", "while :; do sleep 0.01; done"));
	wait_mark("mark");
	send_numbers(MESSAGE_JOB_STOP, 1, 1, WHY_CANCEL);
	expect_ended(1);
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	ck_assert_int_eq(outcome.exit, 0);
	send_numbers(MESSAGE_JOB_ACK, 1, 1, 0);
	send_script(2, script_with_mark("true", "sleep 1000"));
	wait_mark("mark");
	send_numbers(MESSAGE_JOB_STOP, 2, 1, WHY_DRAIN);
	expect_ended(2);
	ck_assert_int_eq(outcome.cause, CAUSE_DRAINED);
	stop_worker();
}
END_TEST

START_TEST (a_stopped_job_can_be_ended) {
	start_worker();
	send_script(1, script_with_mark("true", "kill -STOP $$"));
	wait_mark("mark");
	send_numbers(MESSAGE_JOB_STOP, 1, 1, WHY_CANCEL);
	expect_ended(1);
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	stop_worker();
}
END_TEST

START_TEST (a_stop_that_crosses_the_end_changes_nothing) {
	start_worker();
	send_script(1, "echo done");
	expect_ended(1);
	send_numbers(MESSAGE_JOB_STOP, 1, 1, WHY_CANCEL);
	give_front();
	expect_claim(0, 0, 1);
	expect_ended(1);
	expect_exit(0);
	stop_worker();
}
END_TEST

/* ---- fronts come and go ---- */

START_TEST (a_result_is_kept_until_it_is_acknowledged) {
	start_worker();
	send_script(1, "echo kept");
	expect_ended(1);
	for (int i = 0; i < 3; i++) {
		channel_clear(&front);
		give_front();
		expect_claim(0, 0, 1);
		expect_ended(1);
		ck_assert_str_eq(result, "kept\n");
	}
	send_numbers(MESSAGE_JOB_ACK, 1, 1, 0);
	give_front();
	expect_claim(0, 0, 0);
	stop_worker();
}
END_TEST

START_TEST (it_works_on_while_results_wait_to_be_acknowledged) {
	start_worker();
	for (int i = 1; i <= WORKER_HELD_MAX; i++) {
		char script[60];
		snprintf(script, sizeof script, "echo result %d; echo message %d >&2", i, i);
		send_script(i, script);
		expect_ended(i);
	}
	/* The oldest of them, and one from the middle, are acknowledged while the next job runs. */
	send_numbers(MESSAGE_JOB_ACK, 1, 1, 0);
	send_script(100, script_with_mark("true", "sleep 1000"));
	wait_mark("mark");
	send_numbers(MESSAGE_JOB_ACK, 3, 1, 0);
	give_front();
	expect_claim(100, 1, WORKER_HELD_MAX - 2);
	for (int i = 2; i <= WORKER_HELD_MAX; i++) {
		if (i == 3)
			continue;
		char expected[60];
		expect_ended(i);
		snprintf(expected, sizeof expected, "result %d\n", i);
		ck_assert_str_eq(result, expected);
		snprintf(expected, sizeof expected, "message %d\n", i);
		ck_assert_str_eq(message, expected);
	}
	send_numbers(MESSAGE_JOB_STOP, 100, 1, WHY_CANCEL);
	expect_ended(100);
	ck_assert_int_eq(outcome.cause, CAUSE_CANCELLED);
	stop_worker();
}
END_TEST

START_TEST (a_job_outlives_its_front) {
	start_worker();
	char script[500];
	snprintf(
	    script, sizeof script, "while ! test -e %s/go; do sleep 0.01; done; echo went on", unit_dir());
	send_script(1, script);
	channel_clear(&front);
	give_front();
	expect_claim(1, 1, 0);
	channel_clear(&front);
	char go[300];
	snprintf(go, sizeof go, "%s/go", unit_dir());
	close(open(go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	give_front();
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_CLAIM);
	expect_ended(1);
	ck_assert_str_eq(result, "went on\n");
	stop_worker();
}
END_TEST

START_TEST (half_a_job_of_a_dead_front_is_no_job) {
	start_worker();
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB);
	message_add_int(&w, 1);
	message_add_bytes(&w, "payload", 7);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	front.out.len -= 3;
	flush(&front);
	give_front();
	expect_claim(0, 0, 0);
	run_script("echo fine");
	ck_assert_str_eq(result, "fine\n");
	stop_worker();
}
END_TEST

START_TEST (it_answers_while_a_job_runs) {
	start_worker();
	send_script(1, "sleep 1000");
	for (int i = 0; i < 10; i++) {
		struct message_writer w;
		channel_begin(&front, &w, MESSAGE_PING);
		message_add_int(&w, i);
		ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
		flush(&front);
		struct message m = receive(&front);
		ck_assert_int_eq(m.type, MESSAGE_PONG);
		ck_assert_int_eq(message_get_int(&m, 0, 10), i);
	}
	stop_worker();
}
END_TEST

/* ---- the end ---- */

START_TEST (without_a_supervisor_it_kills_its_tree_and_ends) {
	start_worker();
	send_script(1, script_with_mark("trap '' TERM; setsid sleep 1000 & sleep 1000 & echo", "sleep 1000"));
	pid_t pid = atoi(wait_mark("mark"));
	ck_assert(!is_gone(pid));
	stop_worker();
	ck_assert(is_gone(pid));
	ck_assert_int_eq(kill(-pid, 0), -1);
}
END_TEST

static void expect_protocol_exit(void)
{
	ck_assert_int_eq(wait_worker(), WORKER_EXIT_PROTOCOL);
	channel_clear(&front);
	channel_clear(&control);
}

START_TEST (violations_end_it_with_its_job) {
	start_worker();
	send_script(1, script_with_mark("true", "sleep 1000"));
	pid_t pid = atoi(wait_mark("mark"));
	send_script(2, "true");
	expect_protocol_exit();
	ck_assert(is_gone(pid));

	start_worker();
	send_job("no such recipe", 1, CONF_NONE, "", 0);
	expect_protocol_exit();

	start_worker();
	send_job("elsewhere", 1, CONF_NONE, "", 0);
	expect_protocol_exit();

	start_worker();
	send_numbers(MESSAGE_JOB_ACK, 1, 1, 0);
	expect_protocol_exit();

	start_worker();
	send_script(1, "true");
	expect_ended(1);
	send_numbers(MESSAGE_JOB_ACK, 1, 2, 0);
	expect_protocol_exit();

	start_worker();
	for (int i = 1; i <= WORKER_HELD_MAX; i++) {
		send_script(i, "true");
		expect_ended(i);
	}
	send_script(100, "true");
	expect_protocol_exit();

	start_worker();
	ck_assert_int_eq(write(front.fd, "\377\377\377\377\377\377\377\377", 8), 8);
	expect_protocol_exit();

	start_worker();
	ck_assert_int_eq(channel_send(&control, MESSAGE_WORKERS_ANNOUNCED, -1), 0);
	flush(&control);
	expect_protocol_exit();
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("worker");
	tcase_add_test(t, a_job_ends_with_its_result);
	tcase_add_test(t, its_environment_is_clean);
	tcase_add_test(t, its_directory_is_private_and_emptied);
	tcase_add_test(t, a_program_that_is_missing);
	tcase_add_test(t, a_payload_of_any_bytes_and_size);
	tcase_add_test(t, an_input_that_is_never_read_stops_nothing);
	tcase_add_test(t, much_output_costs_little);
	tcase_add_test(t, background_children_do_not_keep_it);
	tcase_add_test(t, children_that_left_the_group_are_ended_too);
	tcase_add_test(t, time_is_over);
	tcase_add_test(t, a_job_that_ignores_the_signal_is_killed_after_its_grace);
	tcase_add_test(t, exit_0_after_our_signal_is_still_a_cancel);
	tcase_add_test(t, a_stopped_job_can_be_ended);
	tcase_add_test(t, a_stop_that_crosses_the_end_changes_nothing);
	tcase_add_test(t, a_result_is_kept_until_it_is_acknowledged);
	tcase_add_test(t, it_works_on_while_results_wait_to_be_acknowledged);
	tcase_add_test(t, a_job_outlives_its_front);
	tcase_add_test(t, half_a_job_of_a_dead_front_is_no_job);
	tcase_add_test(t, it_answers_while_a_job_runs);
	tcase_add_test(t, without_a_supervisor_it_kills_its_tree_and_ends);
	tcase_add_test(t, violations_end_it_with_its_job);
	return unit_run();
}
