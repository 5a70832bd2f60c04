/* One order: its row, its payload, its result. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/err.h"
#include "daemon/store/attempt.h"
#include "daemon/store/db.h"
#include "daemon/store/reads.h"

/* Bytes of a table (id, sum, bytes). 1 with *bytes, until st is reset; 0: there are none; ERR_CORRUPT; or a negative code. */
static int find_bytes(sqlite3_stmt *st, int64_t id, struct slice *bytes)
{
	int err;

	sqlite3_bind_int64(st, 1, id);
	err = db_step(st);
	if (err <= 0)
		return err;
	struct slice found = db_column(st, 1);
	if (row_bytes_checksum(id, found) != (uint64_t)sqlite3_column_int64(st, 0)) {
		sqlite3_reset(st);
		return ERR_CORRUPT;
	}
	*bytes = found;
	return 1;
}

/* ---- get ---- */

static int copy_message(struct slice message, struct store_order *o)
{
	o->message = malloc(message.len + 1);
	if (!o->message)
		return -ENOMEM;
	if (message.len > 0)
		memcpy(o->message, message.data, message.len);
	o->message[message.len] = '\0';
	o->message_len = message.len;
	return 0;
}

/* What the latest attempt said last: it is in `messages` when it was the last one, else in `attempts`. */
static int add_message(struct reads *r, struct store_order *o)
{
	struct slice message;
	int err = find_bytes(r->st[READ_MESSAGE], o->id, &message);

	if (err == 0)
		err = attempt_message(r->st[READ_ATTEMPT_MESSAGE], o->id, o->attempt, &message);
	if (err > 0)
		err = copy_message(message, o);
	sqlite3_reset(r->st[READ_MESSAGE]);
	sqlite3_reset(r->st[READ_ATTEMPT_MESSAGE]);
	return err;
}

int read_get(struct reads *r, struct store_op *op)
{
	struct store_get *get = (struct store_get *)op;
	struct store_order order;
	struct row row;
	int err = reads_load(r, get->id, &row);

	if (err < 0)
		return err;
	err = row_to_order(&row, r->names, &order);
	if (err == 0 && row.v[ROW_MESSAGE_BYTES] > 0) {
		err = add_message(r, &order);
		if (err < 0)
			store_order_clear(&order);
	}
	row_clear(&row);
	if (err < 0)
		return err;
	get->order = order;
	return 0;
}

/* ---- payload and result ---- */

static int copy_part(struct store_read *read, struct slice all)
{
	size_t begin = read->offset < all.len ? (size_t)read->offset : all.len;
	size_t len = read->limit < all.len - begin ? (size_t)read->limit : all.len - begin;
	char *bytes = malloc(len > 0 ? len : 1);

	if (!bytes)
		return -ENOMEM;
	if (len > 0)
		memcpy(bytes, all.data + begin, len);
	read->bytes = bytes;
	read->len = len;
	return 0;
}

/* kept: how many bytes the order's row says that there are; of none there is no row. */
static int read_blob(sqlite3_stmt *st, struct store_read *read, int64_t kept)
{
	struct slice bytes = {0};
	int err = 0;

	if (kept > 0) {
		err = find_bytes(st, read->id, &bytes);
		if (err < 0)
			return err;
		if (err == 0 || bytes.len != (size_t)kept)
			err = ERR_CORRUPT;
	}
	if (err >= 0)
		err = copy_part(read, bytes);
	sqlite3_reset(st);
	if (err == 0)
		read->kept = (uint64_t)kept;
	return err;
}

int read_bytes(struct reads *r, struct store_op *op)
{
	struct store_read *read = (struct store_read *)op;
	struct row row;
	int err = reads_load(r, read->id, &row);

	if (err < 0)
		return err;
	row_clear(&row);
	if (read->payload) {
		err = read_blob(r->st[READ_PAYLOAD], read, row.v[ROW_PAYLOAD_BYTES]);
		if (err == 0) {
			read->total = read->kept;
			read->cut = false;
		}
		return err;
	}
	if (!order_state_final(row_state(&row)))
		return ERR_PENDING;
	if (row.v[ROW_RESULT] != 0) {
		err = read_blob(r->st[READ_RESULT], read, row.v[ROW_RESULT_BYTES]);
	} else {
		read->bytes = NULL;
		read->len = 0;
		read->kept = 0;
	}
	if (err == 0) {
		read->total = (uint64_t)row.v[ROW_RESULT_TOTAL];
		read->cut = row.v[ROW_RESULT] == 2;
	}
	return err;
}
