#include "daemon/store/row.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/store/db.h"

#define COMMA(NAME, column)  "," column
#define MARK(NAME, column)   ",?"
#define ASSIGN(NAME, column) column "=?,"

const char row_sql_columns[] = "id"
#define FIXED COMMA
#include "daemon/store/row.def"
#define LIFE COMMA
#include "daemon/store/row.def"
#define TEXT COMMA
#include "daemon/store/row.def"
			       ",sum";

const char row_sql_insert[] = "INSERT INTO orders(id"
#define FIXED COMMA
#include "daemon/store/row.def"
#define LIFE COMMA
#include "daemon/store/row.def"
#define TEXT COMMA
#include "daemon/store/row.def"
			      ",sum) VALUES(?"
#define FIXED MARK
#include "daemon/store/row.def"
#define LIFE MARK
#include "daemon/store/row.def"
#define TEXT MARK
#include "daemon/store/row.def"
			      ",?)";

const char row_sql_update[] = "UPDATE orders SET "
#define LIFE ASSIGN
#include "daemon/store/row.def"
			      "by=?,reason=?,sum=? WHERE id=?";

int row_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	const char *at = strchr(sql, '@');
	struct buf text = {0};
	int err;

	if (!at)
		return db_prepare(db, sql, out);
	err = buf_append(&text, sql, (size_t)(at - sql));
	if (err == 0)
		err = buf_append_text(&text, row_sql_columns);
	if (err == 0)
		err = buf_append(&text, at + 1, strlen(at + 1) + 1);
	if (err == 0)
		err = db_prepare(db, buf_bytes(&text), out);
	buf_clear(&text);
	return err;
}

uint64_t row_checksum(const struct row *r)
{
	/* Only what is not 0, each with its place: a column that a later version appends changes no old sum. */
	int64_t pairs[2 * ROW_COLUMNS];
	size_t count = 0;
	uint64_t sum;

	for (int i = 0; i < ROW_COLUMNS; i++) {
		if (r->v[i] != 0) {
			pairs[count++] = i < ROW_FIXED ? i : 256 + i - ROW_FIXED;
			pairs[count++] = r->v[i];
		}
	}
	sum = XXH3_64bits_withSeed(pairs, count * sizeof(pairs[0]), (uint64_t)r->id);
	for (int i = 0; i < ROW_TEXTS; i++) {
		if (r->text[i].data)
			sum = XXH3_64bits_withSeed(r->text[i].data, r->text[i].len, sum + (uint64_t)i);
	}
	return sum;
}

uint64_t row_bytes_checksum(int64_t id, struct slice bytes)
{
	return XXH3_64bits_withSeed(bytes.data, bytes.len, (uint64_t)id);
}

static int copy_texts(sqlite3_stmt *st, struct row *r)
{
	const int first = 1 + ROW_COLUMNS;
	size_t total = 0, used = 0;

	for (int i = 0; i < ROW_TEXTS; i++) {
		if (sqlite3_column_type(st, first + i) != SQLITE_NULL)
			total += 1 + (size_t)sqlite3_column_bytes(st, first + i);
	}
	if (total == 0)
		return 0;
	r->own = malloc(total);
	if (!r->own)
		return -ENOMEM;
	for (int i = 0; i < ROW_TEXTS; i++) {
		if (sqlite3_column_type(st, first + i) == SQLITE_NULL)
			continue;
		struct slice text = db_column(st, first + i);
		if (text.len > 0)
			memcpy(r->own + used, text.data, text.len);
		r->text[i] = (struct slice){.data = r->own + used, .len = text.len};
		used += text.len;
		r->own[used++] = '\0';
	}
	return 0;
}

int row_from(sqlite3_stmt *st, struct row *out)
{
	struct row r = {.id = sqlite3_column_int64(st, 0)};
	int err;

	for (int i = 0; i < ROW_COLUMNS; i++)
		r.v[i] = sqlite3_column_int64(st, 1 + i);
	err = copy_texts(st, &r);
	if (err < 0)
		return err;
	if (row_checksum(&r) != (uint64_t)sqlite3_column_int64(st, 1 + ROW_COLUMNS + ROW_TEXTS)) {
		free(r.own);
		return ERR_CORRUPT;
	}
	*out = r;
	return 0;
}

void row_clear(struct row *r)
{
	free(r->own);
	r->own = NULL;
	memset(r->text, 0, sizeof(r->text));
}

static int bind_text(sqlite3_stmt *st, int place, struct slice text)
{
	/* NULL is what a cleared parameter is already: most rows have no text at all. */
	return text.data ? db_bind_text(st, place, text) : db_error(sqlite3_bind_null(st, place));
}

int row_insert(sqlite3_stmt *st, const struct row *r)
{
	int place = 1, err = 0;

	sqlite3_bind_int64(st, place++, r->id);
	for (int i = 0; i < ROW_COLUMNS; i++)
		sqlite3_bind_int64(st, place++, r->v[i]);
	for (int i = 0; i < ROW_TEXTS && err == 0; i++)
		err = bind_text(st, place++, r->text[i]);
	if (err < 0)
		return err;
	sqlite3_bind_int64(st, place, (int64_t)row_checksum(r));
	return db_run(st);
}

