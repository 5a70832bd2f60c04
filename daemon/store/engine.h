/*
 * The engine: the writer's connection and what it knows. Applies a batch of requests in one transaction, synchronously: the writer thread drives
 * it, and so do tests. Knows neither threads nor the loop.
 *
 * A request is applied by one function (ops_*.c) that either answers (op->error, 0 or the code that the requester is told, nothing written unless 0) and returns 0,
 * or returns a negative code because a statement itself failed: then the transaction is rolled back, and if the request may be the reason,
 * the batch is applied again with a savepoint around each request, so that only that one fails.
 */
#ifndef BAKERY_STORE_ENGINE_H
#define BAKERY_STORE_ENGINE_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/order/state.h"
#include "daemon/store/batch.h"
#include "daemon/store/counts.h"
#include "daemon/store/events.h"
#include "daemon/store/mark.h"
#include "daemon/store/names.h"
#include "daemon/store/row.h"
#include "daemon/store/store.h"

enum engine_statement {
#define STATEMENT(NAME, sql) SQL_##NAME,
#include "daemon/store/statement.def"
#undef STATEMENT
	ENGINE_STATEMENTS,
};

enum op_kind {
#define OP(NAME, apply, when) OP_##NAME,
#include "daemon/store/op.def"
#undef OP
	OP_KINDS,
};

/* Who serves a request, and when. */
enum op_when {
	WHEN_COMMIT,
	WHEN_BETWEEN,
	WHEN_READ
}; /* in a transaction; by the writer between commits; by the reader */
enum op_when engine_op_when(int kind);

struct engine_options {
	const char *path;
	const char *vfs; /* NULL: the system's */
	int sync;
	const char *owner; /* interned */
	uint64_t max_queued;
};

struct engine {
	struct engine_options o;
	struct names *names;
	struct counts *counts;
	sqlite3 *db; /* NULL: broken, to be opened again */
	sqlite3_stmt *st[ENGINE_STATEMENTS];
	struct ids ids;      /* with what this transaction has used */
	int64_t open;        /* orders not final, as committed */
	int64_t now_ms;      /* of this transaction */
	struct batch *batch; /* of this transaction */
	/* The events of a commit that failed: kept until the database is open again and tells whether it happened all the same. If so, whoever drives the
	 * engine takes this batch, leaves an empty one, and tells of them like of any others: somebody may wait for them. */
	struct batch *doubt;
	struct buf packed; /* scratch */
	int wal_frames;    /* as of the last commit */
	int wal_fd;        /* to look at its header; -1: not open */
	struct mark mark;
	uint64_t stale;   /* finishes of attempts that were over */
	uint64_t corrupt; /* rows whose checksum was wrong */
};

/* Opens or creates the store. 0 or a negative code; why says more when it is ERR_CORRUPT, ERR_NEWER or ERR_INVALID. */
int engine_open(struct engine *e, const struct engine_options *o, struct names *names, struct counts *counts,
    char why[static 256]);
/* After a failed commit: closes, opens, reads ids, names and counts again. 0 or a negative code: then it may be tried again. */
int engine_reopen(struct engine *e);
void engine_close(struct engine *e);

/*
 * Applies all requests of the batch in one transaction and commits. Every op->error is set when it returns: on failure to ERR_STORAGE or
 * ERR_UNCERTAIN. After ERR_UNCERTAIN the engine is broken (engine_reopen). Requests that are served between commits are served after it.
 */
void engine_apply(struct engine *e, struct batch *b);

/* Brings WAL pages into the database. restart: so that the WAL begins anew; waits for readers. 0 or a negative code. */
int engine_checkpoint(struct engine *e, bool restart);

/* ---- within the engine (engine_open.c, engine_log.c) ---- */

/* Closes the connection: the engine is broken. Nothing happens when it is. */
void engine_disconnect(struct engine *e);
/* The path of one of the store's files. 0 or -ENAMETOOLONG. */
int engine_path(const struct engine *e, const char *suffix, char out[static PATH_MAX]);
/* Before SQLite opens it: nothing may be in the log that it would silently take for the log's end. 0 or a negative code with why. */
int engine_log_check(struct engine *e, char why[static 256]);
/* Keeps wal_frames up to date from now on. */
void engine_log_watch(struct engine *e);
/* mode: of sqlite3_wal_checkpoint_v2(). 0 or a negative code. */
int engine_log_checkpoint(struct engine *e, int mode);
/* After a commit: notes how much of the log is on the disk now. Without the mark all goes on, only damage is told from a crash less surely. */
void engine_log_synced(struct engine *e);

/* ---- for ops_*.c ---- */

/* Reads an order. 1 with *out set (to be cleared); 0 when it is not there: *why is ERR_NOTFOUND or ERR_GONE, or damaged: ERR_CORRUPT; or a negative code. */
int engine_load(struct engine *e, int64_t id, struct row *out, int *why);
/* Asks the order's table whether this event may happen. 0 with *to, or ERR_STATE. */
int engine_next(const struct row *r, enum order_event event, enum order_state *to);
/* Gives the row its new state and the next sequence number, and notes the event. Takes head, also on failure. The caller then writes the row. */
int engine_change(struct engine *e, struct row *r, enum order_state to, struct store_head *head);
/* A name's number; stores the name if it is new. */
int engine_name(struct engine *e, const char *interned, int64_t *id);
/* The head of a queued order, with its payload if that is small. 0 or a negative code. */
int engine_head(struct engine *e, const struct row *r, struct store_head **out);

/* When the first scheduled order is due that is due later than after_ms; INT64_MAX: none is. 0 or a negative code. */
int engine_next_due(struct engine *e, int64_t after_ms, int64_t *next_due_ms);

int op_submit(struct engine *e, struct store_op *op);
int op_start(struct engine *e, struct store_op *op);
int op_step(struct engine *e, struct store_op *op);
int op_finish(struct engine *e, struct store_op *op);
int op_cancel(struct engine *e, struct store_op *op);
int op_promote(struct engine *e, struct store_op *op);
int op_pause(struct engine *e, struct store_op *op);
int op_refill(struct engine *e, struct store_op *op);
int op_recover(struct engine *e, struct store_op *op);

#endif
