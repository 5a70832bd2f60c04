/*
 * The table `steps`: results of the steps of orders that are not done, to go on from. One integer is the key, the order's id times 64 and the step's number: so
 * an order's rows are neighbours in one tree, and bytes are kept as those of payloads are.
 *
 * A row has two checksums: of its bytes, and of the rest with the first one. So how far an order has come is found, and verified, without reading results.
 */
#ifndef BAKERY_STORE_STEPS_H
#define BAKERY_STORE_STEPS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"

/* Steps are numbered from 0 to 63. */
enum { STEPS_MAX = 64 };

/* A row; bytes are those of the statement, until its next step or reset. */
struct step_row {
	int step;
	bool cut;
	uint64_t digest;
	struct slice bytes; /* data NULL: not read */
};

extern const char steps_sql_add[], steps_sql_remove[], steps_sql_list[];

/* Adds the result of a step that has none; st is steps_sql_add. 0 or a negative code. */
int steps_add(sqlite3_stmt *st, const struct store_step *r);
/* Removes the results of this step and later ones, which need not be there; st is steps_sql_remove. 0 or a negative code. */
int steps_remove(sqlite3_stmt *st, int64_t id, int from);

/* Begins a walk over an order's rows by number; st is steps_sql_list, reset. wanted: whose bytes are read (bit n: step n). */
void steps_list(sqlite3_stmt *st, int64_t id, uint64_t wanted);
/* The next row: 1 with *out; 0: no more; ERR_CORRUPT when a checksum of what was read is wrong; or a negative code. At 1 the caller goes on or resets st. */
int steps_next(sqlite3_stmt *st, int64_t id, struct step_row *out);

#endif
