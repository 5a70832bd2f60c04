/* The engine on a disk that fails, under a process that is killed, and with files that are damaged: what was acknowledged is there, what was refused is not. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/reads.h"
#include "tests/unit/engine_world.h"
#include "tests/unit/fault_vfs.h"
#include "tests/unit/unit.h"

static struct engine_world w;

static void fresh(const char *name)
{
	memset(&w, 0, sizeof w);
	engine_world_path(&w, name);
}

/* ---- a disk that fails ---- */

enum { ORDERS = 4 };

struct told {
	int64_t id;
	int submit, start, step, finish; /* what was answered */
};

static enum order_state end_of(int i)
{
	return i % 2 == 0 ? ORDER_DONE : ORDER_FAILED;
}

/*
 * What one would see of an answer: a submission, its start, a result of a step, its end (every other one fails). Each a commit of its own; a broken engine is
 * opened again as the writer does.
 */
static void small_scenario(struct told told[ORDERS])
{
	for (int i = 0; i < ORDERS; i++) {
		struct store_start start = {.attempt = 1};
		struct store_finish finish = {.attempt = 1, .next = end_of(i), .cause = CAUSE_EXIT};
		char payload[3000];

		memset(payload, 'a' + i, sizeof payload);
		payload[sizeof payload - 1] = '\0';
		told[i] = (struct told){.start = ERR_STATE, .step = ERR_STATE, .finish = ERR_STATE};
		told[i].submit = engine_world_submit(&w, payload, NULL, &told[i].id);
		if (!w.engine.db)
			engine_reopen(&w.engine);
		if (i == ORDERS / 2 && w.engine.db)
			engine_checkpoint(&w.engine, false);
		if (told[i].submit < 0)
			continue;
		start.id = finish.id = told[i].id;
		finish.outcome.result = payload;
		finish.outcome.result_len = 100;
		told[i].start = engine_world_apply(&w, OP_START, &start.op);
		if (!w.engine.db)
			engine_reopen(&w.engine);
		told[i].step = engine_world_step(&w, told[i].id, 0, payload);
		if (!w.engine.db)
			engine_reopen(&w.engine);
		told[i].finish = engine_world_apply(&w, OP_FINISH, &finish.op);
		if (!w.engine.db)
			engine_reopen(&w.engine);
	}
}

/* extra: orders that were submitted beyond those. */
static void check_told(const struct told told[ORDERS], int extra)
{
	int64_t submitted = 0, certain = 0, uncertain = 0;

	for (int i = 0; i < ORDERS; i++) {
		ck_assert(
		    told[i].submit == 0 || told[i].submit == ERR_STORAGE || told[i].submit == ERR_UNCERTAIN);
		uncertain += told[i].submit == ERR_UNCERTAIN;
		certain += told[i].submit == 0;
		if (told[i].submit < 0)
			continue;
		enum order_state state = engine_world_state(&w, told[i].id);
		ck_assert_int_ne(state, ORDER_STATES);
		if (told[i].finish == 0)
			ck_assert_int_eq(state, end_of(i));
		else if (told[i].start == 0)
			ck_assert(state == ORDER_RUNNING ||
				  (told[i].finish == ERR_UNCERTAIN && state == end_of(i)));
		int steps = engine_world_steps(&w, told[i].id);
		if (told[i].step == 0)
			ck_assert_int_eq(steps, state != ORDER_DONE);
		else if (told[i].step != ERR_UNCERTAIN)
			ck_assert_int_eq(steps, 0);
	}
	ck_assert_int_eq(db_query_int(w.engine.db, "SELECT count(*) FROM orders", &submitted), 0);
	submitted -= extra;
	ck_assert_int_ge(submitted, certain);
	ck_assert_int_le(submitted, certain + uncertain);
}

