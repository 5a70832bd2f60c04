#include "daemon/store/attempt.h"

#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"

/* The columns of `attempts` from `ended` to `worker`, in their order. */
static const enum row_column columns[] = {
    ROW_ENDED, ROW_EXIT, ROW_SIGNAL, ROW_ERROR, ROW_STARTED, ROW_FINISHED, ROW_CPU, ROW_RSS, ROW_WORKER};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

const char attempt_sql_message[] =
    "SELECT ended,exit,signal,error,started,finished,cpu,rss,worker,message,sum "
    "FROM attempts WHERE id=?1 AND attempt=?2";

static uint64_t checksum(int64_t id, int64_t attempt, const int64_t v[static COLUMNS], struct slice message)
{
	uint64_t sum = XXH3_64bits_withSeed(v, COLUMNS * sizeof(v[0]), (uint64_t)id);

	return XXH3_64bits_withSeed(message.data, message.len, sum + (uint64_t)attempt);
}

int attempt_add(sqlite3_stmt *st, const struct row *row, struct slice message)
{
	int64_t v[COLUMNS];
	int err;

	sqlite3_bind_int64(st, 1, row->id);
	sqlite3_bind_int64(st, 2, row->v[ROW_ATTEMPT]);
	for (int i = 0; i < COLUMNS; i++) {
		v[i] = row->v[columns[i]];
		sqlite3_bind_int64(st, 3 + i, v[i]);
	}
	err = db_bind_blob(st, 3 + COLUMNS, message);
	if (err < 0)
		return err;
	sqlite3_bind_int64(st, 4 + COLUMNS, (int64_t)checksum(row->id, row->v[ROW_ATTEMPT], v, message));
	return db_run(st);
}

int attempt_message(sqlite3_stmt *st, int64_t id, int64_t attempt, struct slice *message)
{
	int64_t v[COLUMNS];
	int err;

	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, attempt);
	err = db_step(st);
	if (err <= 0)
		return err;
	for (int i = 0; i < COLUMNS; i++)
		v[i] = sqlite3_column_int64(st, i);
	struct slice found = db_column(st, COLUMNS);
	if (checksum(id, attempt, v, found) != (uint64_t)sqlite3_column_int64(st, COLUMNS + 1)) {
		sqlite3_reset(st);
		return ERR_CORRUPT;
	}
	*message = found;
	return 1;
}
