/* The write-ahead log under the engine: looked through before SQLite reads it, brought into the database, and how much of it is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"
#include "daemon/store/walscan.h"

static int on_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
	struct engine *e = arg;

	(void)db;
	(void)name;
	e->wal_frames = frames;
	return SQLITE_OK;
}

void engine_log_watch(struct engine *e)
{
	sqlite3_wal_hook(e->db, on_wal, e);
}

int engine_log_checkpoint(struct engine *e, int mode)
{
	int in_wal = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(e->db, "main", mode, &in_wal, &done);

	/* All pages are in the database: the next commit begins the WAL anew. */
	if (rc == SQLITE_OK && in_wal == done)
		e->wal_frames = 0;
	return db_error(rc);
}

int engine_checkpoint(struct engine *e, bool restart)
{
	return engine_log_checkpoint(e, restart ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
}

int engine_path(const struct engine *e, const char *suffix, char out[static PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s%s", e->o.path, suffix) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int engine_log_check(struct engine *e, char why[static 256])
{
	struct mark_value mark;
	struct walscan found;
	char path[PATH_MAX];
	int err = engine_path(e, "-wal", path);

	if (err < 0)
		return err;
	mark_read(&e->mark, &mark);
	err = walscan(path, &mark, &found, why);
	/* On a full disk the log cannot be begun anew (see open_checked()): then what was cut off must not lie behind the next commits. */
	if (err == 0 && found.frames > found.committed)
		err = walscan_cut(path, found.committed);
	if (err == 0 && found.frames > 0)
		log_info("store was not closed, reading its log", log_int("frames", found.frames),
		    log_int("committed", found.committed));
	return err;
}

void engine_log_synced(struct engine *e)
{
	struct mark_value value = {.frames = (uint32_t)e->wal_frames};
	char path[PATH_MAX];

	if (e->o.sync != 0)
		return;
	if (e->wal_fd < 0 && engine_path(e, "-wal", path) == 0)
		e->wal_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (e->wal_fd >= 0 && walscan_salts(e->wal_fd, value.salts) == 0)
		mark_write(&e->mark, &value);
}
