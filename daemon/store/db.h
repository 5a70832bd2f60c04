/*
 * A thin layer over sqlite3: opening a connection with this room's settings, preparing, binding, and one place where SQLite's result codes
 * become ours. Knows no table. A connection belongs to one thread at a time.
 */
#ifndef BAKERY_STORE_DB_H
#define BAKERY_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/buf.h"

enum { DB_PAGE_BYTES = 4096 };

struct db_options {
	const char *path;
	const char *vfs; /* NULL: the system's. Tests inject faults by one of their own */
	bool create;     /* when it is not there */
	bool read_only;  /* refuses every write */
	int sync;        /* 0 full, 1 normal, 2 off */
	int cache_kib;   /* pages kept in memory */
};

/* 0 or a negative code. *out is a connection in WAL mode, closed by db_close(). */
int db_open(const struct db_options *o, sqlite3 **out);
/* Statements must have been finalized. NULL is fine. */
void db_close(sqlite3 *db);

/* An SQLite result (extended) as one of our codes: 0, -ENOSPC, -EIO, -ENOMEM, ERR_CORRUPT, ERR_BUSY, ERR_INVALID. */
int db_error(int rc);
/* True when the machine is the reason (disk, memory), not the request: nothing in the batch could have gone better. */
bool db_error_is_machine(int error);

/* Runs SQL text that returns nothing. 0 or a negative code. */
int db_exec(sqlite3 *db, const char *sql);
/* The one integer that this SQL gives; 0 or a negative code. ERR_NOTFOUND: no row. */
int db_query_int(sqlite3 *db, const char *sql, int64_t *out);
/* Prepares a statement that will be used often. */
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);

/* Runs a statement that returns no row, and resets it. Parameters stay bound. */
int db_run(sqlite3_stmt *st);
/* One step of a query: 1 a row, 0 no further row, or a negative code; but for a row, the statement has been reset. */
int db_step(sqlite3_stmt *st);

/* Binds bytes that stay where they are until the statement is run: no copy is made. An empty slice is an empty blob. */
int db_bind_blob(sqlite3_stmt *st, int place, struct slice bytes);
/* The same for text; data NULL is NULL. */
int db_bind_text(sqlite3_stmt *st, int place, struct slice text);
/* The bytes of a column, until the next step or reset. */
struct slice db_column(sqlite3_stmt *st, int column);

#endif