/* Every n-th operation fails with this code until the scenario no longer comes so far. */
static void fail_each(int code, bool forever)
{
	for (int n = 1;; n++) {
		struct told told[ORDERS];
		char name[64];
		int done;

		snprintf(name, sizeof name, "fail-%d-%d-%d", code, forever, n);
		fresh(name);
		fault_vfs_arm(0, 0, false);
		ck_assert_int_eq(engine_world_open(&w), 0);
		fault_vfs_arm(n, code, forever);
		small_scenario(told);
		done = fault_vfs_count();
		fault_vfs_arm(0, 0, false);
		/* The disk is well again: all goes on, also without a restart. */
		if (!w.engine.db)
			ck_assert_int_eq(engine_reopen(&w.engine), 0);
		check_told(told, 0);
		engine_world_check(&w);
		int64_t id;
		ck_assert_int_eq(engine_world_submit(&w, "after", NULL, &id), 0);
		engine_world_close(&w);
		ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
		check_told(told, 1);
		engine_world_check(&w);
		engine_world_close(&w);
		if (done < n)
			break;
	}
}

START_TEST (every_write_or_sync_fails_once) {
	fail_each(SQLITE_IOERR_WRITE, false);
}
END_TEST

START_TEST (disk_fails_for_a_while) {
	fail_each(SQLITE_IOERR_WRITE, true);
}
END_TEST

START_TEST (disk_is_full_for_a_while) {
	fail_each(SQLITE_FULL, true);
}
END_TEST

START_TEST (full_disk_is_a_refusal) {
	int64_t id;

	fresh("full");
	ck_assert_int_eq(engine_world_open(&w), 0);
	fault_vfs_arm(1, SQLITE_FULL, true);
	ck_assert_int_eq(engine_world_submit(&w, "x", NULL, &id), ERR_STORAGE);
	fault_vfs_arm(0, 0, false);
	ck_assert_int_eq(engine_world_submit(&w, "x", NULL, &id), 0);
	engine_world_check(&w);
	engine_world_close(&w);
}
END_TEST

/* Opening fails at every n-th operation, of a new store and of one that a crash has left: the next opening finds all of it. */
static void open_with_failures(const char *path, int orders, int code)
{
	for (int n = 1;; n++) {
		int64_t found;
		int err, done;

		fault_vfs_arm(n, code, true);
		err = engine_world_open(&w);
		done = fault_vfs_count();
		fault_vfs_arm(0, 0, false);
		if (err == 0)
			engine_world_close(&w);
		else
			ck_assert(err == -EIO || err == -ENOSPC);
		ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
		ck_assert_int_eq(db_query_int(w.engine.db, "SELECT count(*) FROM orders", &found), 0);
		ck_assert_int_eq(found, orders);
		engine_world_check(&w);
		engine_world_close(&w);
		if (done < n)
			return;
		if (orders == 0)
			unlink(path);
	}
}

START_TEST (opening_fails_at_every_place) {
	static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL};

	for (int i = 0; i < 2; i++) {
		fresh("new");
		open_with_failures(w.path, 0, codes[i]);
		unlink(w.path);
	}
}
END_TEST

/* ---- a process that is killed ---- */

/* What was acknowledged of an order, as one number: that it is accepted, that a step's result is stored, that it has ended. */
enum { SUBMITTED, STEPPED, ENDED, ACKS };

static void acknowledge(int fd, int64_t id, int what)
{
	int64_t ack = id * ACKS + what;

	if (write(fd, &ack, sizeof ack) != sizeof ack)
		_exit(0);
}

