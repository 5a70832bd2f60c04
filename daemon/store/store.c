/* The public side: requests of one turn of the loop are gathered and handed over together; what comes back is told and made final. */
#include "daemon/store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/base/err.h"
#include "daemon/store/reader.h"
#include "daemon/store/writer.h"

struct store {
	struct store_options o;
	char *path, *wal_path; /* of the database and its log */
	struct names *names;
	struct counts *counts;
	struct mailbox mailbox;
	struct writer writer;
	struct reader reader;
	/* Requests of this turn, and the end of it. */
	struct store_ops to_writer, to_reader;
	struct ready flush;
};

/* ---- there and back ---- */

static void flush(struct ready *r)
{
	struct store *s = (struct store *)((char *)r - offsetof(struct store, flush));

	if (!STAILQ_EMPTY(&s->to_writer))
		inbox_put(&s->writer.inbox, &s->to_writer);
	if (!STAILQ_EMPTY(&s->to_reader))
		inbox_put(&s->reader.inbox, &s->to_reader);
}

static void deliver(struct mailbox *m, struct batch *b)
{
	struct store *s = (struct store *)((char *)m - offsetof(struct store, mailbox));
	struct store_op *op;

	if (b->count > 0 && s->o.on_events)
		s->o.on_events(s->o.arg, b->events, b->count);
	while ((op = STAILQ_FIRST(&b->ops))) {
		STAILQ_REMOVE_HEAD(&b->ops, entry);
		/* A requester that did not wait to the end has cancelled its future. */
		if (op->error < 0)
			future_set_error(&op->done, op->error);
		else
			future_set_result(&op->done, op);
	}
	batch_free(b);
}

static void submit(struct store *s, struct store_op *op, enum op_kind kind, const char *name)
{
	struct store_ops *to = engine_op_when(kind) == WHEN_READ ? &s->to_reader : &s->to_writer;

	op->kind = kind;
	op->error = 0;
	future_init(&op->done, name);
	STAILQ_INSERT_TAIL(to, op, entry);
	ready_add(&s->flush, flush);
}

/* ---- open and close ---- */

static char *path_in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int open_engine(struct store *s, const char *vfs, char why[static 256])
{
	struct engine_options o = {
	    .path = s->path,
	    .vfs = vfs,
	    .sync = s->o.sync,
	    .owner = names_intern(s->names, s->o.owner, strlen(s->o.owner)),
	    .max_queued = s->o.max_queued,
	};

	if (!o.owner)
		return -ENOMEM;
	return engine_open(&s->writer.engine, &o, s->names, s->counts, why);
}

/* Threads last: what fails before them is undone by closing. */
static int start(struct store *s, const char *vfs, char why[static 256])
{
	int err = open_engine(s, vfs, why);

	if (err < 0)
		return err;
	err = reads_open(&s->reader.reads, s->path, vfs, s->names);
	if (err < 0)
		goto close_engine;
	err = mailbox_init(&s->mailbox, s->o.loop, deliver);
	if (err < 0)
		goto close_reads;
	err = writer_start(&s->writer, &s->mailbox);
	if (err < 0)
		goto clear_mailbox;
	err = reader_start(&s->reader, &s->mailbox);
	if (err == 0)
		return 0;
	writer_stop(&s->writer);
	mailbox_clear(&s->mailbox);
	reads_close(&s->reader.reads);
	return err;
clear_mailbox:
	mailbox_clear(&s->mailbox);
close_reads:
	reads_close(&s->reader.reads);
close_engine:
	engine_close(&s->writer.engine);
	return err;
}

