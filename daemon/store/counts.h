/*
 * How many orders of each recipe and user are in each state. Rows of the table `counts`, changed in the transaction that changes the states; a copy in
 * memory of what is committed. The writer changes it, the loop's thread reads it: a lock guards the copy.
 */
#ifndef BAKERY_STORE_COUNTS_H
#define BAKERY_STORE_COUNTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/names.h"
#include "daemon/store/store.h"

struct counts;

/* 0 or -ENOMEM. */
int counts_new(struct counts **out);
void counts_free(struct counts *c);

/* Forgets all and reads the table. 0; ERR_CORRUPT; or a negative code, and the copy is as it was. */
int counts_load(struct counts *c, sqlite3 *db, struct names *names);

/* Notes that an order went from one state (ORDER_STATES: none, it is new) to another in this transaction. 0 or -ENOMEM. */
int counts_note(
    struct counts *c, const char *recipe, const char *user, enum order_state from, enum order_state to);
/* Puts what was noted into the table. st: counts_sql. 0 or a negative code. */
int counts_write(struct counts *c, sqlite3_stmt *st);
extern const char counts_sql[];
/* The transaction was committed, or not: what was noted counts, or is forgotten. */
void counts_settle(struct counts *c, bool committed);

/* Copies of what is committed. recipe NULL: of all. Any thread. */
void counts_get(struct counts *c, const char *recipe, uint64_t by_state[static ORDER_STATES]);

/* Calls fn for each recipe and user that has orders in this state. Writer only. */
void counts_each(struct counts *c, enum order_state state,
    void (*fn)(void *arg, const char *recipe, const char *user, uint64_t count), void *arg);

#endif
