#include "daemon/session/figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/order/order.h"
#include "daemon/sched/sched.h"
#include "daemon/session/shared.h"
#include "daemon/step/step.h"
#include "daemon/store/store.h"
#include "daemon/task/task.h"
#include "daemon/worker/pool.h"

/* Where rows go; once memory is refused, nowhere. */
struct collector {
	struct figures *f;
	const char *group, *part;
	int error;
};

static struct figure *add(struct collector *c, const char *name, enum figure_kind kind)
{
	static struct figure nowhere;
	struct figures *f = c->f;
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct figure *rows = c->error ? NULL : realloc(f->rows, room * sizeof *rows);
		if (!rows) {
			c->error = -ENOMEM;
			return &nowhere;
		}
		f->rows = rows;
		f->room = room;
	}
	struct figure *row = &f->rows[f->count++];
	*row = (struct figure){.group = c->group, .part = c->part, .name = name, .kind = kind};
	return row;
}

static void number(struct collector *c, const char *name, int64_t value)
{
	add(c, name, FIGURE_NUMBER)->number = value;
}

static void yes_no(struct collector *c, const char *name, bool value)
{
	add(c, name, FIGURE_YES_NO)->number = value;
}

static void histogram(struct collector *c, const char *name, const uint64_t *buckets, size_t count)
{
	struct figure *row = add(c, name, FIGURE_HISTOGRAM);
	memcpy(row->buckets, buckets, count * sizeof *buckets);
	row->bucket_count = count;
}

static void text(struct collector *c, const char *name, const char *value)
{
	struct figure *row = add(c, name, FIGURE_TEXT);
	snprintf(row->text, sizeof row->text, "%s", value ? value : "");
}

static void collect_daemon(struct collector *c, struct sessions *all)
{
	c->group = "daemon";
	text(c, "version", PACKAGE_VERSION);
	number(c, "started", all->started_ms);
	number(c, "uptime", clock_wall_ms() - all->started_ms);
	yes_no(c, "draining", all->draining);
	number(c, "pid", getpid());
}

static void collect_orders(struct collector *c, const struct store_stats *store)
{
	c->group = "orders";
	for (int state = 0; state < ORDER_STATES; state++)
		number(c, order_state_word(state), (int64_t)store->by_state[state]);
}

static void collect_store(struct collector *c, const struct store_stats *store)
{
	c->group = "store";
	char seq[24];
	snprintf(seq, sizeof seq, "%" PRIu64, store->seq);
	text(c, "seq", seq);
	number(c, "commits", (int64_t)store->commits);
	number(c, "ops", (int64_t)store->ops);
	number(c, "stale_finishes", (int64_t)store->stale_finishes);
	number(c, "errors", (int64_t)store->storage_errors);
	number(c, "db_bytes", (int64_t)store->db_bytes);
	number(c, "wal_bytes", (int64_t)store->wal_bytes);
	number(c, "writer_cpu", store->writer_cpu_ms);
	number(c, "reader_cpu", store->reader_cpu_ms);
	histogram(c, "commit_ops", store->commit_ops, sizeof store->commit_ops / sizeof *store->commit_ops);
	histogram(c, "commit_us", store->commit_us, sizeof store->commit_us / sizeof *store->commit_us);
}

static void collect_sched(struct collector *c, struct sessions *all)
{
	struct sched_stats stats;
	sched_stats_get(all->sched, &stats);
	c->group = "sched";
	number(c, "running", (int64_t)stats.running);
	number(c, "started", (int64_t)stats.started);
	number(c, "retried", (int64_t)stats.retried);
	number(c, "promoted", (int64_t)stats.promoted);
	number(c, "window", (int64_t)stats.window);
	number(c, "refills", (int64_t)stats.refills);
}

static void collect_steps(struct collector *c, const struct sessions *all)
{
	if (!all->steps)
		return;
	struct steps_stats stats;
	steps_stats_get(all->steps, &stats);
	c->group = "steps";
	number(c, "requests", (int64_t)stats.requests);
	number(c, "failed", (int64_t)stats.failed);
	number(c, "reused", (int64_t)stats.reused);
	number(c, "lookups", (int64_t)stats.lookups);
	number(c, "active", stats.active);
	number(c, "waiting", stats.waiting);
}

static void collect_pool(void *arg, struct pool *pool)
{
	struct collector *c = arg;
	struct pool_stats stats;
	pool_stats_get(pool, &stats);
	c->part = pool_name(pool);
	number(c, "workers", stats.workers);
	number(c, "busy", stats.busy);
	number(c, "idle", stats.idle);
	number(c, "starting", stats.starting);
	number(c, "jobs", (int64_t)stats.jobs);
	number(c, "lost", (int64_t)stats.lost);
	number(c, "jobs_cpu", stats.jobs_cpu_ms);
}

static void collect_clients(struct collector *c, const struct sessions *all)
{
	c->group = "clients";
	number(c, "connections", gate_count(all->gate));
	number(c, "accepted", (int64_t)all->counters.accepted);
	number(c, "refused", (int64_t)all->counters.refused);
	number(c, "requests", (int64_t)all->counters.requests);
	number(c, "subscriptions", (int64_t)all->counters.subscriptions);
	number(c, "waiting", (int64_t)all->counters.waiting);
	number(c, "buffered", (int64_t)all->buffered);
}

static void collect_loop(struct collector *c, const struct sessions *all)
{
	struct task_stats stats;
	task_stats_get(&stats);
	c->group = "loop";
	number(c, "turns", (int64_t)loop_turns(all->loop));
	number(c, "ready", stats.ready);
	number(c, "tasks", stats.alive);
	number(c, "spawned", (int64_t)stats.spawned);
	number(c, "switches", (int64_t)stats.switches);
	number(c, "stacks_used", stats.stacks_used);
	number(c, "stacks_cached", stats.stacks_cached);
	number(c, "slow", (int64_t)stats.slow);
	number(c, "longest_hold_us", stats.longest_hold_ns / 1000);
	text(c, "longest_hold", stats.longest_hold_name);
}

int figures_collect(struct figures *f, struct sessions *all)
{
	struct collector c = {.f = f};
	struct store_stats store;
	store_stats_get(all->store, &store);
	collect_daemon(&c, all);
	collect_orders(&c, &store);
	collect_store(&c, &store);
	collect_sched(&c, all);
	collect_steps(&c, all);
	collect_clients(&c, all);
	collect_loop(&c, all);
	c.group = "pools";
	pools_each(all->pools, collect_pool, &c);
	return c.error;
}

void figures_clear(struct figures *f)
{
	free(f->rows);
	*f = (struct figures){0};
}
