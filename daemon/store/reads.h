/*
 * Reads: a connection of its own that sees what is committed. Serves a request synchronously: the reader thread drives it, and so do tests.
 */
#ifndef BAKERY_STORE_READS_H
#define BAKERY_STORE_READS_H

#include <sqlite3.h>

#include "daemon/store/names.h"
#include "daemon/store/row.h"
#include "daemon/store/store.h"

enum reads_statement {
#define STATEMENT(NAME, sql) READ_##NAME,
#include "daemon/store/reads.def"
#undef STATEMENT
	READS_STATEMENTS,
};

struct reads {
	sqlite3 *db;
	struct names *names;
	sqlite3_stmt *st[READS_STATEMENTS];
};

/* The store must have been opened by the engine. 0 or a negative code. */
int reads_open(struct reads *r, const char *path, const char *vfs, struct names *names);
void reads_close(struct reads *r);

/* A view of the store as it is now, for the requests until reads_end(): short, because the WAL cannot begin anew meanwhile. 0 or a negative code. */
int reads_begin(struct reads *r);
void reads_end(struct reads *r);

/* Serves one request: op->error is set. */
void reads_serve(struct reads *r, struct store_op *op);

/* ---- for read_*.c: 0 or the code that the requester is told ---- */

/* Reads an order, to be cleared. ERR_NOTFOUND, ERR_GONE, ERR_CORRUPT, ERR_STORAGE. */
int reads_load(struct reads *r, int64_t id, struct row *out);
int read_get(struct reads *r, struct store_op *op);
int read_bytes(struct reads *r, struct store_op *op);
int read_steps(struct reads *r, struct store_op *op);
int read_list(struct reads *r, struct store_op *op);
int read_place(struct reads *r, struct store_op *op);

#endif
