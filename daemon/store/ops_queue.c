/* What the scheduler asks for: the next of a queue, what a restarted daemon must know, and pauses. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"

int engine_next_due(struct engine *e, int64_t after_ms, int64_t *next_due_ms)
{
	sqlite3_stmt *st = e->st[SQL_NEXT_DUE];
	int err;

	sqlite3_bind_int64(st, 1, after_ms);
	err = db_step(st);
	if (err < 0)
		return err;
	*next_due_ms = err > 0 ? sqlite3_column_int64(st, 0) : INT64_MAX;
	sqlite3_reset(st);
	return 0;
}

/* ---- a growing list of heads ---- */

struct heads {
	struct store_head **list;
	size_t count, room;
};

static int heads_add(struct heads *h, struct store_head *head)
{
	if (h->count == h->room) {
		size_t room = h->room ? 2 * h->room : 64;
		struct store_head **more = realloc(h->list, room * sizeof(struct store_head *));

		if (!more)
			return -ENOMEM;
		h->list = more;
		h->room = room;
	}
	h->list[h->count++] = head;
	return 0;
}

static void heads_clear(struct heads *h)
{
	for (size_t i = 0; i < h->count; i++)
		store_head_free(h->list[i]);
	free(h->list);
	*h = (struct heads){0};
}

/* Adds the orders that a query selects, until there are `limit`. A damaged row is left out and reported: it must not hold up the others, nor count as one of them. */
static int heads_query(struct engine *e, sqlite3_stmt *st, size_t limit, struct heads *out)
{
	struct store_head *head;
	struct row row;
	int step = 0, err = 0;

	while (err == 0 && out->count < limit && (step = db_step(st)) > 0) {
		err = row_from(st, &row);
		if (err == ERR_CORRUPT) {
			log_error("damaged row in the store", log_int("order", sqlite3_column_int64(st, 0)));
			e->corrupt++;
			err = 0;
			continue;
		}
		if (err < 0)
			break;
		err = engine_head(e, &row, &head);
		row_clear(&row);
		if (err < 0)
			break;
		err = heads_add(out, head);
		if (err < 0)
			store_head_free(head);
	}
	sqlite3_reset(st);
	return err < 0 ? err : step < 0 ? step : 0;
}

/* ---- refill ---- */

static int refill(struct engine *e, const struct store_refill *r, int64_t recipe, struct heads *out)
{
	sqlite3_stmt *same = e->st[SQL_QUEUED_SAME], *less = e->st[SQL_QUEUED_LESS];
	int err = 0;

	if (!r->from_start) {
		sqlite3_bind_int64(same, 1, recipe);
		sqlite3_bind_int64(same, 2, r->after_priority);
		sqlite3_bind_int64(same, 3, r->after_id);
		err = heads_query(e, same, (size_t)r->limit, out);
	}
	if (err < 0)
		return err;
	sqlite3_bind_int64(less, 1, recipe);
	sqlite3_bind_int64(less, 2, r->from_start ? INT64_MAX : r->after_priority);
	return heads_query(e, less, (size_t)r->limit, out);
}

int op_refill(struct engine *e, struct store_op *op)
{
	struct store_refill *r = (struct store_refill *)op;
	struct heads heads = {0};
	int64_t recipe = names_id(r->recipe);
	int err = 0;

	if (recipe != 0 && r->limit > 0)
		err = refill(e, r, recipe, &heads);
	if (err < 0) {
		heads_clear(&heads);
		return err;
	}
	r->heads = heads.list;
	r->count = heads.count;
	r->end = heads.count < (size_t)r->limit;
	return 0;
}

/* ---- recover ---- */

struct name_list {
	const char **list;
	size_t count, room;
	int error;
};

static void names_add(struct name_list *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->list[i] == name)
			return;
	}
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		const char **more = realloc(l->list, room * sizeof(const char *));

		if (!more) {
			l->error = -ENOMEM;
			return;
		}
		l->list = more;
		l->room = room;
	}
	l->list[l->count++] = name;
}

static void add_recipe(void *arg, const char *recipe, const char *user, uint64_t count)
{
	(void)user;
	(void)count;
	names_add(arg, recipe);
}

/* ---- pauses ---- */

static uint64_t pause_checksum(int64_t recipe, int64_t since_ms, struct slice by, struct slice reason)
{
	uint64_t sum = XXH3_64bits_withSeed(by.data, by.len, (uint64_t)recipe);

	return XXH3_64bits_withSeed(reason.data, reason.len, sum + (uint64_t)since_ms);
}

static int paused(struct engine *e, struct name_list *out)
{
	sqlite3_stmt *st = e->st[SQL_PAUSES];
	int step;

	while ((step = db_step(st)) > 0) {
		int64_t recipe = sqlite3_column_int64(st, 0);
		const char *name = names_text(e->names, recipe);

		if (!name || pause_checksum(recipe, sqlite3_column_int64(st, 1), db_column(st, 2),
				 db_column(st, 3)) != (uint64_t)sqlite3_column_int64(st, 4)) {
			sqlite3_reset(st);
			return ERR_CORRUPT;
		}
		names_add(out, name);
	}
	return step < 0 ? step : out->error;
}

int op_recover(struct engine *e, struct store_op *op)
{
	struct store_recover *r = (struct store_recover *)op;
	struct name_list recipes = {0}, pauses = {0};
	struct heads running = {0};
	int64_t next_due_ms = INT64_MAX;
	int err = heads_query(e, e->st[SQL_RUNNING], SIZE_MAX, &running);

	counts_each(e->counts, ORDER_QUEUED, add_recipe, &recipes);
	if (err == 0)
		err = recipes.error;
	if (err == 0)
		err = paused(e, &pauses);
	if (err == 0)
		err = engine_next_due(e, 0, &next_due_ms);
	if (err < 0) {
		heads_clear(&running);
		free(recipes.list);
		free(pauses.list);
		return err;
	}
	r->running = running.list;
	r->running_count = running.count;
	r->recipes = recipes.list;
	r->recipe_count = recipes.count;
	r->paused = pauses.list;
	r->paused_count = pauses.count;
	r->next_due_ms = next_due_ms;
	return 0;
}

int op_pause(struct engine *e, struct store_op *op)
{
	struct store_pause *r = (struct store_pause *)op;
	struct slice by = {r->by, r->by ? strlen(r->by) : 0};
	sqlite3_stmt *st = e->st[r->paused ? SQL_PAUSE : SQL_RESUME];
	int64_t recipe;
	int err = engine_name(e, r->recipe, &recipe);

	if (err < 0)
		return err;
	sqlite3_bind_int64(st, 1, recipe);
	if (r->paused) {
		sqlite3_bind_int64(st, 2, e->now_ms);
		err = db_bind_text(st, 3, by);
		if (err == 0)
			err = db_bind_text(st, 4, r->reason);
		sqlite3_bind_int64(st, 5, (int64_t)pause_checksum(recipe, e->now_ms, by, r->reason));
	}
	return err < 0 ? err : db_run(st);
}
