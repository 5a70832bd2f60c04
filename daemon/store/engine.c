#include "daemon/store/engine.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/schema.h"
#include "daemon/store/walscan.h"

enum { WRITER_CACHE_KIB = 16 << 10 };

/* A commit's events make one row of the log, but for enormous commits. */
enum { EVENTS_A_ROW = 1024 };

static const char *const sql_texts[ENGINE_STATEMENTS] = {
#define STATEMENT(NAME, sql) [SQL_##NAME] = sql,
#include "daemon/store/statement.def"
#undef STATEMENT
};

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

/* ---- opening ---- */

static int on_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct engine *e = arg;

	(void)db;
	(void)name;
	e->wal_frames = frames;
	return SQLITE_OK;
}

static int load_names(struct engine *e)
{
	sqlite3_stmt *st;
	int err = db_prepare(e->db, "SELECT id,sum,name FROM names", &st), step;

	if (err < 0)
		return err;
	while ((step = db_step(st)) > 0 && err == 0) {
		int64_t id = sqlite3_column_int64(st, 0);
		struct slice name = db_column(st, 2);

		if (row_bytes_checksum(id, name) != (uint64_t)sqlite3_column_int64(st, 1))
			err = ERR_CORRUPT;
		else
			err = names_learn(e->names, id, name.data, name.len);
	}
	sqlite3_finalize(st);
	return err < 0 ? err : step;
}

static int load_ids(struct engine *e)
{
	sqlite3_stmt *st;
	struct ids ids = {0};
	int64_t sum = 0;
	int err = db_prepare(e->db, "SELECT created,first_id,next_id,next_seq,sum FROM ids", &st);

	if (err < 0)
		return err;
	err = db_step(st);
	if (err > 0) {
		ids = (struct ids){
		    .created_ms = sqlite3_column_int64(st, 0),
		    .first_id = sqlite3_column_int64(st, 1),
		    .next_id = sqlite3_column_int64(st, 2),
		    .next_seq = sqlite3_column_int64(st, 3),
		};
		sum = sqlite3_column_int64(st, 4);
	}
	sqlite3_finalize(st);
	if (err < 0)
		return err;
	if (err == 0 || sum != ids_checksum(&ids))
		return ERR_CORRUPT;
	e->ids = ids;
	return 0;
}

static int load(struct engine *e)
{
	uint64_t by_state[ORDER_STATES];
	int err = load_names(e);

	if (err == 0)
		err = load_ids(e);
	if (err == 0)
		err = counts_load(e->counts, e->db, e->names);
	if (err < 0)
		return err;
	counts_get(e->counts, NULL, by_state);
	e->open = 0;
	for (int i = 0; i < ORDER_STATES; i++)
		e->open += order_state_final((enum order_state)i) ? 0 : (int64_t)by_state[i];
	return 0;
}

static void close_connection(struct engine *e)
{
	for (int i = 0; i < ENGINE_STATEMENTS; i++) {
		sqlite3_finalize(e->st[i]);
		e->st[i] = NULL;
	}
	/* The last connection removes the WAL when it closes. */
	if (e->db)
		mark_erase(&e->mark);
	db_close(e->db);
	e->db = NULL;
	if (e->wal_fd >= 0)
		close(e->wal_fd);
	e->wal_fd = -1;
}

static int open_connection(struct engine *e)
{
	struct db_options o = {.path = e->o.path,
	    .vfs = e->o.vfs,
	    .create = true,
	    .sync = e->o.sync,
	    .cache_kib = WRITER_CACHE_KIB};
	int err = db_open(&o, &e->db);

	if (err < 0)
		return err;
	sqlite3_wal_hook(e->db, on_wal, e);
	/* Above the time: ids remembered from a store that was wiped name no order of this one. */
	err = schema_migrate(e->db, clock_wall_ms() + 1);
	for (int i = 0; i < ENGINE_STATEMENTS && err == 0; i++)
		err = row_prepare(e->db, sql_texts[i], &e->st[i]);
	if (err == 0)
		err = load(e);
	if (err < 0)
		close_connection(e);
	return err;
}

