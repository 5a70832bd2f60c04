/* What the requests (ops_*.c) have in common: an order is read, asked whether it may change, changed; its head is made. */
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"

int engine_load(struct engine *e, int64_t id, struct row *out, int *why)
{
	sqlite3_stmt *st = e->st[SQL_ORDER_GET];
	int err;

	sqlite3_bind_int64(st, 1, id);
	err = db_step(st);
	if (err == 0) {
		*why = id >= e->ids.first_id && id < e->ids.next_id ? ERR_GONE : ERR_NOTFOUND;
		return 0;
	}
	if (err < 0)
		return err;
	err = row_from(st, out);
	sqlite3_reset(st);
	if (err == 0)
		return 1;
	if (err != ERR_CORRUPT)
		return err;
	log_error("damaged row in the store", log_int("order", id));
	e->corrupt++;
	*why = ERR_CORRUPT;
	return 0;
}

int engine_next(const struct row *r, enum order_event event, enum order_state *to)
{
	return order_state_next(row_state(r), r->v[ROW_CANCEL] != 0, event, to);
}

int engine_change(struct engine *e, struct row *r, enum order_state to, struct store_head *head)
{
	enum order_state from = r->v[ROW_SEQ] == 0 ? ORDER_STATES : row_state(r);
	struct store_event event = {
	    .seq = (uint64_t)e->ids.next_seq,
	    .id = r->id,
	    .time_ms = e->now_ms,
	    .recipe = names_text(e->names, r->v[ROW_RECIPE]),
	    .user = names_text(e->names, r->v[ROW_USER]),
	    .state = to,
	    .cause = (enum order_cause)r->v[ROW_CAUSE],
	    .attempt = (int)r->v[ROW_ATTEMPT],
	    .exit = (int)r->v[ROW_EXIT],
	    .signal = (int)r->v[ROW_SIGNAL],
	    .head = head,
	};

	if (batch_add_event(e->batch, &event, from) < 0) {
		store_head_free(head);
		return -ENOMEM;
	}
	r->v[ROW_STATE] = to;
	r->v[ROW_SEQ] = e->ids.next_seq++;
	return 0;
}

int engine_name(struct engine *e, const char *interned, int64_t *id)
{
	sqlite3_stmt *st = e->st[SQL_NAME_ADD];
	struct slice name = {interned, strlen(interned)};
	int err;

	if (names_id(interned) != 0) {
		*id = names_id(interned);
		return 0;
	}
	err = names_assign(e->names, interned);
	if (err < 0)
		return err;
	*id = names_id(interned);
	sqlite3_bind_int64(st, 1, *id);
	sqlite3_bind_int64(st, 3, (int64_t)row_bytes_checksum(*id, name));
	err = db_bind_blob(st, 2, name);
	return err < 0 ? err : db_run(st);
}

int engine_head(struct engine *e, const struct row *r, struct store_head **out)
{
	sqlite3_stmt *st = e->st[SQL_PAYLOAD_GET];
	int64_t bytes = r->v[ROW_PAYLOAD_BYTES];
	struct slice payload = {0};
	int err = 0;

	if (bytes > 0 && bytes <= STORE_INLINE_PAYLOAD) {
		sqlite3_bind_int64(st, 1, r->id);
		err = db_step(st);
		if (err < 0)
			return err;
		if (err > 0)
			payload = db_column(st, 1);
		/* Damaged or missing: it goes along without, and whoever reads it when it starts is told. */
		if (payload.len != (size_t)bytes ||
		    row_bytes_checksum(r->id, payload) != (uint64_t)sqlite3_column_int64(st, 0))
			payload.data = NULL;
	}
	*out = row_to_head(r, e->names, payload);
	sqlite3_reset(st);
	return *out ? 0 : -ENOMEM;
}
