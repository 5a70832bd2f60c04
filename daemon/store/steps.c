#include "daemon/store/steps.h"

#include <assert.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/row.h"

const char steps_sql_add[] = "INSERT INTO steps VALUES(?1,?2,?3,?4,?5,?6)";
const char steps_sql_remove[] = "DELETE FROM steps WHERE place>=?1 AND place<?2";
/* SQLite reads a large blob only when the expression comes to it. */
const char steps_sql_list[] = "SELECT place,digest,cut,bytes_sum,sum,?3>>(place-?1)&1,"
			      "CASE WHEN ?3>>(place-?1)&1 THEN bytes END "
			      "FROM steps WHERE place>=?1 AND place<?2 ORDER BY place";

static int64_t place_of(int64_t id, int step)
{
	return id * STEPS_MAX + step;
}

static uint64_t checksum(int64_t id, int64_t step, uint64_t digest, int64_t cut, uint64_t bytes_sum)
{
	const uint64_t v[] = {(uint64_t)step, digest, (uint64_t)cut, bytes_sum};

	return XXH3_64bits_withSeed(v, sizeof v, (uint64_t)id);
}

int steps_add(sqlite3_stmt *st, const struct store_step *r)
{
	uint64_t bytes_sum = row_bytes_checksum(r->id, r->result);
	int err;

	assert(r->step >= 0 && r->step < STEPS_MAX);
	sqlite3_bind_int64(st, 1, place_of(r->id, r->step));
	sqlite3_bind_int64(st, 2, (int64_t)r->digest);
	sqlite3_bind_int64(st, 3, r->cut);
	sqlite3_bind_int64(st, 4, (int64_t)bytes_sum);
	sqlite3_bind_int64(st, 5, (int64_t)checksum(r->id, r->step, r->digest, r->cut, bytes_sum));
	err = db_bind_blob(st, 6, r->result);
	return err < 0 ? err : db_run(st);
}

int steps_remove(sqlite3_stmt *st, int64_t id, int from)
{
	sqlite3_bind_int64(st, 1, place_of(id, from));
	sqlite3_bind_int64(st, 2, place_of(id, STEPS_MAX));
	return db_run(st);
}

void steps_list(sqlite3_stmt *st, int64_t id, uint64_t wanted)
{
	sqlite3_bind_int64(st, 1, place_of(id, 0));
	sqlite3_bind_int64(st, 2, place_of(id, STEPS_MAX));
	sqlite3_bind_int64(st, 3, (int64_t)wanted);
}

int steps_next(sqlite3_stmt *st, int64_t id, struct step_row *out)
{
	int err = db_step(st);

	if (err <= 0)
		return err;
	int64_t step = sqlite3_column_int64(st, 0) - place_of(id, 0), cut = sqlite3_column_int64(st, 2);
	uint64_t digest = (uint64_t)sqlite3_column_int64(st, 1);
	uint64_t bytes_sum = (uint64_t)sqlite3_column_int64(st, 3);
	bool whole = checksum(id, step, digest, cut, bytes_sum) == (uint64_t)sqlite3_column_int64(st, 4);

	*out = (struct step_row){.step = (int)step, .cut = cut != 0, .digest = digest};
	if (sqlite3_column_int64(st, 5)) {
		out->bytes = db_column(st, 6);
		whole = whole && row_bytes_checksum(id, out->bytes) == bytes_sum;
		/* SQLite has no address for no bytes. */
		if (out->bytes.len == 0)
			out->bytes.data = "";
	}
	if (!whole) {
		sqlite3_reset(st);
		return ERR_CORRUPT;
	}
	return 1;
}
