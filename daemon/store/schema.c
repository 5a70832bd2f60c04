/* README.md says of each table and index what it is for and what it costs. */
#include "daemon/store/schema.h"

#include <stdio.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/events.h"

/* The literal states are those of daemon/order/state.def: 0 scheduled, 2 queued, 3 running. */
static const char first[] =
    "CREATE TABLE ids(one INTEGER PRIMARY KEY CHECK(one=1), created INTEGER NOT NULL, "
    "  first_id INTEGER NOT NULL, next_id INTEGER NOT NULL, next_seq INTEGER NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE names(id INTEGER PRIMARY KEY, name BLOB NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY,"
    "  recipe INTEGER NOT NULL, user INTEGER NOT NULL, priority INTEGER NOT NULL, created INTEGER NOT NULL,"
    "  timeout INTEGER NOT NULL, retries INTEGER NOT NULL, payload_bytes INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, batch INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, cause INTEGER NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    "  charged INTEGER NOT NULL, lost INTEGER NOT NULL, due INTEGER NOT NULL, queued INTEGER NOT NULL,"
    "  started INTEGER NOT NULL, finished INTEGER NOT NULL, waits INTEGER NOT NULL, owner INTEGER NOT NULL,"
    "  lease INTEGER NOT NULL, cancel INTEGER NOT NULL, worker INTEGER NOT NULL, ended INTEGER NOT NULL,"
    "  exit INTEGER NOT NULL, signal INTEGER NOT NULL, error INTEGER NOT NULL, cpu INTEGER NOT NULL,"
    "  rss INTEGER NOT NULL, result INTEGER NOT NULL, result_bytes INTEGER NOT NULL,"
    "  result_total INTEGER NOT NULL, message_bytes INTEGER NOT NULL,"
    "  key BLOB, uniq BLOB, by BLOB, reason BLOB, sum INTEGER NOT NULL);"
    "CREATE INDEX queued ON orders(recipe, priority DESC) WHERE state=2;"
    "CREATE INDEX scheduled ON orders(due) WHERE state=0;"
    "CREATE INDEX running ON orders(owner) WHERE state=3;"
    "CREATE TABLE attempts(id INTEGER, attempt INTEGER, ended INTEGER NOT NULL, exit INTEGER NOT NULL,"
    "  signal INTEGER NOT NULL, error INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL,"
    "  cpu INTEGER NOT NULL, rss INTEGER NOT NULL, worker INTEGER NOT NULL, message BLOB,"
    "  sum INTEGER NOT NULL, PRIMARY KEY(id, attempt)) WITHOUT ROWID;"
    "CREATE TABLE payloads(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE TABLE results(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE TABLE keys(user INTEGER, recipe INTEGER, key BLOB, id INTEGER NOT NULL, created INTEGER NOT NULL,"
    "  digest BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(user, recipe, key)) WITHOUT ROWID;"
    "CREATE TABLE counts(recipe INTEGER, user INTEGER, scheduled INTEGER NOT NULL, blocked INTEGER NOT NULL,"
    "  queued INTEGER NOT NULL, running INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL,"
    "  cancelled INTEGER NOT NULL, expired INTEGER NOT NULL, sum INTEGER NOT NULL,"
    "  PRIMARY KEY(recipe, user)) WITHOUT ROWID;"
    "CREATE TABLE events(seq INTEGER PRIMARY KEY, count INTEGER NOT NULL, time INTEGER NOT NULL,"
    "  sum INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE TABLE pauses(recipe INTEGER PRIMARY KEY, since INTEGER NOT NULL, by BLOB, reason BLOB,"
    "  sum INTEGER NOT NULL);";

/* Results of steps. The key is the order's id * 64 + the step's number; orders.steps tells which orders have any. */
static const char second[] =
    "ALTER TABLE orders ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE orders ADD COLUMN step INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE steps(place INTEGER PRIMARY KEY, digest INTEGER NOT NULL, cut INTEGER NOT NULL,"
    "  bytes_sum INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL);";

static const char *const migrations[] = {first, second};

enum { NEWEST = sizeof(migrations) / sizeof(migrations[0]) };

int schema_version(void)
{
	return NEWEST;
}

static int fill(sqlite3 *db, int64_t first_id)
{
	struct ids ids = {
	    .created_ms = clock_wall_ms(), .first_id = first_id, .next_id = first_id, .next_seq = 1};
	char sql[256];

	snprintf(sql, sizeof sql, "INSERT INTO ids VALUES(1,%lld,%lld,%lld,1,%lld)",
	    (long long)ids.created_ms, (long long)first_id, (long long)first_id,
	    (long long)ids_checksum(&ids));
	return db_exec(db, sql);
}

static int migrate_from(sqlite3 *db, int version, int64_t first_id)
{
	char sql[96];
	int err = 0;

	for (int i = version; i < NEWEST && err == 0; i++)
		err = db_exec(db, migrations[i]);
	if (err == 0 && version == 0)
		err = fill(db, first_id);
	if (err < 0)
		return err;
	snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d", SCHEMA_APPLICATION_ID,
	    NEWEST);
	return db_exec(db, sql);
}

int schema_migrate(sqlite3 *db, int64_t first_id)
{
	int64_t application = 0, version = 0, tables = 0;
	int err = db_query_int(db, "PRAGMA application_id", &application);

	if (err == 0)
		err = db_query_int(db, "PRAGMA user_version", &version);
	if (err == 0)
		err = db_query_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err < 0)
		return err;
	if (application != SCHEMA_APPLICATION_ID && (application != 0 || version != 0 || tables != 0))
		return ERR_INVALID;
	if (version > NEWEST)
		return ERR_NEWER;
	if (version < 0 || (application != 0 && version == 0))
		return ERR_CORRUPT;
	if (version == NEWEST)
		return 0;
	err = db_exec(db, "BEGIN IMMEDIATE");
	if (err < 0)
		return err;
	err = migrate_from(db, (int)version, first_id);
	if (err == 0)
		err = db_exec(db, "COMMIT");
	if (err < 0)
		db_exec(db, "ROLLBACK");
	return err;
}
