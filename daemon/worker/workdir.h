/*
 * The private directory of a worker's jobs. One for each worker, made when the worker starts and emptied after each job: mkdir and rmdir for each job
 * cost more than to look whether a directory is empty. Follows no links: what a job leaves may be hostile.
 */
#ifndef BAKERY_WORKER_WORKDIR_H
#define BAKERY_WORKER_WORKDIR_H

#include <limits.h>
#include <sys/types.h>

struct workdir {
	char path[PATH_MAX];
	char name[NAME_MAX + 1]; /* in parent_fd */
	int parent_fd, fd;
	dev_t dev; /* which one fd is */
	ino_t ino;
	uid_t uid;
	gid_t gid;
};

/* Makes (or takes over, and empties) parent/name, mode 0700, for this user. 0 or a negative errno value. */
int workdir_open(struct workdir *w, const char *parent, const char *name, uid_t uid, gid_t gid);
/* Makes it as it was when it was new: empty, there, with its mode and owner. 0 or a negative errno value. */
int workdir_reset(struct workdir *w);
/* Before a job: made anew when it is not there any more; somebody may have tidied up. 0 or a negative errno value. */
int workdir_ready(struct workdir *w);
/* Removes it, with all in it. Best effort. */
void workdir_close(struct workdir *w);

#endif