int store_open(const struct store_options *o, struct store **out, char why[static 256])
{
	struct store *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	why[0] = '\0';
	if (s) {
		s->o = *o;
		STAILQ_INIT(&s->to_writer);
		STAILQ_INIT(&s->to_reader);
		s->path = path_in(o->dir, "bakery.db");
		s->wal_path = path_in(o->dir, "bakery.db-wal");
	}
	if (s && s->path && s->wal_path && names_new(&s->names) == 0 && counts_new(&s->counts) == 0)
		err = start(s, getenv("BAKERY_VFS"), why);
	if (err == 0) {
		*out = s;
		return 0;
	}
	if (!why[0])
		snprintf(why, 256, "%s/bakery.db: %s", o->dir, err_text(err));
	if (s) {
		counts_free(s->counts);
		names_free(s->names);
		free(s->wal_path);
		free(s->path);
		free(s);
	}
	return err;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	flush(&s->flush);
	ready_remove(&s->flush);
	/* The reader first: the writer's last checkpoint then finds nobody in its way. */
	reader_stop(&s->reader);
	writer_stop(&s->writer);
	mailbox_clear(&s->mailbox);
	counts_free(s->counts);
	names_free(s->names);
	free(s->wal_path);
	free(s->path);
	free(s);
}

const char *store_intern(struct store *s, const char *name, size_t len)
{
	return names_intern(s->names, name, len);
}

const char *store_find_name(struct store *s, const char *name, size_t len)
{
	return names_find(s->names, name, len);
}

/* ---- requests ---- */

void store_submit(struct store *s, struct store_submit *r)
{
	submit(s, &r->op, OP_SUBMIT, "commit of a submission");
}

void store_start(struct store *s, struct store_start *r)
{
	submit(s, &r->op, OP_START, "commit of a start");
}

void store_step(struct store *s, struct store_step *r)
{
	submit(s, &r->op, OP_STEP, "commit of a step's result");
}

void store_finish(struct store *s, struct store_finish *r)
{
	submit(s, &r->op, OP_FINISH, "commit of a result");
}

void store_cancel(struct store *s, struct store_cancel *r)
{
	submit(s, &r->op, OP_CANCEL, "commit of a cancel");
}

void store_promote(struct store *s, struct store_promote *r)
{
	submit(s, &r->op, OP_PROMOTE, "promotion of due orders");
}

void store_pause(struct store *s, struct store_pause *r)
{
	submit(s, &r->op, OP_PAUSE, "commit of a pause");
}

void store_refill(struct store *s, struct store_refill *r)
{
	submit(s, &r->op, OP_REFILL, "refill of a window");
}

void store_recover(struct store *s, struct store_recover *r)
{
	submit(s, &r->op, OP_RECOVER, "recovery");
}

void store_get(struct store *s, struct store_get *r)
{
	submit(s, &r->op, OP_GET, "read of an order");
}

void store_read(struct store *s, struct store_read *r)
{
	submit(s, &r->op, OP_READ, "read of bytes");
}

void store_steps(struct store *s, struct store_steps *r)
{
	/* So that it can be cleared whatever the answer is. */
	r->count = 0;
	r->results = NULL;
	r->result_count = 0;
	submit(s, &r->op, OP_STEPS, "read of the results of steps");
}

void store_list(struct store *s, struct store_list *r)
{
	submit(s, &r->op, OP_LIST, "list of orders");
}

void store_place(struct store *s, struct store_place *r)
{
	submit(s, &r->op, OP_PLACE, "place in a queue");
}

/* ---- counters ---- */

static int64_t cpu_ms(pthread_t thread)
{
	clockid_t clock;
	struct timespec t;

	if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &t) < 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

void store_stats_get(struct store *s, struct store_stats *out)
{
	struct writer_stats w;

	writer_stats_get(&s->writer, &w);
	*out = (struct store_stats){
	    .seq = w.seq,
	    .commits = w.commits,
	    .ops = w.ops,
	    .stale_finishes = w.stale_finishes,
	    .storage_errors = w.storage_errors,
	    .wal_bytes = file_bytes(s->wal_path),
	    .db_bytes = file_bytes(s->path),
	    .writer_cpu_ms = cpu_ms(s->writer.thread),
	    .reader_cpu_ms = cpu_ms(s->reader.thread),
	};
	counts_get(s->counts, NULL, out->by_state);
	memcpy(out->commit_ops, w.commit_ops, sizeof(out->commit_ops));
	memcpy(out->commit_us, w.commit_us, sizeof(out->commit_us));
}

void store_recipe_counts(struct store *s, const char *recipe, uint64_t by_state[static ORDER_STATES])
{
	counts_get(s->counts, recipe, by_state);
}
