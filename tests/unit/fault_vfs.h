/*
 * An SQLite VFS, "fault", that does what the system's does until the n-th write, sync or truncation, which fails: once, or from then on. A sync that does not
 * fail does nothing: these tests end processes, not machines, and what a process has written outlives it.
 */
#ifndef BAKERY_TESTS_UNIT_FAULT_VFS_H
#define BAKERY_TESTS_UNIT_FAULT_VFS_H

#include <stdbool.h>

/* Call before a store is opened with it. */
void fault_vfs_register(void);

/* Operation number n from now (1: the next) fails with this SQLite code (SQLITE_IOERR_WRITE, SQLITE_FULL; a sync with SQLITE_IOERR_FSYNC instead); forever: all later ones too. 0: none. */
void fault_vfs_arm(int n, int code, bool forever);
/* Operations since it was armed. */
int fault_vfs_count(void);

#endif
