/*
 * The table `attempts`: attempts that ended and were followed by another. The latest attempt of an order is in the order's row, so most orders have none here.
 */
#ifndef BAKERY_STORE_ATTEMPT_H
#define BAKERY_STORE_ATTEMPT_H

#include <sqlite3.h>

#include "daemon/store/row.h"

/* Keeps the attempt that the row describes, with what it said last. 0 or a negative code. */
int attempt_add(sqlite3_stmt *st, const struct row *row, struct slice message);

extern const char attempt_sql_message[];
/* What it said last: st is attempt_sql_message. 1 with *message, until st is reset; 0: nothing is kept; ERR_CORRUPT; or a negative code. */
int attempt_message(sqlite3_stmt *st, int64_t id, int64_t attempt, struct slice *message);

#endif
