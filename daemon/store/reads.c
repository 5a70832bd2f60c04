#include "daemon/store/reads.h"

#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/attempt.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"
#include "daemon/store/steps.h"

enum { READER_CACHE_KIB = 4 << 10 };

static const char *const sql_texts[READS_STATEMENTS] = {
#define STATEMENT(NAME, sql) [READ_##NAME] = sql,
#include "daemon/store/reads.def"
#undef STATEMENT
};

int reads_open(struct reads *r, const char *path, const char *vfs, struct names *names)
{
	struct db_options o = {.path = path, .vfs = vfs, .read_only = true, .cache_kib = READER_CACHE_KIB};
	int err;

	*r = (struct reads){.names = names};
	err = db_open(&o, &r->db);
	for (int i = 0; i < READS_STATEMENTS && err == 0; i++)
		err = row_prepare(r->db, sql_texts[i], &r->st[i]);
	if (err < 0)
		reads_close(r);
	return err;
}

void reads_close(struct reads *r)
{
	for (int i = 0; i < READS_STATEMENTS; i++)
		sqlite3_finalize(r->st[i]);
	db_close(r->db);
	*r = (struct reads){0};
}

int reads_begin(struct reads *r)
{
	return db_run(r->st[READ_BEGIN]);
}

void reads_end(struct reads *r)
{
	if (!sqlite3_get_autocommit(r->db))
		db_run(r->st[READ_END]);
}

void reads_serve(struct reads *r, struct store_op *op)
{
	static int (*const serve[OP_KINDS])(struct reads *, struct store_op *) = {
	    [OP_GET] = read_get,
	    [OP_READ] = read_bytes,
	    [OP_STEPS] = read_steps,
	    [OP_LIST] = read_list,
	    [OP_PLACE] = read_place,
	};

	int err = serve[op->kind](r, op);

	if (err == ERR_CORRUPT)
		log_error("damaged data in the store", log_int("kind", op->kind));
	/* What is not an answer of ours is the machine's fault: the store cannot be read just now. */
	op->error = err > ERR_FIRST && err < ERR_LAST && err != ERR_BUSY ? err : err < 0 ? ERR_STORAGE : 0;
}

static int absent(struct reads *r, int64_t id)
{
	sqlite3_stmt *st = r->st[READ_IDS];
	int err = db_step(st), why;

	if (err <= 0)
		return err < 0 ? err : ERR_CORRUPT;
	why = id >= sqlite3_column_int64(st, 0) && id < sqlite3_column_int64(st, 1) ? ERR_GONE : ERR_NOTFOUND;
	sqlite3_reset(st);
	return why;
}

int reads_load(struct reads *r, int64_t id, struct row *out)
{
	sqlite3_stmt *st = r->st[READ_ORDER];
	int err;

	sqlite3_bind_int64(st, 1, id);
	err = db_step(st);
	if (err < 0)
		return err;
	if (err == 0)
		return absent(r, id);
	err = row_from(st, out);
	sqlite3_reset(st);
	return err;
}
