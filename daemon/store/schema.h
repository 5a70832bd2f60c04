/*
 * The tables, and the ordered list of migrations that makes them. A migration that was released is never changed: a new one is appended.
 */
#ifndef BAKERY_STORE_SCHEMA_H
#define BAKERY_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdint.h>

/* "BAKE": what file(1) and we know a store by. */
enum { SCHEMA_APPLICATION_ID = 0x42414b45 };

/* The newest version that this program knows. */
int schema_version(void);

/*
 * Brings the store to that version, in one transaction; an empty file is filled. first_id: where the ids of a store made now begin. 0; ERR_NEWER;
 * ERR_INVALID when it is somebody else's database; or a negative code.
 */
int schema_migrate(sqlite3 *db, int64_t first_id);

#endif
