/* Stores that earlier versions of the program have left: opened, brought to the newest version, used. The files are dumps of what those programs wrote. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/reads.h"
#include "daemon/store/schema.h"
#include "tests/unit/engine_world.h"
#include "tests/unit/fault_vfs.h"
#include "tests/unit/unit.h"

/* What store_version_1.sql holds. */
enum { ORDERS = 4 };
static const int64_t first_id = 1795263663989;
static const enum order_state states[ORDERS] = {ORDER_DONE, ORDER_FAILED, ORDER_RUNNING, ORDER_QUEUED};

static struct engine_world w;

/* Makes the store at w.path from a dump. */
static void make(const char *dump)
{
	FILE *f = fopen(dump, "r");
	char sql[16384];
	size_t len;
	sqlite3 *db;

	ck_assert_ptr_nonnull(f);
	len = fread(sql, 1, sizeof sql - 1, f);
	ck_assert(feof(f));
	fclose(f);
	sql[len] = '\0';
	unlink(w.path);
	ck_assert_int_eq(sqlite3_open(w.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void check_orders(void)
{
	int64_t version;

	engine_world_check(&w);
	ck_assert_int_eq(db_query_int(w.engine.db, "PRAGMA user_version", &version), 0);
	ck_assert_int_eq(version, schema_version());
	for (int i = 0; i < ORDERS; i++) {
		ck_assert_int_eq(engine_world_state(&w, first_id + i), states[i]);
		ck_assert_int_eq(engine_world_steps(&w, first_id + i), 0);
	}
}

static void check_reads(void)
{
	struct store_get get = {.op.kind = OP_GET, .id = first_id + 1};
	struct store_read read = {.op.kind = OP_READ, .id = first_id, .limit = 100};
	struct store_steps steps = {.op.kind = OP_STEPS, .id = first_id + 2, .wanted = UINT64_MAX};
	struct reads reads;

	ck_assert_int_eq(reads_open(&reads, w.path, NULL, w.names), 0);
	reads_serve(&reads, &get.op);
	ck_assert_int_eq(get.op.error, 0);
	ck_assert_int_eq(get.order.attempt, 2);
	ck_assert_int_eq(get.order.charged, 2);
	ck_assert_str_eq(get.order.recipe, "cake");
	ck_assert_str_eq(get.order.message, "smoke");
	store_order_clear(&get.order);
	reads_serve(&reads, &read.op);
	ck_assert_int_eq(read.op.error, 0);
	ck_assert_uint_eq(read.len, 6);
	ck_assert_int_eq(memcmp(read.bytes, "a cake", 6), 0);
	free(read.bytes);
	reads_serve(&reads, &steps.op);
	ck_assert_int_eq(steps.op.error, 0);
	ck_assert_int_eq(steps.count, 0);
	reads_close(&reads);
}

START_TEST (version_1_is_migrated) {
	struct store_finish finish = {
	    .id = first_id + 2, .attempt = 1, .next = ORDER_DONE, .cause = CAUSE_EXIT};
	int64_t id;

	engine_world_path(&w, "version-1");
	make(VERSION_1);
	ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
	check_orders();
	check_reads();
	/* All goes on where it was: the key is known, and so is what runs. */
	ck_assert_int_eq(engine_world_submit(&w, "{\"eggs\":3}", "monday", &id), 0);
	ck_assert_int_eq(id, first_id);
	ck_assert_int_eq(engine_world_step(&w, finish.id, 0, "dough"), 0);
	ck_assert_int_eq(engine_world_steps(&w, finish.id), 1);
	engine_world_check(&w);
	ck_assert_int_eq(engine_world_apply(&w, OP_FINISH, &finish.op), 0);
	engine_world_check(&w);
	engine_world_close(&w);
	ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
	ck_assert_int_eq(engine_world_state(&w, finish.id), ORDER_DONE);
	engine_world_close(&w);
}
END_TEST

/* Whenever it ends, the store is of one version or of the other. */
START_TEST (migration_fails_at_every_place) {
	static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL};

	for (int i = 0; i < 2; i++) {
		for (int n = 1, done = n; done >= n; n++) {
			engine_world_path(&w, "version-1-fails");
			make(VERSION_1);
			fault_vfs_arm(n, codes[i], true);
			if (engine_world_open(&w) == 0)
				engine_world_close(&w);
			done = fault_vfs_count();
			fault_vfs_arm(0, 0, false);
			ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
			check_orders();
			engine_world_close(&w);
		}
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("versions");
	tcase_add_test(t, version_1_is_migrated);
	tcase_add_test(t, migration_fails_at_every_place);
	return unit_run();
}
