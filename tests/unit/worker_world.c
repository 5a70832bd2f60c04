#include "tests/unit/worker_world.h"

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

#include "tests/unit/unit.h"

static char *run_sh[] = {TEXT("sh"), TEXT("-c"), TEXT("{payload}"), NULL};
static char *run_cat[] = {TEXT("cat"), NULL};
static char *run_missing[] = {TEXT("no-such-program"), NULL};
static char *run_mix[] = {
    TEXT("sh"), TEXT("-c"), TEXT("echo \"$1\" $BAKERY_STEP; cat"), TEXT("sh"), TEXT("{step.gather}"), NULL};

static struct conf_step step_sh[] = {{.name = TEXT("run"), .run = run_sh, .stdin_text = TEXT("from stdin")}};
static struct conf_step step_cat[] = {{.name = TEXT("run"), .run = run_cat}};
static struct conf_step step_missing[] = {{.name = TEXT("run"), .run = run_missing}};
static struct conf_step step_elsewhere[] = {{.name = TEXT("run"), .run = run_cat}};
static struct conf_step steps_quiet[] = {
    {.name = TEXT("hum"), .run = run_sh}, {.name = TEXT("run"), .run = run_sh}};
static struct conf_step steps_cake[] = {
    {.name = TEXT("gather"), .run = run_sh},
    {.name = TEXT("wait"), .kind = CONF_STEP_SLEEP},
    {.name = TEXT("mix"), .run = run_mix, .stdin_text = TEXT("{step.wait}{step.gather}"), .uses = 3},
    {.name = TEXT("knead"), .run = run_cat, .stdin_text = TEXT("{step.gather}"), .uses = 1},
    {.name = TEXT("sell"), .run = run_sh, .pool = TEXT("other")},
    {.name = TEXT("bake"), .run = run_sh, .uses = 1 << 2 | 1 << 3},
};

static struct conf_pair env_of_sh = {TEXT("COLOUR"), TEXT("dark brown")};
static struct conf_recipe recipes[] = {
    {.name = TEXT("sh"), .steps = step_sh, .step_count = 1, .env = &env_of_sh, .env_count = 1},
    {.name = TEXT("cat"), .steps = step_cat, .step_count = 1},
    {.name = TEXT("missing"), .steps = step_missing, .step_count = 1},
    {.name = TEXT("elsewhere"), .steps = step_elsewhere, .step_count = 1, .pool = TEXT("other")},
    {.name = TEXT("quiet"), .steps = steps_quiet, .step_count = 2, .result = CONF_RESULT_NONE},
    {.name = TEXT("cake"), .steps = steps_cake, .step_count = sizeof steps_cake / sizeof *steps_cake},
};
static struct conf_pool pools[] = {
    {.name = TEXT("ovens"), .workers = 1}, {.name = TEXT("other"), .workers = 1}};
static struct conf conf = {
    .pools = pools, .pool_count = 2, .recipes = recipes, .recipe_count = sizeof recipes / sizeof *recipes};

char **run_of_cat = run_cat;
struct channel control, front;
pid_t worker;
static int64_t (*test_clock)[2];

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

void advance_ms(int64_t ms)
{
	__atomic_fetch_add(&(*test_clock)[0], ms * NS_PER_MS, __ATOMIC_SEQ_CST);
}

struct message receive(struct channel *c)
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

void flush(struct channel *c)
{
	int r;
	while ((r = channel_flush(c)) == -EAGAIN) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};
		ck_assert_int_ge(poll(&p, 1, -1), 1);
	}
	ck_assert_int_eq(r, 0);
}

void give_front(void)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	channel_clear(&front);
	ck_assert_int_eq(channel_init(&front, fds[0]), 0);
	ck_assert_int_eq(channel_send(&control, MESSAGE_FRONT, fds[1]), 0);
	flush(&control);
}

static void expect_job(struct message *m, const struct job_name *name)
{
	const struct job_name got = message_get_job(m);
	ck_assert_int_eq(got.order, name->order);
	ck_assert_int_eq(got.attempt, name->attempt);
	ck_assert_int_eq(got.step, name->step);
	ck_assert_int_eq(got.try, name->try);
}

