#include "daemon/store/db.h"

#include <pthread.h>
#include <stdio.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"

/* How long a connection waits for another one's lock. Only the recovery of a WAL and its restart ever make one wait. */
enum { BUSY_MS = 10000 };

/* Room for the small allocations of statements: without it they go through malloc. */
enum { LOOKASIDE_BYTES = 512, LOOKASIDE_COUNT = 128 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_sqlite_log(void *arg, int rc, const char *text)
{
	(void)arg;
	if ((rc & 0xff) == SQLITE_NOTICE || (rc & 0xff) == SQLITE_SCHEMA)
		return;
	log_warn("sqlite", log_int("code", rc), log_str("text", text));
}

/* Statistics of memory cost a lock at each allocation, and nobody reads them. Fails when SQLite is in use already: then it stays as it is. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, NULL);
}

int db_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
		return rc == SQLITE_IOERR_NOMEM ? -ENOMEM : rc == SQLITE_IOERR_CORRUPTFS ? ERR_CORRUPT : -EIO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	default:
		return ERR_INVALID;
	}
}

bool db_error_is_machine(int error)
{
	return error == -ENOSPC || error == -EIO || error == -ENOMEM || error == ERR_BUSY || error == -EACCES;
}

int db_exec(sqlite3 *db, const char *sql)
{
	return db_error(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return db_error(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

int db_query_int(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st;
	int err = db_error(sqlite3_prepare_v2(db, sql, -1, &st, NULL));

	if (err < 0)
		return err;
	err = db_step(st);
	if (err > 0)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return err > 0 ? 0 : err < 0 ? err : ERR_NOTFOUND;
}

/*
 * The order matters: auto_vacuum and the page size are chosen before the first write, the journal before the rest. In a database that is there already
 * they are as they are, and asking for auto_vacuum would write to it: also to one of a newer version, which is not ours to touch.
 */
static int set_up(sqlite3 *db, const struct db_options *o)
{
	static const char *const sync[] = {"full", "normal", "off"};
	char sql[512];
	int64_t wal = 0, pages = 0;
	int err = db_query_int(db, "PRAGMA page_count", &pages);

	if (err == 0 && pages == 0) {
		snprintf(
		    sql, sizeof sql, "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL", DB_PAGE_BYTES);
		err = db_exec(db, sql);
	}
	if (err < 0)
		return err;
	snprintf(sql, sizeof sql,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA wal_autocheckpoint=0; PRAGMA "
	    "journal_size_limit=%d; "
	    "PRAGMA secure_delete=OFF; PRAGMA cache_spill=OFF; PRAGMA cache_size=-%d; PRAGMA mmap_size=0; "
	    "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON",
	    sync[o->sync], 8 << 20, o->cache_kib);
	err = db_exec(db, sql);
	if (err == 0)
		err = db_query_int(db, "SELECT journal_mode='wal' FROM pragma_journal_mode", &wal);
	return err < 0 ? err : wal ? 0 : ERR_INVALID;
}

int db_open(const struct db_options *o, sqlite3 **out)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (o->create ? SQLITE_OPEN_CREATE : 0);
	int err;

	pthread_once(&once, configure);
	err = db_error(sqlite3_open_v2(o->path, &db, flags, o->vfs));
	if (err == 0) {
		sqlite3_extended_result_codes(db, 1);
		sqlite3_busy_timeout(db, BUSY_MS);
		sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_BYTES, LOOKASIDE_COUNT);
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		err = set_up(db, o);
	}
	if (err == 0 && o->read_only)
		err = db_exec(db, "PRAGMA query_only=ON");
	if (err < 0) {
		sqlite3_close(db);
		return err;
	}
	*out = db;
	return 0;
}

void db_close(sqlite3 *db)
{
	sqlite3_close(db);
}

int db_step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	sqlite3_reset(st);
	return db_error(rc);
}

int db_run(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return db_error(rc);
}

int db_bind_blob(sqlite3_stmt *st, int place, struct slice bytes)
{
	return db_error(
	    sqlite3_bind_blob64(st, place, bytes.len > 0 ? bytes.data : "", bytes.len, SQLITE_STATIC));
}

int db_bind_text(sqlite3_stmt *st, int place, struct slice text)
{
	if (!text.data)
		return db_error(sqlite3_bind_null(st, place));
	return db_error(sqlite3_bind_text64(st, place, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8));
}

struct slice db_column(sqlite3_stmt *st, int column)
{
	const char *bytes = sqlite3_column_blob(st, column);

	return (struct slice){.data = bytes, .len = (size_t)sqlite3_column_bytes(st, column)};
}
