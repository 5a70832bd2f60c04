/*
 * The state directory: made, checked, and locked, so that it belongs to one daemon at a time. The supervisor holds `lock` while it lives; `lock.tree` is
 * held by the supervisor, the front and the workers together, so that whoever comes next waits until what an ended
 * daemon left has come to its end too. Files of their own: closing any descriptor of the database would drop SQLite's locks.
 */
#ifndef BAKERY_OPS_STATEDIR_H
#define BAKERY_OPS_STATEDIR_H

#include <sys/types.h>

enum { INSTANCE_BYTES = 17 };

struct statedir {
	int fd;           /* the directory */
	int lock_fd;      /* the supervisor's own */
	int tree_lock_fd; /* shared by descriptor with front and workers */
	char instance
	    [INSTANCE_BYTES]; /* BAKERY_INSTANCE of its jobs: the same for every daemon of this directory, and no other */
};

/* owner: whom the directory and what is in it belong to. 0; or a negative code with why filled in: one line that names the directory. */
int statedir_open(const char *path, uid_t owner, gid_t group, struct statedir *out, char why[static 256]);
void statedir_close(struct statedir *s);

/* Makes a directory and those above it that are missing; what is there is left as it is. 0 or a negative errno value. */
int make_directories(const char *path, mode_t mode);

#endif