void expect_claim(const struct job_name *running, int held)
{
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_CLAIM);
	ck_assert_int_eq(message_get_int(&m, 0, INT_MAX), IPC_VERSION);
	ck_assert_int_eq(message_get_int(&m, 0, 1), running != NULL);
	if (running)
		expect_job(&m, running);
	ck_assert_int_eq(message_get_int(&m, 0, WORKER_HELD_MAX), held);
	ck_assert_int_eq(message_end(&m), 0);
}

static void prepare_recipes(void)
{
	for (size_t i = 0; i < conf.recipe_count; i++) {
		struct conf_recipe *r = &recipes[i];
		r->pool = r->pool ? r->pool : pools[0].name;
		r->timeout_ms = CONF_NONE;
		r->kill_after_ms = KILL_AFTER_MS;
		r->stop_signal = SIGTERM;
		r->result_max = RESULT_MAX;
		for (size_t s = 0; s < r->step_count; s++) {
			if (!r->steps[s].pool)
				r->steps[s].pool = r->pool;
		}
	}
}

void start_worker(void)
{
	prepare_recipes();
	make_clock();
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	const char *dir = unit_dir();
	worker = fork();
	ck_assert_int_ge(worker, 0);
	if (worker == 0) {
		struct worker_options o = {.conf = &conf,
		    .generation = GENERATION,
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
	expect_claim(NULL, 0);
}

static int wait_worker(void)
{
	int status;
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void stop_worker(void)
{
	channel_clear(&control);
	ck_assert_int_eq(wait_worker(), WORKER_EXIT_OK);
	channel_clear(&front);
}

void expect_protocol_exit(void)
{
	ck_assert_int_eq(wait_worker(), WORKER_EXIT_PROTOCOL);
	channel_clear(&front);
	channel_clear(&control);
}

void send_job_as_it_is(const struct job *job)
{
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB);
	message_add_job(&w, &(struct job_name){job->order, job->attempt, job->step, job->try});
	message_add_int(&w, (int64_t)job->generation);
	message_add_int(&w, job->timeout_ms);
	message_add_text(&w, job->recipe);
	message_add_bytes(&w, job->payload.data, job->payload.len);
	message_add_int(&w, (int64_t)job->result_count);
	for (size_t i = 0; i < job->result_count; i++) {
		message_add_int(&w, job->results[i].step);
		message_add_int(&w, job->results[i].cut);
		message_add_bytes(&w, job->results[i].bytes.data, job->results[i].bytes.len);
	}
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

void send_job(const char *recipe, int64_t order, int64_t timeout_ms, const char *payload, size_t len)
{
	const struct job job = {.order = order,
	    .attempt = 1,
	    .recipe = recipe,
	    .generation = GENERATION,
	    .timeout_ms = timeout_ms,
	    .payload = {payload, len}};
	send_job_as_it_is(&job);
}

void send_script(int64_t order, const char *script)
{
	send_job("sh", order, CONF_NONE, script, strlen(script));
}

void send_stop(struct job_name name, int why)
{
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB_STOP);
	message_add_job(&w, &name);
	message_add_int(&w, why);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

void send_ack(struct job_name name)
{
	struct message_writer w;
	channel_begin(&front, &w, MESSAGE_JOB_ACK);
	message_add_job(&w, &name);
	ck_assert_int_eq(channel_finish(&front, &w, -1), 0);
	flush(&front);
}

struct order_outcome outcome;
char result[RESULT_MAX + 1], message[ORDER_MESSAGE_MAX + 1];

void expect_ended(struct job_name name)
{
	struct message m = receive(&front);
	ck_assert_int_eq(m.type, MESSAGE_JOB_ENDED);
	expect_job(&m, &name);
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

void run_job(const char *recipe, const char *payload, size_t len)
{
	static int64_t order = 1000;
	send_job(recipe, ++order, CONF_NONE, payload, len);
	expect_ended(job_of(order));
	send_ack(job_of(order));
}

void run_script(const char *script)
{
	run_job("sh", script, strlen(script));
}

void expect_exit(int exit)
{
	ck_assert_int_eq(outcome.cause, CAUSE_EXIT);
	ck_assert_int_eq(outcome.exit, exit);
	ck_assert_int_eq(outcome.signal, 0);
}

const char *wait_mark(const char *name)
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

char *script_with_mark(const char *before, const char *after)
{
	static char script[1000];
	snprintf(script, sizeof script, "%s; echo $$ > %s/mark; %s", before, unit_dir(), after);
	return script;
}

bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}
