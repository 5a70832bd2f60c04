/*
 * An order's row in memory, and its way in and out of the table `orders`. A row carries an XXH3 checksum over all its columns and its id, which is
 * verified whenever the row is read and made anew whenever it is written.
 */
#ifndef BAKERY_STORE_ROW_H
#define BAKERY_STORE_ROW_H

#include <sqlite3.h>
#include <stdint.h>

#include "daemon/store/names.h"
#include "daemon/store/store.h"

enum row_column {
#define FIXED(NAME, column) ROW_##NAME,
#include "daemon/store/row.def"
	ROW_FIXED, /* how many never change */
	ROW_LAST_FIXED = ROW_FIXED - 1,
#define LIFE(NAME, column) ROW_##NAME,
#include "daemon/store/row.def"
	ROW_COLUMNS,
};

enum row_text {
#define TEXT(NAME, column) ROW_TEXT_##NAME,
#include "daemon/store/row.def"
	ROW_TEXTS,
};

struct row {
	int64_t id;
	int64_t v[ROW_COLUMNS];
	struct slice text[ROW_TEXTS]; /* data NULL: none */
	char *own;                    /* what the texts of a row that was read point into */
};

/* Every column in the order in which row_from() reads them, after "SELECT ". The id comes first. */
extern const char row_sql_columns[];
/* Prepares SQL in which '@' stands for them. 0 or a negative code. */
int row_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
/* INSERT of a whole row; UPDATE of what may change, by id. */
extern const char row_sql_insert[];
extern const char row_sql_update[];

/* The row under a statement that selects row_sql_columns. 0; ERR_CORRUPT when the checksum is wrong; -ENOMEM. The caller clears it. */
int row_from(sqlite3_stmt *st, struct row *out);
void row_clear(struct row *r);

/* Runs one of the two statements above for this row. */
int row_insert(sqlite3_stmt *st, const struct row *r);
int row_update(sqlite3_stmt *st, const struct row *r);
/* Writes ROW_STEPS, which no index has: cheaper than the whole. */
int row_update_steps(sqlite3_stmt *st, const struct row *r);

uint64_t row_checksum(const struct row *r);

/* A checksum of bytes that belong to an order (a payload, a result), and to no other. */
uint64_t row_bytes_checksum(int64_t id, struct slice bytes);

static inline enum order_state row_state(const struct row *r)
{
	return (enum order_state)r->v[ROW_STATE];
}

/* What the reading verbs show. 0 or -ENOMEM, and nothing is to be cleared. */
int row_to_order(const struct row *r, struct names *names, struct store_order *out);

/* The scheduler's view; payload may be NULL data when it is not to go along. NULL when memory is refused. */
struct store_head *row_to_head(const struct row *r, struct names *names, struct slice payload);

#endif
