/* Many orders: LIST, newest first, and the place of one in its queue. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/reads.h"

enum {
	LIST_WINDOW = 10000, /* ids that one request looks at */
	LIST_MAX = 1000,     /* orders that one request returns */
	CLOCK_SLACK_MS = 3600 *
			 1000, /* the wall clock may have gone back by as much between two submissions */
};

/* The newest order below *cursor. 1 with both set; 0: there is none; or a negative code. A damaged one is as new as can be: it ends no list. */
static int newest(struct reads *r, int64_t *cursor, int64_t *created_ms)
{
	sqlite3_stmt *st = r->st[READ_NEWEST];
	struct row row;
	int err;

	sqlite3_bind_int64(st, 1, *cursor);
	err = db_step(st);
	if (err <= 0)
		return err;
	*cursor = sqlite3_column_int64(st, 0) + 1;
	err = row_from(st, &row);
	sqlite3_reset(st);
	if (err < 0 && err != ERR_CORRUPT)
		return err;
	*created_ms = err < 0 ? INT64_MAX : row.v[ROW_CREATED];
	if (err == 0)
		row_clear(&row);
	return 1;
}

static void bind(struct reads *r, const struct store_list *l, int64_t below, int64_t from)
{
	sqlite3_stmt *st = r->st[READ_LIST];

	sqlite3_bind_int64(st, 1, below);
	sqlite3_bind_int64(st, 2, from);
	sqlite3_bind_int64(st, 3, l->states ? l->states : UINT32_MAX);
	sqlite3_bind_int64(st, 4, l->recipe ? names_id(l->recipe) : 0);
	sqlite3_bind_int64(st, 5, l->user ? names_id(l->user) : 0);
	sqlite3_bind_int64(st, 6, l->cause);
	sqlite3_bind_int64(st, 7, l->since_ms);
	sqlite3_bind_int64(st, 8, l->until_ms > 0 ? l->until_ms : INT64_MAX);
}

/* The orders that the bound query selects, at most count. Damaged ones are left out: the others can be shown. 0 with *found, or a negative code. */
static int collect(struct reads *r, struct store_order *orders, int count, int *found)
{
	sqlite3_stmt *st = r->st[READ_LIST];
	int step = 0, err = 0, n = 0, damaged = 0;
	int64_t id = 0;
	struct row row;

	while (err == 0 && n < count && (step = db_step(st)) > 0) {
		err = row_from(st, &row);
		if (err == 0) {
			err = row_to_order(&row, r->names, &orders[n]);
			row_clear(&row);
			n += err == 0;
		}
		if (err == ERR_CORRUPT) {
			id = sqlite3_column_int64(st, 0);
			damaged++;
			err = 0;
		}
	}
	sqlite3_reset(st);
	/* Once for all of them: a list is asked for again and again. */
	if (damaged > 0)
		log_error(
		    "damaged rows are left out of a list", log_int("rows", damaged), log_int("order", id));
	if (err == 0 && step < 0)
		err = step;
	if (err < 0) {
		while (n > 0)
			store_order_clear(&orders[--n]);
		return err;
	}
	*found = n;
	return 0;
}

int read_list(struct reads *r, struct store_op *op)
{
	struct store_list *l = (struct store_list *)op;
	int64_t below = l->cursor > 0 ? l->cursor : INT64_MAX, from, created_ms = 0;
	int count = l->count < 1 ? 1 : l->count < LIST_MAX ? l->count : LIST_MAX, found = 0, err;
	struct store_order *orders = NULL;

	/* A name that no order has had yet. */
	bool none = (l->recipe && names_id(l->recipe) == 0) || (l->user && names_id(l->user) == 0);

	err = none ? 0 : newest(r, &below, &created_ms);
	if (err < 0)
		return err;
	if (err == 0 || created_ms < l->since_ms - CLOCK_SLACK_MS) {
		l->orders = NULL;
		l->order_count = 0;
		l->next_cursor = 0;
		return 0;
	}
	orders = malloc((size_t)count * sizeof(*orders));
	if (!orders)
		return -ENOMEM;
	from = below > LIST_WINDOW ? below - LIST_WINDOW : 1;
	bind(r, l, below, from);
	err = collect(r, orders, count, &found);
	if (err == 0) {
		/* All of the window, or down to the last one found. */
		below = found == count ? orders[found - 1].id : from;
		l->next_cursor = below;
		err = newest(r, &below, &created_ms);
		if (err == 0)
			l->next_cursor = 0;
	}
	if (err < 0) {
		for (int i = 0; i < found; i++)
			store_order_clear(&orders[i]);
		free(orders);
		return err;
	}
	l->orders = orders;
	l->order_count = (size_t)found;
	return 0;
}

/* ---- place ---- */

static int count_rows(sqlite3_stmt *st, const struct row *row, int64_t limit, int64_t *count)
{
	int err;

	sqlite3_bind_int64(st, 1, row->v[ROW_RECIPE]);
	sqlite3_bind_int64(st, 2, row->v[ROW_PRIORITY]);
	sqlite3_bind_int64(st, 3, limit);
	if (sqlite3_bind_parameter_count(st) >= 4)
		sqlite3_bind_int64(st, 4, row->id);
	err = db_step(st);
	if (err < 0)
		return err;
	*count = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return 0;
}

/* As much as there is room for, in whole characters. */
static void copy_beginning(struct slice from, char *to, size_t room)
{
	size_t len = from.len < room ? from.len : room - 1;

	while (len > 0 && len < from.len && (from.data[len] & 0xc0) == 0x80)
		len--;
	if (len > 0)
		memcpy(to, from.data, len);
	to[len] = '\0';
}

static int read_pause(struct reads *r, int64_t recipe, struct store_place *p)
{
	sqlite3_stmt *st = r->st[READ_PAUSE];
	int step;

	sqlite3_bind_int64(st, 1, recipe);
	step = db_step(st);
	if (step > 0) {
		copy_beginning(db_column(st, 0), p->paused_by, sizeof p->paused_by);
		copy_beginning(db_column(st, 1), p->paused_reason, sizeof p->paused_reason);
		sqlite3_reset(st);
	}
	return step < 0 ? step : 0;
}

int read_place(struct reads *r, struct store_op *op)
{
	struct store_place *p = (struct store_place *)op;
	int64_t above = 0, before = 0;
	struct row row;
	int err = reads_load(r, p->id, &row);

	if (err < 0)
		return err;
	row_clear(&row);
	if (row_state(&row) != ORDER_QUEUED)
		return ERR_STATE;
	err = count_rows(r->st[READ_PLACE_ABOVE], &row, p->limit, &above);
	if (err == 0 && above < p->limit)
		err = count_rows(r->st[READ_PLACE_BEFORE], &row, p->limit - above, &before);
	if (err == 0)
		err = read_pause(r, row.v[ROW_RECIPE], p);
	if (err == 0)
		p->place = (int)(above + before);
	return err;
}
