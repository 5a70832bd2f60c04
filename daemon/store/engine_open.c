/* Opening the store, and again after a failed commit: the checks before SQLite sees the files, the connection, and what is kept in memory of the tables. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"
#include "daemon/store/schema.h"
#include "daemon/store/steps.h"

enum { WRITER_CACHE_KIB = 16 << 10 };

static const char *const sql_texts[ENGINE_STATEMENTS] = {
#define STATEMENT(NAME, sql) [SQL_##NAME] = sql,
#include "daemon/store/statement.def"
#undef STATEMENT
};

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

void engine_disconnect(struct engine *e)
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
	engine_log_watch(e);
	/* Above the time: ids remembered from a store that was wiped name no order of this one. */
	err = schema_migrate(e->db, clock_wall_ms() + 1);
	for (int i = 0; i < ENGINE_STATEMENTS && err == 0; i++)
		err = row_prepare(e->db, sql_texts[i], &e->st[i]);
	if (err == 0)
		err = load(e);
	if (err < 0)
		engine_disconnect(e);
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
		err = engine_path(e, "-mark", path);
	if (err == 0)
		err = mark_open(&e->mark, path);
	if (err == 0)
		err = engine_log_check(e, why);
	if (err == 0)
		err = open_connection(e);
	if (err < 0)
		return err;
	/* Anew, under new salts: what a crash has left beyond the last commit is never taken for part of this WAL. */
	err = mark_erase(&e->mark);
	if (err == 0)
		err = engine_log_checkpoint(e, SQLITE_CHECKPOINT_TRUNCATE);
	if (err == -ENOSPC) {
		/* What is stored can be read, and jobs that run be kept. Writes are refused until there is room. */
		log_warn("disk is full, the store's log stays", log_str("path", e->o.path));
		err = 0;
	}
	if (err < 0)
		engine_disconnect(e);
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

	engine_disconnect(e);
	err = failpoint("store.reopen");
	if (err == 0)
		err = open_connection(e);
	/* Did that commit happen after all? Then the numbers of its events are used, and these are they. */
	if (err == 0 && e->doubt->count > 0 &&
	    (int64_t)e->doubt->events[e->doubt->count - 1].seq != e->ids.next_seq - 1)
		batch_cut_events(e->doubt, 0);
	/* So that nothing of the failed commit stays behind the next ones. If it cannot be done now, that is not a reason to stay closed. */
	if (err == 0)
		engine_log_checkpoint(e, SQLITE_CHECKPOINT_RESTART);
	return err;
}

void engine_close(struct engine *e)
{
	batch_free(e->doubt);
	e->doubt = NULL;
	engine_disconnect(e);
	mark_close(&e->mark);
	buf_clear(&e->packed);
}
