/* One transaction: the requests of a batch, what follows from their events, the commit. */
#include "daemon/store/engine.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"

/* A commit's events make one row of the log, but for enormous commits. */
enum { EVENTS_A_ROW = 1024 };

static const struct {
	int (*apply)(struct engine *e, struct store_op *op);
	enum op_when when;
} kinds[OP_KINDS] = {
#define OP(NAME, apply, when) [OP_##NAME] = {apply, when},
#include "daemon/store/op.def"
#undef OP
};

enum op_when engine_op_when(int kind)
{
	return kinds[kind].when;
}

/* What a request may have changed in memory, to be taken back with its rows. */
struct before {
	struct ids ids;
	size_t events;
	int64_t names;
};

static struct before now(struct engine *e)
{
	return (struct before){.ids = e->ids, .events = e->batch->count, .names = names_last(e->names)};
}

static void take_back(struct engine *e, const struct before *m)
{
	batch_cut_events(e->batch, m->events);
	names_forget_above(e->names, m->names);
	e->ids = m->ids;
}

static void rollback(struct engine *e, const struct before *m)
{
	/* Some errors have rolled back already. */
	if (!sqlite3_get_autocommit(e->db))
		db_run(e->st[SQL_ROLLBACK]);
	take_back(e, m);
	counts_settle(e->counts, false);
	if (!sqlite3_get_autocommit(e->db))
		engine_disconnect(e);
}

static int apply(struct engine *e, struct store_op *op)
{
	int err = failpoint("store.statement");

	op->error = 0;
	return err < 0 ? err : kinds[op->kind].apply(e, op);
}