int row_update(sqlite3_stmt *st, const struct row *r)
{
	int place = 1, err;

	for (int i = ROW_FIXED; i < ROW_COLUMNS; i++)
		sqlite3_bind_int64(st, place++, r->v[i]);
	err = bind_text(st, place++, r->text[ROW_TEXT_BY]);
	if (err == 0)
		err = bind_text(st, place++, r->text[ROW_TEXT_REASON]);
	if (err < 0)
		return err;
	sqlite3_bind_int64(st, place++, (int64_t)row_checksum(r));
	sqlite3_bind_int64(st, place, r->id);
	return db_run(st);
}

int row_update_steps(sqlite3_stmt *st, const struct row *r)
{
	sqlite3_bind_int64(st, 1, r->v[ROW_STEPS]);
	sqlite3_bind_int64(st, 2, (int64_t)row_checksum(r));
	sqlite3_bind_int64(st, 3, r->id);
	return db_run(st);
}

static int copy_text(const struct row *r, enum row_text which, char **out)
{
	if (!r->text[which].data)
		return 0;
	*out = strndup(r->text[which].data, r->text[which].len);
	return *out ? 0 : -ENOMEM;
}

int row_to_order(const struct row *r, struct names *names, struct store_order *out)
{
	struct store_order o = {
	    .id = r->id,
	    .recipe = names_text(names, r->v[ROW_RECIPE]),
	    .user = names_text(names, r->v[ROW_USER]),
	    .state = row_state(r),
	    .cause = (enum order_cause)r->v[ROW_CAUSE],
	    .attempt = (int)r->v[ROW_ATTEMPT],
	    .charged = (int)r->v[ROW_CHARGED],
	    .retries = (int)r->v[ROW_RETRIES],
	    .priority = (int)r->v[ROW_PRIORITY],
	    .worker = (int)r->v[ROW_WORKER],
	    .exit = (int)r->v[ROW_EXIT],
	    .signal = (int)r->v[ROW_SIGNAL],
	    .error = (int)r->v[ROW_ERROR],
	    .step = names_text(names, r->v[ROW_STEP]),
	    .timeout_ms = r->v[ROW_TIMEOUT],
	    .created_ms = r->v[ROW_CREATED],
	    .due_ms = r->v[ROW_DUE],
	    .queued_ms = r->v[ROW_QUEUED],
	    .started_ms = r->v[ROW_STARTED],
	    .finished_ms = r->v[ROW_FINISHED],
	    .cpu_ms = r->v[ROW_CPU],
	    .max_rss_kib = r->v[ROW_RSS],
	    .seq = (uint64_t)r->v[ROW_SEQ],
	    .has_result = r->v[ROW_RESULT] != 0,
	    .result_cut = r->v[ROW_RESULT] == 2,
	    .cancel_requested = r->v[ROW_CANCEL] != 0,
	    .result_bytes = (uint64_t)r->v[ROW_RESULT_BYTES],
	    .result_total = (uint64_t)r->v[ROW_RESULT_TOTAL],
	    .payload_bytes = (uint64_t)r->v[ROW_PAYLOAD_BYTES],
	};

	if (!o.recipe || !o.user)
		return ERR_CORRUPT;
	if (copy_text(r, ROW_TEXT_KEY, &o.key) < 0 || copy_text(r, ROW_TEXT_BY, &o.by) < 0 ||
	    copy_text(r, ROW_TEXT_REASON, &o.reason) < 0) {
		store_order_clear(&o);
		return -ENOMEM;
	}
	*out = o;
	return 0;
}

struct store_head *row_to_head(const struct row *r, struct names *names, struct slice payload)
{
	size_t len = payload.data ? payload.len : 0;
	struct store_head *h = malloc(sizeof(*h) + len);

	if (!h)
		return NULL;
	*h = (struct store_head){
	    .id = r->id,
	    .priority = (int)r->v[ROW_PRIORITY],
	    .attempts = (int)r->v[ROW_ATTEMPT],
	    .charged = (int)r->v[ROW_CHARGED],
	    .lost = (int)r->v[ROW_LOST],
	    .timeout_ms = r->v[ROW_TIMEOUT],
	    .retries = (int)r->v[ROW_RETRIES],
	    .created_ms = r->v[ROW_CREATED],
	    .recipe = names_text(names, r->v[ROW_RECIPE]),
	    .user = names_text(names, r->v[ROW_USER]),
	    .cancel_requested = r->v[ROW_CANCEL] != 0,
	    .has_payload = payload.data || r->v[ROW_PAYLOAD_BYTES] == 0,
	    .payload_len = (size_t)r->v[ROW_PAYLOAD_BYTES],
	};
	if (len > 0)
		memcpy(h->payload, payload.data, len);
	return h;
}

void store_head_free(struct store_head *h)
{
	free(h);
}

void store_order_clear(struct store_order *o)
{
	free(o->key);
	free(o->message);
	free(o->by);
	free(o->reason);
	o->key = o->message = o->by = o->reason = NULL;
}