static int checkpoint(struct engine *e, int mode)
{
	int in_wal = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(e->db, "main", mode, &in_wal, &done);

	/* All pages are in the database: the next commit begins the WAL anew. */
	if (rc == SQLITE_OK && in_wal == done)
		e->wal_frames = 0;
	return db_error(rc);
}

static int wal_path(const struct engine *e, const char *suffix, char out[static PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s%s", e->o.path, suffix) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Nothing may be in the WAL that SQLite would silently take for its end. */
static int check_wal(struct engine *e, char why[static 256])
{
	struct mark_value mark;
	struct walscan found;
	char path[PATH_MAX];
	int err = wal_path(e, "-wal", path);

	if (err < 0)
		return err;
	mark_read(&e->mark, &mark);
	err = walscan(path, &mark, &found, why);
	/* On a full disk the log cannot be begun anew (see open_checked()): then what was cut off must not lie behind the next commits. */
	if (err == 0 && found.frames > found.committed)
		err = walscan_cut(path, found.committed);
	if (err == 0 && found.frames > 0)
		log_info("store was not closed, reading its log", log_int("frames", found.frames),
		    log_int("committed", found.committed));
	return err;
}

/* SQLite would make it readable by all; the files beside it get the mode of this one. Before SQLite opens it: closing a descriptor drops locks. */
static int make_file(const struct engine *e)
{
	int fd = open(e->o.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_checked(struct engine *e, char why[static 256])
{
	char path[PATH_MAX];
	int err = failpoint("store.open");

	if (err == 0)
		err = make_file(e);
	if (err == 0)
		err = wal_path(e, "-mark", path);
	if (err == 0)
		err = mark_open(&e->mark, path);
	if (err == 0)
		err = check_wal(e, why);
	if (err == 0)
		err = open_connection(e);
	if (err < 0)
		return err;
	/* Anew, under new salts: what a crash has left beyond the last commit is never taken for part of this WAL. */
	err = mark_erase(&e->mark);
	if (err == 0)
		err = checkpoint(e, SQLITE_CHECKPOINT_TRUNCATE);
	if (err == -ENOSPC) {
		/* What is stored can be read, and jobs that run be kept. Writes are refused until there is room. */
		log_warn("disk is full, the store's log stays", log_str("path", e->o.path));
		err = 0;
	}
	if (err < 0)
		close_connection(e);
	return err;
}

int engine_open(struct engine *e, const struct engine_options *o, struct names *names, struct counts *counts,
    char why[static 256])
{
	char more[256] = "";
	int err;

	*e = (struct engine){.o = *o, .names = names, .counts = counts, .wal_fd = -1, .doubt = batch_new()};
	err = e->doubt ? open_checked(e, more) : -ENOMEM;
	if (err == 0)
		return 0;
	batch_free(e->doubt);
	mark_close(&e->mark);
	if (err == ERR_NEWER)
		snprintf(why, 256,
		    "%.128s: written by a newer version of Bakery (this one knows up to version %d)", o->path,
		    schema_version());
	else if (err == ERR_INVALID)
		snprintf(why, 256, "%.200s: not a store of Bakery", o->path);
	else
		snprintf(why, 256, "%.128s: %.120s", o->path, more[0] ? more : err_text(err));
	return err;
}

int engine_reopen(struct engine *e)
{
	int err;

	close_connection(e);
	err = failpoint("store.reopen");
	if (err == 0)
		err = open_connection(e);
	/* Did that commit happen after all? Then the numbers of its events are used, and these are they. */
	if (err == 0 && e->doubt->count > 0 &&
	    (int64_t)e->doubt->events[e->doubt->count - 1].seq != e->ids.next_seq - 1)
		batch_cut_events(e->doubt, 0);
	/* So that nothing of the failed commit stays behind the next ones. If it cannot be done now, that is not a reason to stay closed. */
	if (err == 0)
		checkpoint(e, SQLITE_CHECKPOINT_RESTART);
	return err;
}

void engine_close(struct engine *e)
{
	batch_free(e->doubt);
	e->doubt = NULL;
	close_connection(e);
	mark_close(&e->mark);
	buf_clear(&e->packed);
}

int engine_checkpoint(struct engine *e, bool restart)
{
	return checkpoint(e, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
}

/* ---- a transaction ---- */

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
		close_connection(e);
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

/* Notes how much of the WAL is on the disk now. Without the mark all goes on, only damage is told from a crash less surely. */
static void note_synced(struct engine *e)
{
	struct mark_value value = {.frames = (uint32_t)e->wal_frames};
	char path[PATH_MAX];

	if (e->o.sync != 0)
		return;
	if (e->wal_fd < 0 && wal_path(e, "-wal", path) == 0)
		e->wal_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (e->wal_fd >= 0 && walscan_salts(e->wal_fd, value.salts) == 0)
		mark_write(&e->mark, &value);
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
			close_connection(e);
		return;
	}
	note_synced(e);
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

/* ---- for ops_*.c ---- */

int engine_load(struct engine *e, int64_t id, struct row *out, int *why)
{
	sqlite3_stmt *st = e->st[SQL_ORDER_GET];
	int err;

	sqlite3_bind_int64(st, 1, id);
	err = db_step(st);
	if (err == 0) {
		*why = id >= e->ids.first_id && id < e->ids.next_id ? ERR_GONE : ERR_NOTFOUND;
		return 0;
	}
	if (err < 0)
		return err;
	err = row_from(st, out);
	sqlite3_reset(st);
	if (err == 0)
		return 1;
	if (err != ERR_CORRUPT)
		return err;
	log_error("damaged row in the store", log_int("order", id));
	e->corrupt++;
	*why = ERR_CORRUPT;
	return 0;
}

int engine_next(const struct row *r, enum order_event event, enum order_state *to)
{
	return order_state_next(row_state(r), r->v[ROW_CANCEL] != 0, event, to);
}

int engine_change(struct engine *e, struct row *r, enum order_state to, struct store_head *head)
{
	enum order_state from = r->v[ROW_SEQ] == 0 ? ORDER_STATES : row_state(r);
	struct store_event event = {
	    .seq = (uint64_t)e->ids.next_seq,
	    .id = r->id,
	    .time_ms = e->now_ms,
	    .recipe = names_text(e->names, r->v[ROW_RECIPE]),
	    .user = names_text(e->names, r->v[ROW_USER]),
	    .state = to,
	    .cause = (enum order_cause)r->v[ROW_CAUSE],
	    .attempt = (int)r->v[ROW_ATTEMPT],
	    .exit = (int)r->v[ROW_EXIT],
	    .signal = (int)r->v[ROW_SIGNAL],
	    .head = head,
	};

	if (batch_add_event(e->batch, &event, from) < 0) {
		store_head_free(head);
		return -ENOMEM;
	}
	r->v[ROW_STATE] = to;
	r->v[ROW_SEQ] = e->ids.next_seq++;
	return 0;
}

int engine_name(struct engine *e, const char *interned, int64_t *id)
{
	sqlite3_stmt *st = e->st[SQL_NAME_ADD];
	struct slice name = {interned, strlen(interned)};
	int err;

	if (names_id(interned) != 0) {
		*id = names_id(interned);
		return 0;
	}
	err = names_assign(e->names, interned);
	if (err < 0)
		return err;
	*id = names_id(interned);
	sqlite3_bind_int64(st, 1, *id);
	sqlite3_bind_int64(st, 3, (int64_t)row_bytes_checksum(*id, name));
	err = db_bind_blob(st, 2, name);
	return err < 0 ? err : db_run(st);
}

int engine_head(struct engine *e, const struct row *r, struct store_head **out)
{
	sqlite3_stmt *st = e->st[SQL_PAYLOAD_GET];
	int64_t bytes = r->v[ROW_PAYLOAD_BYTES];
	struct slice payload = {0};
	int err = 0;

	if (bytes > 0 && bytes <= STORE_INLINE_PAYLOAD) {
		sqlite3_bind_int64(st, 1, r->id);
		err = db_step(st);
		if (err < 0)
			return err;
		if (err > 0)
			payload = db_column(st, 1);
		/* Damaged or missing: it goes along without, and whoever reads it when it starts is told. */
		if (payload.len != (size_t)bytes ||
		    row_bytes_checksum(r->id, payload) != (uint64_t)sqlite3_column_int64(st, 0))
			payload.data = NULL;
	}
	*out = row_to_head(r, e->names, payload);
	sqlite3_reset(st);
	return *out ? 0 : -ENOMEM;
}
