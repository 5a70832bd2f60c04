#include "tests/unit/pool_world.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "daemon/task/task.h"
#include "tests/unit/unit.h"

#define TEXT(s) ((char *)(s))
static char *run_sh[] = {TEXT("sh"), TEXT("-c"), TEXT("{payload}"), NULL};
static struct conf_step step = {.name = TEXT("run"), .run = run_sh, .pool = TEXT("ovens")};
static struct conf_step steps_cake[] = {
    {.name = TEXT("gather"), .run = run_sh, .pool = TEXT("ovens")}, {.name = TEXT("mix"),
									.run = run_sh,
									.stdin_text = TEXT("{step.gather}"),
									.pool = TEXT("ovens"),
									.uses = 1}};
static struct conf_pool pool_of_two = {.name = TEXT("ovens"), .workers = 2};
static struct conf_recipe recipes[] = {{.name = TEXT("sh"),
					   .pool = TEXT("ovens"),
					   .steps = &step,
					   .step_count = 1,
					   .timeout_ms = CONF_NONE,
					   .kill_after_ms = 5000,
					   .stop_signal = SIGTERM,
					   .result_max = 1 << 20},
    {.name = TEXT("cake"),
	.pool = TEXT("ovens"),
	.steps = steps_cake,
	.step_count = 2,
	.timeout_ms = CONF_NONE,
	.kill_after_ms = 5000,
	.stop_signal = SIGTERM,
	.result_max = 100 << 20}};
struct conf pool_conf = {.pools = &pool_of_two, .pool_count = 1, .recipes = recipes, .recipe_count = 2};

/* ---- the front's world ---- */

struct loop *loop;
struct pools *pools;
struct pool *ovens;
static int idle;
int settled, claims, broken;
int64_t broken_pid;
struct worker *claimed[8];
struct worker_claim claim[8];
static bool (*wanted)(void);

static void look(void)
{
	if (wanted && wanted())
		loop_stop(loop);
}

static void on_idle(void *arg, struct pool *p)
{
	(void)arg;
	ck_assert_ptr_eq(p, ovens);
	idle++;
	look();
}

static void on_claim(void *arg, struct worker *w, const struct worker_claim *c)
{
	(void)arg;
	claimed[claims] = w;
	claim[claims++] = *c;
	look();
}

static void on_settled(void *arg)
{
	(void)arg;
	settled++;
	look();
}

static void on_broken(void *arg, const char *pool, int index, int64_t pid)
{
	(void)arg;
	(void)index;
	ck_assert_str_eq(pool, "ovens");
	broken++;
	broken_pid = pid;
	look();
}

void run_until(bool (*condition)(void))
{
	wanted = condition;
	while (!condition())
		ck_assert_int_eq(loop_run(loop), 0);
	wanted = NULL;
}

void start_front(void)
{
	const struct pools_events events = {
	    .on_idle = on_idle, .on_claim = on_claim, .on_settled = on_settled};
	ck_assert_int_eq(pools_new(&pool_conf, &events, &pools), 0);
	pools_set_on_broken(pools, on_broken, NULL);
	ovens = pools_find(pools, "ovens");
	ck_assert_ptr_nonnull(ovens);
	idle = settled = claims = broken = 0;
}

void set_up(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(task_runtime_init(loop), 0);
	start_front();
}

void take_down(void)
{
	pools_free(pools);
	task_runtime_clear();
	loop_free(loop);
}

/* ---- jobs ---- */

struct job_run runs[RUNS];
static struct future_callback callbacks[RUNS];

static void on_end(struct future_callback *cb)
{
	(void)cb;
	look();
}

bool first_ended(void)
{
	return future_is_final(&runs[0].ended);
}

bool two_ended(void)
{
	return first_ended() && future_is_final(&runs[1].ended);
}

bool second_ended(void)
{
	return future_is_final(&runs[1].ended);
}

bool two_claims(void)
{
	return claims == 2;
}

bool one_idle(void)
{
	return pool_idle_count(ovens) == 1;
}

