#include "daemon/store/writer.h"

#include <signal.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"

enum {
	BATCH_OPS = 4096,           /* so that one commit stays a matter of milliseconds */
	BATCH_BYTES = 8 << 20,      /* of payloads and results in one transaction */
	CHECKPOINT_FRAMES = 1000,   /* WAL pages: about 4 MB */
	RESTART_FRAMES = 16 * 1024, /* 64 MiB: now readers have to wait */
};

/* How many bytes a request brings. */
static size_t op_bytes(const struct store_op *op)
{
	if (op->kind == OP_SUBMIT)
		return ((const struct store_submit *)op)->payload.len;
	if (op->kind == OP_STEP)
		return ((const struct store_step *)op)->result.len;
	if (op->kind == OP_FINISH)
		return ((const struct store_finish *)op)->outcome.result_len;
	return 0;
}

static void add(struct batch *b, struct store_op *op)
{
	STAILQ_INSERT_TAIL(&b->ops, op, entry);
	b->op_count++;
	b->bytes += op_bytes(op);
}

/* Moves the next requests of one transaction. */
static void fill(struct batch *b, struct store_ops *pending)
{
	struct store_op *op;

	while ((op = STAILQ_FIRST(pending)) && b->op_count < BATCH_OPS) {
		if (b->op_count > 0 && b->bytes + op_bytes(op) > BATCH_BYTES)
			break;
		STAILQ_REMOVE_HEAD(pending, entry);
		add(b, op);
	}
}

static int bucket(uint64_t n, int buckets)
{
	int log2 = n > 0 ? 63 - __builtin_clzll(n) : 0;

	return log2 < buckets ? log2 : buckets - 1;
}

static void count(struct writer *w, const struct batch *b, int64_t took_ns)
{
	const struct store_op *op;

	pthread_mutex_lock(&w->lock);
	w->stats.seq = (uint64_t)w->engine.ids.next_seq - 1;
	w->stats.commits++;
	w->stats.ops += b->op_count;
	w->stats.stale_finishes = w->engine.stale;
	w->stats.commit_ops[bucket(b->op_count, 16)]++;
	w->stats.commit_us[bucket((uint64_t)took_ns / 1000, 24)]++;
	STAILQ_FOREACH (op, &b->ops, entry)
		w->stats.storage_errors += op->error == ERR_STORAGE || op->error == ERR_UNCERTAIN;
	pthread_mutex_unlock(&w->lock);
}

static void reopen(struct writer *w)
{
	struct engine *e = &w->engine;
	int err = engine_reopen(e);

	if (err < 0)
		log_error("store stays closed, orders are refused", log_str("error", err_name(err)));
	else
		log_info("store opened again", log_int("next_seq", e->ids.next_seq));
}

static void checkpoint(struct engine *e)
{
	int err;

	if (!e->db || e->wal_frames < CHECKPOINT_FRAMES)
		return;
	err = engine_checkpoint(e, e->wal_frames >= RESTART_FRAMES);
	if (err < 0 && err != ERR_BUSY)
		log_warn("checkpoint failed, the next one may not", log_str("error", err_name(err)));
}

/* No memory even for a batch: the requests are answered one way or the other, when there is some. */
static struct batch *must_batch_new(void)
{
	struct batch *b;

	while (!(b = batch_new()))
		sched_yield();
	return b;
}

/* Before anything later is told: what a failed commit has done all the same. */
static void tell_doubt(struct writer *w)
{
	struct batch *b = w->engine.doubt;

	if (!w->engine.db || b->count == 0)
		return;
	w->engine.doubt = must_batch_new();
	mailbox_post(w->mailbox, b);
}

static void serve(struct writer *w, struct batch *b)
{
	struct engine *e = &w->engine;
	int64_t began_ns = clock_mono_ns();

	if (!e->db)
		reopen(w);
	tell_doubt(w);
	engine_apply(e, b);
	count(w, b, clock_mono_ns() - began_ns);
	failpoint("store.before_reply");
	mailbox_post(w->mailbox, b);
	if (!e->db)
		reopen(w);
	tell_doubt(w);
	checkpoint(e);
}

static void *run(void *arg)
{
	struct writer *w = arg;
	struct store_ops pending = STAILQ_HEAD_INITIALIZER(pending);

	while (inbox_take(&w->inbox, &pending)) {
		while (!STAILQ_EMPTY(&pending)) {
			struct batch *b = must_batch_new();

			fill(b, &pending);
			serve(w, b);
		}
	}
	return NULL;
}

int writer_start(struct writer *w, struct mailbox *mailbox)
{
	sigset_t all, before;
	int err;

	w->mailbox = mailbox;
	w->stats.seq = (uint64_t)w->engine.ids.next_seq - 1;
	inbox_init(&w->inbox);
	pthread_mutex_init(&w->lock, NULL);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err == 0)
		return 0;
	inbox_clear(&w->inbox);
	pthread_mutex_destroy(&w->lock);
	return -err;
}

void writer_stop(struct writer *w)
{
	inbox_close(&w->inbox);
	pthread_join(w->thread, NULL);
	if (w->engine.db)
		engine_checkpoint(&w->engine, true);
	engine_close(&w->engine);
	inbox_clear(&w->inbox);
	pthread_mutex_destroy(&w->lock);
}

void writer_stats_get(struct writer *w, struct writer_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	pthread_mutex_unlock(&w->lock);
}