/* Commits batches of orders and their changes for ever, and writes what was acknowledged to fd. Orders with an odd id fail. */
static void commit_for_ever(int fd)
{
	if (engine_world_open(&w) < 0)
		_exit(1);
	for (;;) {
		struct store_submit submits[20];
		struct store_start starts[20];
		struct store_step steps[20];
		struct store_finish finishes[20];
		struct batch *b = batch_new();

		for (int i = 0; i < 20; i++) {
			submits[i] = (struct store_submit){.op.kind = OP_SUBMIT,
			    .recipe = w.recipe,
			    .user = w.user,
			    .payload = {"flour", 5},
			    .retries = -1,
			    .timeout_ms = -1};
			STAILQ_INSERT_TAIL(&b->ops, &submits[i].op, entry);
		}
		engine_apply(&w.engine, b);
		batch_free(b);
		b = batch_new();
		for (int i = 0; i < 20; i++) {
			acknowledge(fd, submits[i].id, SUBMITTED);
			starts[i] = (struct store_start){
			    .op.kind = OP_START, .id = submits[i].id, .attempt = 1};
			steps[i] = (struct store_step){
			    .op.kind = OP_STEP, .id = submits[i].id, .attempt = 1, .result = {"dough", 5}};
			STAILQ_INSERT_TAIL(&b->ops, &starts[i].op, entry);
			STAILQ_INSERT_TAIL(&b->ops, &steps[i].op, entry);
		}
		engine_apply(&w.engine, b);
		batch_free(b);
		b = batch_new();
		for (int i = 0; i < 20; i++) {
			acknowledge(fd, submits[i].id, STEPPED);
			finishes[i] = (struct store_finish){.op.kind = OP_FINISH,
			    .id = submits[i].id,
			    .attempt = 1,
			    .next = end_of((int)(submits[i].id % 2)),
			    .cause = CAUSE_EXIT};
			STAILQ_INSERT_TAIL(&b->ops, &finishes[i].op, entry);
		}
		engine_apply(&w.engine, b);
		batch_free(b);
		for (int i = 0; i < 20; i++)
			acknowledge(fd, submits[i].id, ENDED);
		engine_checkpoint(&w.engine, false);
	}
}

static void kill_after(int acks)
{
	int fds[2], status;
	int64_t *seen = calloc(100000, sizeof(*seen));
	size_t count = 0;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		commit_for_ever(fds[1]);
	}
	close(fds[1]);
	/* Everything that it acknowledged counts, also what is still in the pipe when it dies. */
	while (count < 100000 && read(fds[0], &seen[count], 8) == 8) {
		if (++count == (size_t)acks)
			kill(child, SIGKILL);
	}
	close(fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_msg(engine_world_open(&w) == 0, "%s", w.why);
	engine_world_check(&w);
	for (size_t i = 0; i < count; i++) {
		int64_t id = seen[i] / ACKS;
		enum order_state state = engine_world_state(&w, id);
		ck_assert_int_ne(state, ORDER_STATES);
		if (seen[i] % ACKS == ENDED)
			ck_assert_int_eq(state, end_of((int)(id % 2)));
		if (seen[i] % ACKS >= STEPPED)
			ck_assert_int_eq(engine_world_steps(&w, id), state != ORDER_DONE);
	}
	engine_world_close(&w);
	free(seen);
}

START_TEST (a_killed_writer_loses_nothing) {
	fresh("kill");
	for (int i = 0; i < 12; i++)
		kill_after(37 * i + 1);
}
END_TEST

/* ---- damage ---- */