static int apply_all(struct engine *e)
{
	struct store_op *op;
	int err;

	STAILQ_FOREACH (op, &e->batch->ops, entry) {
		if (engine_op_when(op->kind) != WHEN_COMMIT)
			continue;
		err = apply(e, op);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The same with each request on its own: one that fails by itself is refused, the others go on. */
static int apply_singly(struct engine *e)
{
	struct store_op *op;
	int err;

	STAILQ_FOREACH (op, &e->batch->ops, entry) {
		struct before m = now(e);

		if (engine_op_when(op->kind) != WHEN_COMMIT)
			continue;
		err = db_run(e->st[SQL_SAVEPOINT]);
		if (err < 0)
			return err;
		err = apply(e, op);
		if (err < 0) {
			if (db_error_is_machine(err))
				return err;
			log_warn("store refused a request", log_int("kind", op->kind),
			    log_str("error", err_name(err)));
			op->error = ERR_STORAGE;
			take_back(e, &m);
			err = db_run(e->st[SQL_BACK]);
		}
		if (err == 0)
			err = db_run(e->st[SQL_RELEASE]);
		if (err < 0)
			return err;
	}
	return 0;
}

static int write_events(struct engine *e)
{
	const struct batch *b = e->batch;
	sqlite3_stmt *st = e->st[SQL_EVENTS];
	int err = 0;

	for (size_t at = 0, count; at < b->count && err == 0; at += count) {
		count = b->count - at < EVENTS_A_ROW ? b->count - at : EVENTS_A_ROW;
		e->packed.off = e->packed.len = 0;
		err = events_pack(b->events + at, count, &e->packed);
		if (err < 0)
			return err;
		struct slice bytes = {buf_bytes(&e->packed), e->packed.len};
		sqlite3_bind_int64(st, 1, (int64_t)b->events[at].seq);
		sqlite3_bind_int64(st, 2, (int64_t)count);
		sqlite3_bind_int64(st, 3, e->now_ms);
		sqlite3_bind_int64(st, 4, (int64_t)events_checksum(b->events[at].seq, bytes));
		err = db_bind_blob(st, 5, bytes);
		if (err == 0)
			err = db_run(st);
	}
	return err;
}

static int write_ids(struct engine *e)
{
	sqlite3_stmt *st = e->st[SQL_IDS];

	sqlite3_bind_int64(st, 1, e->ids.next_id);
	sqlite3_bind_int64(st, 2, e->ids.next_seq);
	sqlite3_bind_int64(st, 3, ids_checksum(&e->ids));
	return db_run(st);
}

/* What follows from the events of the whole batch. */
static int write_tail(struct engine *e)
{
	const struct batch *b = e->batch;
	int err;

	if (b->count == 0)
		return 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct store_event *event = &b->events[i];

		err = counts_note(e->counts, event->recipe, event->user, b->from[i], event->state);
		if (err < 0)
			return err;
	}
	err = write_events(e);
	if (err == 0)
		err = counts_write(e->counts, e->st[SQL_COUNTS]);
	return err < 0 ? err : write_ids(e);
}

static void refuse_all(struct batch *b, int error)
{
	struct store_op *op;

	STAILQ_FOREACH (op, &b->ops, entry)
		op->error = error;
}

/* Everything up to the commit. 0, or a negative code and nothing was written. */
static int prepare(struct engine *e, const struct before *m)
{
	int err = db_run(e->st[SQL_BEGIN]);

	if (err == 0)
		err = apply_all(e);
	if (err < 0 && !db_error_is_machine(err)) {
		rollback(e, m);
		err = e->db ? db_run(e->st[SQL_BEGIN]) : -EIO;
		if (err == 0)
			err = apply_singly(e);
	}
	if (err == 0)
		err = write_tail(e);
	if (err == 0)
		err = failpoint("store.before_commit");
	return err;
}

/* Whether a commit's own page is the last that is written: without this promise of the disk SQLite fills up the sector behind it. */
static bool powersafe(struct engine *e)
{
	int yes = -1;

	return sqlite3_file_control(e->db, "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE, &yes) == SQLITE_OK &&
	       yes;
}

/* The commit itself. A full disk is found while pages are written, before the one that commits: then certainly nothing happened. */
static int commit(struct engine *e)
{
	int err = db_run(e->st[SQL_COMMIT]);

	if (err == -ENOSPC && powersafe(e))
		return ERR_STORAGE;
	if (err == 0)
		err = failpoint("store.after_commit");
	return err < 0 ? ERR_UNCERTAIN : 0;
}

static void serve_between(struct engine *e)
{
	struct store_op *op;

	STAILQ_FOREACH (op, &e->batch->ops, entry) {
		if (engine_op_when(op->kind) != WHEN_BETWEEN)
			continue;
		int err = e->db ? apply(e, op) : ERR_STORAGE;
		if (err < 0)
			op->error = err == ERR_CORRUPT ? err : ERR_STORAGE;
	}
}

static bool has_writes(const struct batch *b)
{
	const struct store_op *op;

	STAILQ_FOREACH (op, &b->ops, entry) {
		if (engine_op_when(op->kind) == WHEN_COMMIT)
			return true;
	}
	return false;
}

static void transact(struct engine *e)
{
	struct before m = now(e);
	int64_t opened;
	int err;

	e->now_ms = clock_wall_ms();
	err = prepare(e, &m);
	opened = e->batch->opened;
	if (err < 0) {
		log_warn("store wrote nothing", log_str("error", err_name(err)));
		err = ERR_STORAGE;
	} else {
		err = commit(e);
	}
	if (err < 0) {
		if (err == ERR_UNCERTAIN) {
			batch_cut_events(e->doubt, 0);
			batch_move_events(e->doubt, e->batch);
		}
		if (e->db)
			rollback(e, &m);
		refuse_all(e->batch, err);
		if (err == ERR_UNCERTAIN)
			engine_disconnect(e);
		return;
	}
	engine_log_synced(e);
	counts_settle(e->counts, true);
	e->open += opened;
}

void engine_apply(struct engine *e, struct batch *b)
{
	e->batch = b;
	if (!e->db) {
		refuse_all(b, ERR_STORAGE);
	} else {
		if (has_writes(b))
			transact(e);
		serve_between(e);
	}
	e->batch = NULL;
}
