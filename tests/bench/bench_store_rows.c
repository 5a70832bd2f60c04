/*
 * What each row and index of a life costs the writer: processor time in microseconds a life, without the disk (a store in /dev/shm that is not synced), in batches
 * of 50, measured by leaving one thing out at a time. bench-store-rows TEXT measures only the variants whose names contain it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/store/db.h"
#include "daemon/store/engine.h"

enum { BATCH = 50, LIVES = 40000 };

struct variant {
	const char *what;
	const char *sql; /* done to the fresh store first; NULL: nothing */
	size_t payload, result, message;
	size_t step; /* the size of the results of steps */
	int steps;   /* how many there are */
	bool key, only_submit;
	int batch, lives; /* 0: as above */
};

static struct names *names;
static struct counts *counts;
static struct engine engine;
static char bytes[1 << 20];

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_store_rows: %s\n", what);
	exit(1);
}

static void open_store(const char *path, const char *sql)
{
	struct engine_options o = {.path = path, .sync = 2, .max_queued = UINT64_MAX / 2};
	char why[256];
	sqlite3 *db;

	for (int i = 0; i < (sql ? 2 : 1); i++) {
		if (names_new(&names) < 0 || counts_new(&counts) < 0)
			fail("no memory");
		o.owner = names_intern(names, "bench", 5);
		if (engine_open(&engine, &o, names, counts, why) < 0)
			fail(why);
		if (i == 0 && sql) {
			engine_close(&engine);
			names_free(names);
			counts_free(counts);
			if (sqlite3_open(path, &db) != SQLITE_OK || db_exec(db, sql) < 0)
				fail(sql);
			sqlite3_close(db);
		}
	}
}

static void apply(struct store_op *ops[], int n)
{
	struct batch *b = batch_new();

	for (int i = 0; i < n; i++)
		STAILQ_INSERT_TAIL(&b->ops, ops[i], entry);
	b->op_count = (size_t)n;
	engine_apply(&engine, b);
	for (int i = 0; i < n; i++) {
		if (ops[i]->error < 0)
			fail("a request failed");
	}
	batch_free(b);
}

/* One result of each order's step, in a batch. */
static void add_step(const struct variant *v, const struct store_submit *submits, int n, int step)
{
	static struct store_step steps[BATCH];
	struct store_op *ops[BATCH];

	for (int i = 0; i < n; i++) {
		steps[i] = (struct store_step){.op.kind = OP_STEP,
		    .id = submits[i].id,
		    .attempt = 1,
		    .step = step,
		    .digest = 0x8badcafe12345678,
		    .result = {bytes, v->step}};
		ops[i] = &steps[i].op;
	}
	apply(ops, n);
}

static void lives(const struct variant *v, int n)
{
	static struct store_submit submits[BATCH];
	static struct store_start starts[BATCH];
	static struct store_finish finishes[BATCH];
	static char keys[BATCH][32];
	static unsigned long long next_key;
	struct store_op *ops[BATCH];
	const char *recipe = names_intern(names, "cake", 4), *user = names_intern(names, "shop", 4);

	for (int i = 0; i < n; i++) {
		submits[i] = (struct store_submit){.op.kind = OP_SUBMIT,
		    .recipe = recipe,
		    .user = user,
		    .payload = {bytes, v->payload},
		    .timeout_ms = -1,
		    .retries = -1};
		snprintf(keys[i], sizeof keys[i], "019a-%016llx", next_key++);
		if (v->key)
			submits[i].key = (struct slice){keys[i], strlen(keys[i])};
		ops[i] = &submits[i].op;
	}
	apply(ops, n);
	for (int i = 0; i < n && !v->only_submit; i++) {
		starts[i] = (struct store_start){.op.kind = OP_START, .id = submits[i].id, .attempt = 1};
		ops[i] = &starts[i].op;
	}
	if (v->only_submit)
		return;
	apply(ops, n);
	for (int step = 0; step < v->steps; step++)
		add_step(v, submits, n, step);
	for (int i = 0; i < n; i++) {
		finishes[i] = (struct store_finish){.op.kind = OP_FINISH,
		    .id = submits[i].id,
		    .attempt = 1,
		    .next = ORDER_DONE,
		    .cause = CAUSE_EXIT,
		    .outcome = {.cause = CAUSE_EXIT,
			.result = bytes,
			.result_len = v->result,
			.message = bytes,
			.message_len = v->message}};
		ops[i] = &finishes[i].op;
	}
	apply(ops, n);
}

static double measure(const char *dir, const struct variant *v)
{
	char path[256], command[300];
	int batch = v->batch ? v->batch : BATCH, count = v->lives ? v->lives : LIVES;
	double began, took;

	snprintf(path, sizeof path, "%s/%s.db", dir, "rows");
	snprintf(command, sizeof command, "rm -f %s*", path);
	if (system(command) != 0)
		fail(command);
	open_store(path, v->sql);
	lives(v, batch);
	began = cpu_us();
	for (int i = 0; i < count / batch; i++) {
		lives(v, batch);
		if (engine.wal_frames > 1000)
			engine_checkpoint(&engine, false);
	}
	took = (cpu_us() - began) / (count / batch * batch);
	engine_close(&engine);
	names_free(names);
	counts_free(counts);
	return took;
}

int main(int argc, char **argv)
{
	static const struct variant variants[] = {
	    {"a life: payload 100 bytes, no result", NULL, .payload = 100},
	    {"submission only", NULL, .payload = 100, .only_submit = true},
	    {"without a payload", NULL},
	    {"with a result of 100 bytes", NULL, .payload = 100, .result = 100},
	    {"with a message of 100 bytes", NULL, .payload = 100, .message = 100},
	    {"with a KEY that grows with time", NULL, .payload = 100, .key = true},
	    {"with a step of 100 bytes", NULL, .payload = 100, .step = 100, .steps = 1},
	    {"with two steps of 100 bytes", NULL, .payload = 100, .step = 100, .steps = 2},
	    {"in batches of 4", NULL, .payload = 100, .batch = 4, .lives = 8000},
	    {"with a step of 1 MiB, in batches of 4", NULL, .payload = 100, .step = 1 << 20, .steps = 1,
		.batch = 4, .lives = 400},
	    {"with a result of 1 MiB, in batches of 4", NULL, .payload = 100, .result = 1 << 20, .batch = 4,
		.lives = 400},
	    {"without index queued", "DROP INDEX queued", .payload = 100},
	    {"without index running", "DROP INDEX running", .payload = 100},
	    {"without index scheduled", "DROP INDEX scheduled", .payload = 100},
	    {"in batches of 1", NULL, .payload = 100, .batch = 1},
	    {"in batches of 10", NULL, .payload = 100, .batch = 10},
	};
	char dir[] = "/dev/shm/bench-store-rows-XXXXXX", command[64];

	if (!mkdtemp(dir))
		fail(dir);
	for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
		double best = 1e9;

		if (argc > 1 && !strstr(variants[i].what, argv[1]))
			continue;

		for (int round = 0; round < 3; round++) {
			double took = measure(dir, &variants[i]);

			best = took < best ? took : best;
		}
		printf("%-40s %6.2f us of the writer\n", variants[i].what, best);
		fflush(stdout);
	}
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) != 0;
}
