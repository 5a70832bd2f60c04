#include "daemon/worker/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The parent is passed through by jobs of other users, and read by nobody. */
enum { MODE = 0700, PARENT_MODE = 0711 };

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* 1: nothing is in it; 0: something is; or a negative errno value. Two system calls: this is done for every job. */
static int is_empty(int fd)
{
	_Alignas(struct dirent64) char bytes[512];
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		long n = syscall(SYS_getdents64, fd, bytes, sizeof bytes);
		if (n <= 0)
			return n < 0 ? -errno : 1;
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (const struct dirent64 *)(bytes + at);
			if (!is_dots(d->d_name))
				return 0;
			at += d->d_reclen;
		}
	}
}

static DIR *open_folder(int at, const char *name)
{
	/* A job may have taken its own rights away. */
	if (fchmodat(at, name, MODE, 0) < 0 && errno != EPERM)
		return NULL;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/*
 * Removes what is in `name`, a folder in top: files at once; folders that are not empty are moved up into top, where they are found later. So
 * however deep a tree is, this takes neither stack nor descriptors.
 */
static int flatten(int top, const char *name, uint64_t *moved)
{
	DIR *dir = open_folder(top, name);
	if (!dir)
		return -errno;
	int r = 0;
	for (struct dirent *d; !r && (d = readdir(dir));) {
		if (is_dots(d->d_name) || unlinkat(dirfd(dir), d->d_name, 0) == 0 ||
		    unlinkat(dirfd(dir), d->d_name, AT_REMOVEDIR) == 0)
			continue;
		char to[40];
		do {
			snprintf(to, sizeof to, ".bakery-%llu", (unsigned long long)(*moved)++);
		} while (faccessat(top, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
		/* To move a folder is to write into it. */
		if ((fchmodat(dirfd(dir), d->d_name, MODE, 0) < 0 && errno != EPERM) ||
		    renameat(dirfd(dir), d->d_name, top, to) < 0)
			r = -errno;
	}
	closedir(dir);
	return r;
}

static int empty(int fd)
{
	uint64_t moved = 0;
	int r;
	while ((r = is_empty(fd)) == 0) {
		int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *dir = copy < 0 ? NULL : fdopendir(copy);
		if (!dir) {
			r = -errno;
			if (copy >= 0)
				close(copy);
			return r;
		}
		r = 0;
		for (struct dirent *d; !r && (d = readdir(dir));) {
			if (is_dots(d->d_name) || unlinkat(fd, d->d_name, 0) == 0 ||
			    unlinkat(fd, d->d_name, AT_REMOVEDIR) == 0)
				continue;
			r = errno == ENOTEMPTY ? flatten(fd, d->d_name, &moved) : -errno;
		}
		closedir(dir);
		if (r)
			return r;
	}
	return r < 0 ? r : 0;
}

/* True: what has its name is the directory that fd is. */
static bool is_there(const struct workdir *w, struct stat *st)
{
	return w->fd >= 0 && fstatat(w->parent_fd, w->name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st->st_dev == w->dev && st->st_ino == w->ino;
}

/* The directory that it is in, made anew when it is gone. */
static int open_parent(struct workdir *w)
{
	char parent[PATH_MAX];
	snprintf(parent, sizeof parent, "%.*s", (int)(strlen(w->path) - strlen(w->name) - 1), w->path);
	mode_t before = umask(0);
	int r = mkdir(parent, PARENT_MODE) < 0 && errno != EEXIST ? -errno : 0;
	umask(before);
	int fd = r ? -1 : open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return r ? r : -errno;
	close(w->parent_fd);
	w->parent_fd = fd;
	return 0;
}

static int open_it(const struct workdir *w)
{
	int fd = openat(w->parent_fd, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make(struct workdir *w, struct stat *st)
{
	int r = mkdirat(w->parent_fd, w->name, MODE) < 0 ? -errno : 0;
	if (r == -ENOENT) {
		r = open_parent(w);
		if (!r && mkdirat(w->parent_fd, w->name, MODE) < 0)
			r = -errno;
	}
	int fd = r && r != -EEXIST ? -1 : open_it(w);
	/* A file or a link stands in its place. */
	if (fd == -ENOTDIR || fd == -ELOOP)
		fd = unlinkat(w->parent_fd, w->name, 0) < 0 || mkdirat(w->parent_fd, w->name, MODE) < 0
			 ? -errno
			 : open_it(w);
	if (r && r != -EEXIST)
		return r;
	if (fd < 0)
		return fd;
	w->fd = fd;
	if (fstat(fd, st) < 0)
		return -errno;
	w->dev = st->st_dev;
	w->ino = st->st_ino;
	return 0;
}

static int set_owner(struct workdir *w, const struct stat *st)
{
	if ((st->st_uid != w->uid || st->st_gid != w->gid) && fchown(w->fd, w->uid, w->gid) < 0)
		return -errno;
	if ((st->st_mode & 07777) != MODE && fchmod(w->fd, MODE) < 0)
		return -errno;
	return 0;
}

int workdir_reset(struct workdir *w)
{
	struct stat st;
	int r = 0;
	if (!is_there(w, &st)) {
		/* The job, or somebody else, has removed or renamed it. */
		if (w->fd >= 0) {
			(void)empty(w->fd);
			close(w->fd);
		}
		w->fd = -1;
		r = make(w, &st);
	}
	if (!r)
		r = set_owner(w, &st);
	return r ? r : empty(w->fd);
}

int workdir_ready(struct workdir *w)
{
	struct stat st;
	return is_there(w, &st) ? 0 : workdir_reset(w);
}

int workdir_open(struct workdir *w, const char *parent, const char *name, uid_t uid, gid_t gid)
{
	*w = (struct workdir){.parent_fd = -1, .fd = -1, .uid = uid, .gid = gid};
	if (snprintf(w->path, sizeof w->path, "%s/%s", parent, name) >= (int)sizeof w->path ||
	    snprintf(w->name, sizeof w->name, "%s", name) >= (int)sizeof w->name)
		return -ENAMETOOLONG;
	w->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = w->parent_fd < 0 ? -errno : workdir_reset(w);
	if (r)
		workdir_close(w);
	return r;
}

void workdir_close(struct workdir *w)
{
	if (w->fd >= 0) {
		(void)empty(w->fd);
		(void)unlinkat(w->parent_fd, w->name, AT_REMOVEDIR);
		close(w->fd);
	}
	if (w->parent_fd >= 0)
		close(w->parent_fd);
	w->fd = w->parent_fd = -1;
}