/* A store as a crash leaves it: ten orders in the log, nothing of them in the database. */
static void crashed_store(struct engine_world *crashed, int64_t ids[10], const char *name)
{
	fresh("source");
	ck_assert_int_eq(engine_world_open(&w), 0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(engine_world_submit(&w, "flour", NULL, &ids[i]), 0);
	memset(crashed, 0, sizeof *crashed);
	engine_world_path(crashed, name);
	engine_world_copy(&w, crashed);
	engine_world_close(&w);
	unlink(w.path);
}

static void flip(const char *path, const char *suffix, off_t at, int bit)
{
	char name[600];
	unsigned char byte;
	int fd;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	fd = open(name, O_RDWR);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= (unsigned char)(1 << bit);
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static off_t size_of(const char *path, const char *suffix)
{
	char name[600];
	struct stat st;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	ck_assert_int_eq(stat(name, &st), 0);
	return st.st_size;
}

START_TEST (crash_leaves_all_that_was_committed) {
	struct engine_world crashed;
	int64_t ids[10];

	crashed_store(&crashed, ids, "crash");
	ck_assert_msg(engine_world_open(&crashed) == 0, "%s", crashed.why);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(engine_world_state(&crashed, ids[i]), ORDER_QUEUED);
	engine_world_check(&crashed);
	engine_world_close(&crashed);
}
END_TEST

START_TEST (opening_after_a_crash_fails_at_every_place) {
	struct engine_world crashed;
	int64_t ids[10];

	crashed_store(&crashed, ids, "crash-open");
	for (int n = 1;; n++) {
		struct engine_world copy = {.max_queued = 0};
		int err, done;

		engine_world_path(&copy, "crash-open-copy");
		engine_world_copy(&crashed, &copy);
		fault_vfs_arm(n, SQLITE_IOERR_WRITE, true);
		err = engine_world_open(&copy);
		done = fault_vfs_count();
		fault_vfs_arm(0, 0, false);
		if (err == 0)
			engine_world_close(&copy);
		ck_assert_msg(engine_world_open(&copy) == 0, "%s", copy.why);
		for (int i = 0; i < 10; i++)
			ck_assert_int_eq(engine_world_state(&copy, ids[i]), ORDER_QUEUED);
		engine_world_check(&copy);
		engine_world_close(&copy);
		if (done < n)
			break;
	}
}
END_TEST

/* A crash on a full disk: all is read, nothing is accepted; when there is room again, all goes on, also after another crash. */
START_TEST (a_store_opens_on_a_full_disk) {
	struct engine_world crashed, copy = {0}, again = {0};
	int64_t ids[10], id;

	crashed_store(&crashed, ids, "full-open");
	engine_world_path(&copy, "full-open-copy");
	engine_world_copy(&crashed, &copy);
	/* The log is synced, then its pages do not fit into the database. */
	fault_vfs_arm(2, SQLITE_FULL, true);
	ck_assert_msg(engine_world_open(&copy) == 0, "%s", copy.why);
	ck_assert_int_ge(fault_vfs_count(), 2);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(engine_world_state(&copy, ids[i]), ORDER_QUEUED);
	ck_assert_int_eq(engine_world_submit(&copy, "x", NULL, &id), ERR_STORAGE);
	fault_vfs_arm(0, 0, false);
	ck_assert_int_eq(engine_world_submit(&copy, "x", NULL, &id), 0);
	engine_world_path(&again, "full-open-again");
	engine_world_copy(&copy, &again);
	engine_world_close(&copy);
	ck_assert_msg(engine_world_open(&again) == 0, "%s", again.why);
	ck_assert_int_eq(engine_world_state(&again, id), ORDER_QUEUED);
	engine_world_check(&again);
	engine_world_close(&again);
}
END_TEST

START_TEST (a_flipped_bit_in_the_log_is_refused) {
	struct engine_world crashed;
	int64_t ids[10];
	off_t size;

	crashed_store(&crashed, ids, "flips");
	size = size_of(crashed.path, "-wal");
	for (off_t at = 3; at < size; at += 997) {
		struct engine_world copy = {0};

		engine_world_path(&copy, "flipped");
		engine_world_copy(&crashed, &copy);
		flip(copy.path, "-wal", at, (int)(at % 8));
		ck_assert_msg(engine_world_open(&copy) == ERR_CORRUPT, "bit at %lld", (long long)at);
		ck_assert_ptr_nonnull(strstr(copy.why, "damaged"));
	}
}
END_TEST

START_TEST (a_log_that_is_gone_or_cut_short_is_refused) {
	struct engine_world crashed;
	int64_t ids[10];
	char name[600];

	crashed_store(&crashed, ids, "short");
	snprintf(name, sizeof name, "%s-wal", crashed.path);
	ck_assert_int_eq(truncate(name, size_of(crashed.path, "-wal") - 100), 0);
	ck_assert_int_eq(engine_world_open(&crashed), ERR_CORRUPT);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(engine_world_open(&crashed), ERR_CORRUPT);
	ck_assert_ptr_nonnull(strstr(crashed.why, "missing"));
}
END_TEST

/* Without the mark (a power cut may leave an old one): what cannot be the rest of one transaction is damage; the last one cut off is not. */
START_TEST (a_torn_tail_is_not_damage) {
	struct engine_world crashed, torn = {0};
	int64_t ids[10];
	char name[600];

	crashed_store(&crashed, ids, "torn");
	snprintf(name, sizeof name, "%s-mark", crashed.path);
	ck_assert_int_eq(truncate(name, 0), 0);
	engine_world_path(&torn, "torn-copy");
	engine_world_copy(&crashed, &torn);
	flip(torn.path, "-wal", size_of(torn.path, "-wal") - 50, 0);
	ck_assert_msg(engine_world_open(&torn) == 0, "%s", torn.why);
	ck_assert_int_eq(engine_world_state(&torn, ids[8]), ORDER_QUEUED);
	ck_assert_int_eq(engine_world_state(&torn, ids[9]), ORDER_STATES);
	engine_world_check(&torn);
	engine_world_close(&torn);

	flip(crashed.path, "-wal", size_of(crashed.path, "-wal") / 2, 0);
	ck_assert_int_eq(engine_world_open(&crashed), ERR_CORRUPT);
}
END_TEST

static void change(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(w.path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

START_TEST (a_newer_version_is_refused) {
	fresh("newer");
	ck_assert_int_eq(engine_world_open(&w), 0);
	engine_world_close(&w);
	change("PRAGMA user_version=99");
	ck_assert_int_eq(engine_world_open(&w), ERR_NEWER);
	ck_assert_ptr_nonnull(strstr(w.why, "newer version"));
}
END_TEST

START_TEST (another_database_is_refused) {
	fresh("other");
	change("CREATE TABLE t(x)");
	ck_assert_int_eq(engine_world_open(&w), ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(w.why, "not a store"));
	fresh("text");
	FILE *f = fopen(w.path, "w");
	fputs("This is not a database at all, but a text that somebody put there.\n", f);
	fclose(f);
	ck_assert_int_eq(engine_world_open(&w), ERR_CORRUPT);
}
END_TEST

/* More damaged rows than a refill asks for, in front of the others: it comes past them, and so does a list, by pages smaller than they are. */
START_TEST (damaged_rows_hold_up_nobody) {
	struct store_refill refill = {.from_start = true, .limit = 2};
	struct store_list list = {.op.kind = OP_LIST, .count = 1, .since_ms = 7200 * 1000};
	struct reads reads;
	int64_t ids[8];
	int listed = 0;

	fresh("rows");
	ck_assert_int_eq(engine_world_open(&w), 0);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(engine_world_submit(&w, "flour", NULL, &ids[i]), 0);
	engine_world_close(&w);
	/* Not the last two; and they look very old. */
	change("UPDATE orders SET created=1 WHERE id<(SELECT max(id) FROM orders)-1");
	ck_assert_int_eq(engine_world_open(&w), 0);
	refill.recipe = w.recipe;
	ck_assert_int_eq(engine_world_apply(&w, OP_REFILL, &refill.op), 0);
	ck_assert_uint_eq(refill.count, 2);
	ck_assert_int_eq(refill.heads[0]->id, ids[6]);
	ck_assert_int_eq(refill.heads[1]->id, ids[7]);
	for (int i = 0; i < 2; i++)
		store_head_free(refill.heads[i]);
	free(refill.heads);
	engine_world_close(&w);

	/* Now all of them are, and another comes behind. */
	change("UPDATE orders SET created=1 WHERE id>=(SELECT max(id) FROM orders)-1");
	ck_assert_int_eq(engine_world_open(&w), 0);
	refill.recipe = w.recipe;
	ck_assert_int_eq(engine_world_submit(&w, "sugar", NULL, &ids[0]), 0);
	ck_assert_int_eq(engine_world_apply(&w, OP_REFILL, &refill.op), 0);
	ck_assert_uint_eq(refill.count, 1);
	ck_assert(refill.end);
	store_head_free(refill.heads[0]);
	free(refill.heads);
	for (int i = 1; i < 8; i++)
		ck_assert_int_eq(engine_world_submit(&w, "sugar", NULL, &ids[i]), 0);
	engine_world_close(&w);
	change("UPDATE orders SET created=1 WHERE id=(SELECT max(id) FROM orders)");
	ck_assert_int_eq(engine_world_open(&w), 0);
	ck_assert_int_eq(reads_open(&reads, w.path, NULL, w.names), 0);
	do {
		reads_serve(&reads, &list.op);
		ck_assert_int_eq(list.op.error, 0);
		for (size_t i = 0; i < list.order_count; i++) {
			ck_assert_int_eq(list.orders[i].id, ids[6 - listed]);
			store_order_clear(&list.orders[i]);
			listed++;
		}
		free(list.orders);
		list.cursor = list.next_cursor;
	} while (list.cursor != 0);
	ck_assert_int_eq(listed, 7);
	reads_close(&reads);
	engine_world_close(&w);
}
END_TEST

START_TEST (a_damaged_row_is_never_served) {
	struct store_start start = {.attempt = 1};
	int64_t id, other;

	fresh("row");
	ck_assert_int_eq(engine_world_open(&w), 0);
	ck_assert_int_eq(engine_world_submit(&w, "flour", NULL, &id), 0);
	ck_assert_int_eq(engine_world_submit(&w, "sugar", NULL, &other), 0);
	engine_world_close(&w);
	change("UPDATE orders SET priority=1 WHERE id=(SELECT min(id) FROM orders)");
	ck_assert_int_eq(engine_world_open(&w), 0);
	start.id = id;
	ck_assert_int_eq(engine_world_apply(&w, OP_START, &start.op), ERR_CORRUPT);
	/* It holds up nobody else, also not in its own queue. */
	struct store_refill refill = {.recipe = w.recipe, .from_start = true, .limit = 10};
	ck_assert_int_eq(engine_world_apply(&w, OP_REFILL, &refill.op), 0);
	ck_assert_uint_eq(refill.count, 1);
	ck_assert_int_eq(refill.heads[0]->id, other);
	store_head_free(refill.heads[0]);
	free(refill.heads);
	engine_world_close(&w);
}
END_TEST

/* Every bit of a step's record in the file: nobody gets other bytes, or another count, than what was stored. */
START_TEST (a_flipped_bit_in_a_step_is_never_served) {
	static const char result[] = "this dough is good dough";
	enum { RESULT = sizeof result - 1, HEADER = 7, INTEGERS = 24, RECORD = HEADER + INTEGERS + RESULT };
	struct store_start start = {.attempt = 1};
	struct reads reads;
	char *file, *found;
	int harmless = 0;

	fresh("step");
	ck_assert_int_eq(engine_world_open(&w), 0);
	ck_assert_int_eq(engine_world_submit(&w, "flour", NULL, &start.id), 0);
	ck_assert_int_eq(engine_world_apply(&w, OP_START, &start.op), 0);
	struct store_step step = {
	    .id = start.id, .attempt = 1, .digest = 0x8badcafe12345678, .result = {result, RESULT}};
	ck_assert_int_eq(engine_world_apply(&w, OP_STEP, &step.op), 0);
	engine_world_close(&w);
	off_t size = size_of(w.path, ""), at = 0;
	file = malloc((size_t)size);
	int fd = open(w.path, O_RDONLY);
	ck_assert_int_eq(read(fd, file, (size_t)size), size);
	close(fd);
	found = memmem(file, (size_t)size, result, RESULT);
	ck_assert_ptr_nonnull(found);
	at = found - file - HEADER - INTEGERS;
	ck_assert_int_eq(file[at], HEADER);
	free(file);
	ck_assert_int_eq(engine_world_open(&w), 0);
	for (int bit = 0; bit < 2 * 8 * RECORD; bit++) {
		bool wanted = bit % 2;
		struct store_steps steps = {
		    .op.kind = OP_STEPS, .id = step.id, .digest = step.digest, .wanted = wanted};

		flip(w.path, "", at + bit / 16, bit / 2 % 8);
		ck_assert_int_eq(reads_open(&reads, w.path, NULL, w.names), 0);
		reads_serve(&reads, &steps.op);
		if (steps.op.error == 0) {
			ck_assert_int_eq(steps.count, 1);
			ck_assert_uint_eq(steps.result_count, wanted);
			if (wanted) {
				ck_assert(!steps.results[0].cut && steps.results[0].len == RESULT);
				ck_assert_int_eq(memcmp(steps.results[0].bytes, result, RESULT), 0);
				harmless++;
			}
			store_steps_clear(&steps);
		} else {
			ck_assert_int_eq(steps.op.error, ERR_CORRUPT);
			ck_assert_ptr_null(steps.results);
		}
		reads_close(&reads);
		flip(w.path, "", at + bit / 16, bit / 2 % 8);
	}
	/* The key's place in the record is empty, and SQLite does not look at its type. */
	ck_assert_int_le(harmless, 8);
	engine_world_close(&w);
}
END_TEST

START_TEST (a_damaged_row_is_not_due_for_ever) {
	struct store_submit late = {.timeout_ms = -1, .retries = -1};
	struct store_promote promote = {.limit = 10};

	fresh("due");
	ck_assert_int_eq(engine_world_open(&w), 0);
	late.recipe = w.recipe;
	late.user = w.user;
	for (int i = 0; i < 3; i++) {
		late.delay_ms = i < 2 ? 1000 : 60000;
		ck_assert_int_eq(engine_world_apply(&w, OP_SUBMIT, &late.op), 0);
	}
	engine_world_close(&w);
	change("UPDATE orders SET priority=1 WHERE id=(SELECT min(id) FROM orders)");
	ck_assert_int_eq(engine_world_open(&w), 0);
	clock_test_advance(0, 1000);
	ck_assert_int_eq(engine_world_apply(&w, OP_PROMOTE, &promote.op), 0);
	ck_assert_int_eq(promote.promoted, 1);
	/* Whoever sleeps until the next one is due sleeps. */
	ck_assert_int_gt(promote.next_due_ms, clock_wall_ms());
	ck_assert_int_ne(promote.next_due_ms, INT64_MAX);
	engine_world_close(&w);
}
END_TEST

START_TEST (damaged_counters_are_refused) {
	int64_t id;

	fresh("counters");
	ck_assert_int_eq(engine_world_open(&w), 0);
	ck_assert_int_eq(engine_world_submit(&w, "flour", NULL, &id), 0);
	engine_world_close(&w);
	change("UPDATE counts SET queued=2");
	ck_assert_int_eq(engine_world_open(&w), ERR_CORRUPT);
	change("UPDATE counts SET queued=1");
	ck_assert_int_eq(engine_world_open(&w), 0);
	engine_world_close(&w);
	change("UPDATE ids SET next_seq=1");
	ck_assert_int_eq(engine_world_open(&w), ERR_CORRUPT);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("disk");
	tcase_add_test(t, every_write_or_sync_fails_once);
	tcase_add_test(t, disk_fails_for_a_while);
	tcase_add_test(t, disk_is_full_for_a_while);
	tcase_add_test(t, full_disk_is_a_refusal);
	tcase_add_test(t, opening_fails_at_every_place);
	tcase_add_test(t, opening_after_a_crash_fails_at_every_place);
	tcase_add_test(t, a_store_opens_on_a_full_disk);
	t = unit_case("kill");
	tcase_add_test(t, a_killed_writer_loses_nothing);
	t = unit_case("damage");
	tcase_add_test(t, crash_leaves_all_that_was_committed);
	tcase_add_test(t, a_flipped_bit_in_the_log_is_refused);
	tcase_add_test(t, a_log_that_is_gone_or_cut_short_is_refused);
	tcase_add_test(t, a_torn_tail_is_not_damage);
	tcase_add_test(t, a_newer_version_is_refused);
	tcase_add_test(t, another_database_is_refused);
	tcase_add_test(t, damaged_rows_hold_up_nobody);
	tcase_add_test(t, a_damaged_row_is_never_served);
	tcase_add_test(t, a_flipped_bit_in_a_step_is_never_served);
	tcase_add_test(t, a_damaged_row_is_not_due_for_ever);
	tcase_add_test(t, damaged_counters_are_refused);
	return unit_run();
}
