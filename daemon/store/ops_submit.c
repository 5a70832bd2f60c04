/* A new order: its key, its row, its payload. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"
#include "daemon/store/key.h"

static struct row new_row(struct engine *e, const struct store_submit *r, int64_t recipe, int64_t user)
{
	struct row row = {
	    .id = e->ids.next_id,
	    .v =
		{
		    [ROW_RECIPE] = recipe,
		    [ROW_USER] = user,
		    [ROW_PRIORITY] = r->priority,
		    [ROW_CREATED] = e->now_ms,
		    [ROW_TIMEOUT] = r->timeout_ms,
		    [ROW_RETRIES] = r->retries,
		    [ROW_PAYLOAD_BYTES] = (int64_t)r->payload.len,
		    [ROW_EXIT] = -1,
		},
	};

	if (r->delay_ms > 0) {
		row.v[ROW_DUE] = r->delay_ms < INT64_MAX - e->now_ms ? e->now_ms + r->delay_ms : INT64_MAX;
	} else {
		row.v[ROW_DUE] = e->now_ms;
		row.v[ROW_QUEUED] = e->now_ms;
	}
	if (r->key.len > 0)
		row.text[ROW_TEXT_KEY] = r->key;
	return row;
}

static int add_payload(struct engine *e, int64_t id, struct slice payload)
{
	sqlite3_stmt *st = e->st[SQL_PAYLOAD_ADD];
	int err;

	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, (int64_t)row_bytes_checksum(id, payload));
	err = db_bind_blob(st, 3, payload);
	return err < 0 ? err : db_run(st);
}

static int add_order(struct engine *e, struct store_submit *r, int64_t recipe, int64_t user)
{
	enum order_event event = r->delay_ms > 0 ? ORDER_EVENT_SUBMIT_LATER : ORDER_EVENT_SUBMIT;
	struct row row = new_row(e, r, recipe, user);
	struct store_head *head = NULL;
	enum order_row to;
	int err = order_row_next(ORDER_ROW_NEW, event, &to);

	if (err < 0)
		return err;
	if (to == ORDER_ROW_QUEUED) {
		struct slice payload = r->payload;

		if (payload.len > STORE_INLINE_PAYLOAD)
			payload.data = NULL;
		head = row_to_head(&row, e->names, payload);
		if (!head)
			return -ENOMEM;
	}
	err = engine_change(e, &row, (enum order_state)to, head);
	if (err == 0)
		err = row_insert(e->st[SQL_ORDER_ADD], &row);
	if (err == 0 && r->payload.len > 0)
		err = add_payload(e, row.id, r->payload);
	if (err < 0)
		return err;
	e->ids.next_id++;
	r->id = row.id;
	r->existed = false;
	return 0;
}

int op_submit(struct engine *e, struct store_op *op)
{
	struct store_submit *r = (struct store_submit *)op;
	struct key key;
	int64_t recipe, user;
	int err = engine_name(e, r->recipe, &recipe);

	if (err == 0)
		err = engine_name(e, r->user, &user);
	if (err < 0)
		return err;
	if (r->key.len > 0) {
		key = key_of(user, recipe, r->key, r->payload);
		err = key_find(e, &key);
		if (err < 0)
			return err;
		if (key.id != 0) {
			r->id = key.id;
			r->existed = true;
			op->error = key.damaged ? ERR_CORRUPT : key.same ? 0 : ERR_KEYCONFLICT;
			return 0;
		}
	}
	if ((uint64_t)(e->open + e->batch->opened) >= e->o.max_queued) {
		op->error = ERR_QUEUEFULL;
		return 0;
	}
	if (r->key.len > 0) {
		err = key_add(e, &key, e->ids.next_id);
		if (err < 0)
			return err;
	}
	return add_order(e, r, recipe, user);
}
