/*
 * What the store does alone, through its public interface on a loop: durable submissions and whole lives (submit, start, finish) a second, by how many are
 * in flight, beside what fdatasync does in the same directory in the same run. Payloads of 100 bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/store/store.h"
#include "daemon/task/task.h"
#include "tests/bench/machine.h"

enum { FLIGHT_MAX = 10000 };

static struct loop *loop;
static struct store *store;
static const char *recipe, *user;
static char payload[100];
static bool stop, keyed;
static int in_flight;
static uint64_t done;
static double latest;

/* One submitter: an order at a time, again and again. */
static struct flight {
	struct future_callback cb;
	struct store_submit submit;
	struct store_start start;
	struct store_finish finish;
	bool lives;
	char key[32];
} flights[FLIGHT_MAX];

static void submit(struct flight *f);

static void landed(struct flight *f)
{
	double now = bench_now();

	done++;
	latest = now;
	if (stop) {
		if (--in_flight == 0)
			loop_stop(loop);
		return;
	}
	submit(f);
}

static void check(const struct store_op *op)
{
	if (op->error < 0) {
		fprintf(stderr, "bench_store: a request failed: %d\n", op->error);
		exit(1);
	}
}

static void finished(struct future_callback *cb)
{
	struct flight *f = (struct flight *)cb;

	check(&f->finish.op);
	landed(f);
}

static void started(struct future_callback *cb)
{
	struct flight *f = (struct flight *)cb;

	check(&f->start.op);
	f->finish = (struct store_finish){.id = f->submit.id,
	    .attempt = 1,
	    .next = ORDER_DONE,
	    .cause = CAUSE_EXIT,
	    .outcome = {.cause = CAUSE_EXIT, .result = payload, .result_len = 10, .result_total = 10}};
	store_finish(store, &f->finish);
	future_add_callback(&f->finish.op.done, &f->cb, finished);
}

static void submitted(struct future_callback *cb)
{
	struct flight *f = (struct flight *)cb;

	check(&f->submit.op);
	if (!f->lives) {
		landed(f);
		return;
	}
	f->start = (struct store_start){.id = f->submit.id, .attempt = 1};
	store_start(store, &f->start);
	future_add_callback(&f->start.op.done, &f->cb, started);
}

static void submit(struct flight *f)
{
	static uint64_t keys;

	f->submit = (struct store_submit){.recipe = recipe,
	    .user = user,
	    .payload = {payload, sizeof payload},
	    .timeout_ms = -1,
	    .retries = -1};
	if (keyed) {
		snprintf(f->key, sizeof f->key, "%013llx-%012llx", (unsigned long long)clock_wall_ms(),
		    (unsigned long long)keys++);
		f->submit.key = (struct slice){f->key, strlen(f->key)};
	}
	store_submit(store, &f->submit);
	future_add_callback(&f->submit.op.done, &f->cb, submitted);
}

static void time_up(struct loop_timer *t)
{
	(void)t;
	stop = true;
}

static void measure(const char *what, int flight, bool lives, bool with_key, double seconds)
{
	struct loop_timer timer = {0};
	struct store_stats before, after;

	store_stats_get(store, &before);
	stop = false;
	keyed = with_key;
	done = 0;
	in_flight = flight;
	double began = bench_now();
	loop_timer_set(loop, &timer, clock_mono_ns() + (int64_t)(seconds * 1e9), time_up);
	for (int i = 0; i < flight; i++) {
		flights[i].lives = lives;
		submit(&flights[i]);
	}
	loop_run(loop);
	double took = latest - began;
	store_stats_get(store, &after);
	uint64_t commits = after.commits - before.commits;
	printf("%-28s %6d in flight  %9.0f/s  %6.1f a commit  commit %5.0f us  writer %3.0f %%\n", what,
	    flight, (double)done / took, (double)(after.ops - before.ops) / (double)commits,
	    took * 1e6 / (double)commits, (double)(after.writer_cpu_ms - before.writer_cpu_ms) / 10 / took);
	fflush(stdout);
}

static void told(void *arg, struct store_event *events, size_t count)
{
	(void)arg;
	(void)events;
	(void)count;
}

int main(int argc, char **argv)
{
	char dir[] = "bench-store-XXXXXX", why[256], command[64];
	double seconds = argc > 1 ? atof(argv[1]) : 2;
	struct store_options o = {.owner = "bench", .max_queued = UINT64_MAX / 2, .on_events = told};

	if (!mkdtemp(dir) || loop_new(&loop) < 0 || task_runtime_init(loop) < 0)
		return 1;
	memset(payload, 'x', sizeof payload);
	o.dir = dir;
	o.loop = loop;
	if (store_open(&o, &store, why) < 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	recipe = store_intern(store, "cake", 4);
	user = store_intern(store, "shop", 4);
	printf("%-28s %27.0f/s\n", "machine: fdatasync", machine_fdatasyncs(dir, 1));
	measure("submissions", 1, false, false, seconds);
	measure("submissions", 50, false, false, seconds);
	measure("submissions", 100, false, false, seconds);
	measure("submissions", 1000, false, false, seconds);
	measure("submissions with KEY", 50, false, true, seconds);
	measure("lives", 1, true, false, seconds);
	measure("lives", 50, true, false, seconds);
	measure("lives", 1000, true, false, seconds);
	measure("lives with KEY", 50, true, true, seconds);
	printf("%-28s %27.0f/s\n", "machine: fdatasync", machine_fdatasyncs(dir, 1));
	store_close(store);
	task_runtime_clear();
	loop_free(loop);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) != 0;
}
