#include "tests/unit/engine_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/steps.h"
#include "tests/unit/fault_vfs.h"
#include "tests/unit/unit.h"

void engine_world_path(struct engine_world *w, const char *name)
{
	/* What is tested outlives a process, not a machine: no need to wait for a disk. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	snprintf(w->path, sizeof w->path, "%s/%s.db", unit_dir(), name);
}

int engine_world_open(struct engine_world *w)
{
	struct engine_options o = {
	    .path = w->path, .vfs = "fault", .max_queued = w->max_queued ? w->max_queued : 1000000};
	int err;

	fault_vfs_register();
	ck_assert_int_eq(names_new(&w->names), 0);
	ck_assert_int_eq(counts_new(&w->counts), 0);
	o.owner = names_intern(w->names, "test", 4);
	w->recipe = names_intern(w->names, "cake", 4);
	w->user = names_intern(w->names, "shop", 4);
	err = engine_open(&w->engine, &o, w->names, w->counts, w->why);
	if (err < 0) {
		names_free(w->names);
		counts_free(w->counts);
	}
	return err;
}

void engine_world_close(struct engine_world *w)
{
	engine_close(&w->engine);
	names_free(w->names);
	counts_free(w->counts);
}

void engine_world_copy(const struct engine_world *w, struct engine_world *to)
{
	static const char *const suffixes[] = {"", "-wal", "-mark"};
	char command[1200];

	for (int i = 0; i < 3; i++) {
		snprintf(
		    command, sizeof command, "cp '%s%s' '%s%s'", w->path, suffixes[i], to->path, suffixes[i]);
		ck_assert_int_eq(system(command), 0);
	}
	snprintf(command, sizeof command, "%s-shm", to->path);
	unlink(command);
}

int engine_world_apply(struct engine_world *w, enum op_kind kind, struct store_op *op)
{
	struct batch *b = batch_new();

	ck_assert_ptr_nonnull(b);
	op->kind = kind;
	STAILQ_INSERT_TAIL(&b->ops, op, entry);
	b->op_count = 1;
	engine_apply(&w->engine, b);
	batch_free(b);
	return op->error;
}

int engine_world_submit(struct engine_world *w, const char *payload, const char *key, int64_t *id)
{
	struct store_submit r = {
	    .recipe = w->recipe,
	    .user = w->user,
	    .payload = {payload, strlen(payload)},
	    .key = {key, key ? strlen(key) : 0},
	    .timeout_ms = -1,
	    .retries = -1,
	};
	int err = engine_world_apply(w, OP_SUBMIT, &r.op);

	if (err == 0 || err == ERR_KEYCONFLICT)
		*id = r.id;
	return err;
}

enum order_state engine_world_state(struct engine_world *w, int64_t id)
{
	struct row row;
	enum order_state state;
	int why, err = engine_load(&w->engine, id, &row, &why);

	ck_assert_int_ge(err, 0);
	if (err == 0)
		return ORDER_STATES;
	state = row_state(&row);
	row_clear(&row);
	return state;
}

int engine_world_step(struct engine_world *w, int64_t id, int step, const char *result)
{
	struct store_step r = {
	    .id = id, .attempt = 1, .step = step, .digest = 7, .result = {result, strlen(result)}};

	return engine_world_apply(w, OP_STEP, &r.op);
}

int engine_world_steps(struct engine_world *w, int64_t id)
{
	sqlite3_stmt *st;
	struct step_row row;
	int count = 0, err;

	ck_assert_int_eq(db_prepare(w->engine.db, steps_sql_list, &st), 0);
	steps_list(st, id, UINT64_MAX);
	while ((err = steps_next(st, id, &row)) > 0)
		count++;
	ck_assert_int_eq(err, 0);
	sqlite3_finalize(st);
	return count;
}

/* ---- what must always hold ---- */

struct seen {
	int64_t id;
	enum order_state state;
	uint64_t seq;
};

static int by_id(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static sqlite3_stmt *query(struct engine_world *w, const char *sql)
{
	sqlite3_stmt *st;

	ck_assert_int_eq(row_prepare(w->engine.db, sql, &st), 0);
	return st;
}

static bool may_follow(enum order_state from, enum order_state to)
{
	for (int event = 0; event < ORDER_EVENTS; event++) {
		for (int cancel = 0; cancel < 2; cancel++) {
			enum order_state next;

			if (order_state_next(from, cancel, (enum order_event)event, &next) == 0 && next == to)
				return true;
		}
	}
	return false;
}

/* Walks the log; seen gets the last event of each order. */
static size_t check_events(struct engine_world *w, struct seen *seen)
{
	sqlite3_stmt *st = query(w, "SELECT seq,count,sum,bytes FROM events ORDER BY seq");
	uint64_t next = 1;
	size_t count = 0;

	while (db_step(st) > 0) {
		uint64_t seq = (uint64_t)sqlite3_column_int64(st, 0);
		size_t n = (size_t)sqlite3_column_int64(st, 1);
		struct slice bytes = db_column(st, 3);
		struct store_event *events = calloc(n, sizeof(*events));

		ck_assert_uint_eq(seq, next);
		ck_assert_uint_eq(events_checksum(seq, bytes), (uint64_t)sqlite3_column_int64(st, 2));
		ck_assert_int_eq(events_unpack(w->names, seq, n, bytes, events), 0);
		for (size_t i = 0; i < n; i++) {
			struct seen key = {.id = events[i].id};
			struct seen *s = bsearch(&key, seen, count, sizeof(key), by_id);

			if (!s) {
				/* Ids only grow, so a new one belongs at the end. */
				ck_assert(count == 0 || seen[count - 1].id < events[i].id);
				ck_assert(
				    events[i].state == ORDER_QUEUED || events[i].state == ORDER_SCHEDULED);
				s = &seen[count++];
			} else {
				ck_assert_msg(may_follow(s->state, events[i].state), "%d after %d",
				    (int)events[i].state, (int)s->state);
			}
			*s = (struct seen){events[i].id, events[i].state, events[i].seq};
		}
		next += n;
		free(events);
	}
	sqlite3_finalize(st);
	ck_assert_int_eq((int64_t)next, w->engine.ids.next_seq);
	return count;
}

/* The results of its steps; how many. */
static int check_steps(struct engine_world *w, const struct row *row)
{
	int count = engine_world_steps(w, row->id);

	ck_assert_int_eq(row->v[ROW_STEPS], count > 0);
	if (row_state(row) == ORDER_DONE)
		ck_assert_int_eq(count, 0);
	return count;
}

static void check_orders(struct engine_world *w, const struct seen *seen, size_t count, uint64_t by_state[])
{
	sqlite3_stmt *st = query(w, "SELECT @ FROM orders ORDER BY id");
	struct row row;
	int64_t steps = 0, stored = -1;
	size_t i = 0;

	for (; db_step(st) > 0; i++) {
		struct store_head *head;

		ck_assert_int_eq(row_from(st, &row), 0);
		ck_assert_uint_lt(i, count);
		ck_assert_int_eq(row.id, seen[i].id);
		ck_assert_int_eq(row_state(&row), seen[i].state);
		ck_assert_uint_eq((uint64_t)row.v[ROW_SEQ], seen[i].seq);
		ck_assert_int_lt(row.id, w->engine.ids.next_id);
		ck_assert_int_eq(engine_head(&w->engine, &row, &head), 0);
		ck_assert(head->has_payload || row.v[ROW_PAYLOAD_BYTES] > STORE_INLINE_PAYLOAD);
		store_head_free(head);
		steps += check_steps(w, &row);
		by_state[row.v[ROW_STATE]]++;
		row_clear(&row);
	}
	sqlite3_finalize(st);
	ck_assert_uint_eq(i, count);
	/* None is left of an order that is not there. */
	ck_assert_int_eq(db_query_int(w->engine.db, "SELECT count(*) FROM steps", &stored), 0);
	ck_assert_int_eq(stored, steps);
}

void engine_world_check(struct engine_world *w)
{
	uint64_t counted[ORDER_STATES] = {0}, kept[ORDER_STATES];
	struct seen *seen;
	int64_t n;
	size_t count;

	ck_assert_int_eq(
	    db_query_int(w->engine.db, "SELECT integrity_check='ok' FROM pragma_integrity_check", &n), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(db_query_int(w->engine.db,
			     "SELECT count(*) FROM keys WHERE id NOT IN (SELECT id FROM orders)", &n),
	    0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(db_query_int(w->engine.db, "SELECT count(*) FROM orders", &n), 0);
	seen = calloc((size_t)n + 1, sizeof(*seen));
	count = check_events(w, seen);
	check_orders(w, seen, count, counted);
	free(seen);
	counts_get(w->counts, NULL, kept);
	for (int i = 0; i < ORDER_STATES; i++)
		ck_assert_uint_eq(counted[i], kept[i]);
}