bool two_idle(void)
{
	return pool_idle_count(ovens) == 2;
}

bool is_settled(void)
{
	return settled > 0;
}

bool is_claimed(void)
{
	return claims > 0;
}

bool is_broken(void)
{
	return broken > 0;
}

void watch(int i)
{
	future_add_callback(&runs[i].ended, &callbacks[i], on_end);
}

int start_job_as_it_is(int i, const struct job *job)
{
	int index = -1;
	int r = job_run_start(ovens, job, &runs[i], &index);
	if (r == 0) {
		ck_assert(index == 0 || index == 1);
		watch(i);
	}
	return r;
}

int start_job(int i, const char *script)
{
	const struct job job = {.order = 100 + i,
	    .attempt = 1,
	    .recipe = "sh",
	    .generation = 1,
	    .timeout_ms = CONF_NONE,
	    .payload = {script, strlen(script)}};
	return start_job_as_it_is(i, &job);
}

void expect_result(int i, const char *text)
{
	const struct order_outcome *o = &runs[i].outcome;
	ck_assert_int_eq(o->cause, CAUSE_EXIT);
	ck_assert_int_eq(o->exit, 0);
	ck_assert_uint_eq(o->result_len, strlen(text));
	ck_assert_mem_eq(o->result, text, o->result_len);
	ck_assert(!o->result_cut);
}

/* ---- the worker that the test plays ---- */

struct channel played;

void play(bool fresh)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_init(&played, fds[0]), 0);
	ck_assert_int_eq(pools_add_worker(pools, "ovens", 1, 4711, fds[1], fresh), 0);
}

static void finish(struct message_writer *w)
{
	ck_assert_int_eq(channel_finish(&played, w, -1), 0);
	ck_assert_int_eq(channel_flush(&played), 0);
}

void play_claim_of(const struct job_name *running, int held)
{
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_CLAIM);
	message_add_int(&w, IPC_VERSION);
	message_add_int(&w, running != NULL);
	if (running)
		message_add_job(&w, running);
	message_add_int(&w, held);
	finish(&w);
}

void play_claim(int64_t order, int held)
{
	const struct job_name name = {order, 1, 0, 0};
	play_claim_of(order ? &name : NULL, held);
}

void play_ended_of(struct job_name name, const char *result)
{
	static const int64_t numbers[] = {CAUSE_EXIT, 0, 0, 0, 1, 2, 3, 4};
	struct message_writer w;
	channel_begin(&played, &w, MESSAGE_JOB_ENDED);
	message_add_job(&w, &name);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		message_add_int(&w, numbers[i]);
	message_add_int(&w, (int64_t)strlen(result));
	message_add_text(&w, result);
	message_add_text(&w, "");
	finish(&w);
}

void play_ended(int64_t order, const char *result)
{
	play_ended_of((struct job_name){order, 1, 0, 0}, result);
}

void expect_lost(int i)
{
	ck_assert_int_eq(runs[i].outcome.cause, CAUSE_WORKER_LOST);
	ck_assert_ptr_null(runs[i].worker);
	ck_assert_uint_gt(runs[i].outcome.message_len, 0);
	job_run_release(&runs[i]);
	ck_assert_int_eq(pool_worker_count(ovens), 0);
	struct pool_stats s;
	pool_stats_get(ovens, &s);
	ck_assert_uint_eq(s.lost, 1);
}

/* Something that is due now has happened when a later timer has. */
static void on_turn(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

void turn(void)
{
	for (int i = 0; i < 3; i++) {
		struct loop_timer t = {0};
		ck_assert_int_eq(loop_timer_set(loop, &t, 0, on_turn), 0);
		ck_assert_int_eq(loop_run(loop), 0);
	}
}

struct message hear(void)
{
	struct message m;
	int r;
	while ((r = channel_next(&played, &m)) == 0) {
		turn();
		int read = channel_read(&played);
		ck_assert(read == 0 || read == -EAGAIN);
	}
	ck_assert_int_eq(r, 1);
	return m;
}
