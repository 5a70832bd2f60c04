#include "daemon/ops/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"

/* How long what an earlier daemon left may take to end by itself. */
enum { TREE_WAIT_MS = 10000, TREE_LOOK_MS = 20 };

/* Magic numbers of file systems (statfs(2)) whose locks and syncs a database cannot rely on. */
static const struct {
	uint32_t magic;
	const char *name;
} network_types[] = {{0x6969, "nfs"}, {0x517b, "smb"}, {0xfe534d42, "smb2"}, {0xff534d42, "cifs"},
    {0x01021997, "9p"}, {0x00c36400, "ceph"}, {0x5346414f, "afs"}, {0x6b414653, "kafs"}, {0x73757245, "coda"},
    {0x564c, "ncp"}, {0x0bd00bd0, "lustre"}};

int make_directories(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof part)
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST && errno != EISDIR) {
			/* A read-only or foreign directory above is no error when the next one is there. */
			struct stat st;
			if (stat(part, &st) < 0)
				return -errno;
		}
	}
	return 0;
}

static int check_file_system(int fd, const char *path, char why[static 256])
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0) {
		snprintf(why, 256, "state_dir %.150s: %s", path, strerror(errno));
		return -errno;
	}
	for (size_t i = 0; i < sizeof network_types / sizeof *network_types; i++) {
		if ((uint32_t)fs.f_type == network_types[i].magic) {
			snprintf(why, 256,
			    "state_dir %.130s is on a network file system (%s): its locks and syncs are no "
			    "base for a store",
			    path, network_types[i].name);
			return -ENOTSUP;
		}
	}
	return 0;
}

static int check_owner(int fd, const char *path, uid_t owner, char why[static 256], struct stat *st)
{
	if (fstat(fd, st) < 0) {
		snprintf(why, 256, "state_dir %.150s: %s", path, strerror(errno));
		return -errno;
	}
	/* What is root's becomes the front's, when it is ours. */
	if (st->st_uid != owner && (geteuid() != 0 || st->st_uid != 0)) {
		snprintf(
		    why, 256, "state_dir %.130s belongs to user %u, not to user %u", path, st->st_uid, owner);
		return -EPERM;
	}
	if ((st->st_mode & 07777) != 0700) {
		if (fchmod(fd, 0700) < 0) {
			snprintf(
			    why, 256, "state_dir %.150s: cannot make it private: %s", path, strerror(errno));
			return -errno;
		}
		log_warn("state_dir was not private: made so", log_str("path", path));
	}
	return 0;
}

/*
 * Gives the front what is root's: a directory that we have just made; one of a time when the front was root; one that a service manager
 * has taken for root with all in it. Files of one name only: with a second one a file could be anything of root's.
 */
static int give(int fd, const char *path, uid_t owner, gid_t group, char why[static 256])
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int r = dir ? 0 : -errno;
	if (!dir && copy >= 0)
		close(copy);
	for (struct dirent *d; !r && (d = readdir(dir));) {
		struct stat st;
		int file = openat(fd, d->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (file < 0 || fstat(file, &st) < 0 ||
		    (S_ISREG(st.st_mode) && st.st_uid == 0 && st.st_nlink == 1 &&
			fchownat(file, "", owner, group, AT_EMPTY_PATH) < 0))
			r = -errno;
		if (file >= 0)
			close(file);
	}
	if (dir)
		closedir(dir);
	/* Last: who is stopped in between begins again. */
	if (!r && fchown(fd, owner, group) < 0)
		r = -errno;
	if (r)
		snprintf(
		    why, 256, "state_dir %.130s: cannot give it to user %u: %s", path, owner, strerror(-r));
	return r;
}

/* The directories above it, when they are missing: the front passes through them, also as another user than we are. */
static int make_way(const char *path, bool own)
{
	char above[PATH_MAX];
	size_t len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	if (len >= sizeof above)
		return -ENAMETOOLONG;
	memcpy(above, path, len);
	above[len] = 0;
	mode_t before = umask(own ? 077 : 022);
	int r = make_directories(above, 0755);
	umask(before);
	return r;
}

static int open_lock(int dir, const char *name, uid_t owner, gid_t group)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (geteuid() == 0 && fchown(fd, owner, group) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static long holder(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static int take_own_lock(int fd, const char *path, char why[static 256])
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;
		if (error != EWOULDBLOCK) {
			snprintf(why, 256, "state_dir %.150s: cannot lock it: %s", path, strerror(error));
			return -error;
		}
		snprintf(why, 256, "state_dir %.150s belongs to a running daemon, pid %ld", path, holder(fd));
		return ERR_BUSY;
	}
	char text[24];
	int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len) {
		int error = errno;
		snprintf(why, 256, "state_dir %.150s: cannot write there: %s", path, strerror(error));
		return -error;
	}
	return 0;
}

/* The supervisor before us is gone; its front and workers see that and end. */
static int take_tree_lock(int fd, const char *path, char why[static 256])
{
	bool told = false;
	int64_t deadline_ns = clock_deadline_ms(TREE_WAIT_MS);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			int error = errno;
			snprintf(why, 256, "state_dir %.150s: cannot lock it: %s", path, strerror(error));
			return -error;
		}
		if (clock_mono_ns() >= deadline_ns) {
			snprintf(
			    why, 256, "state_dir %.150s: processes of an earlier daemon do not end", path);
			return ERR_BUSY;
		}
		if (!told)
			log_info(
			    "waiting for what an earlier daemon left to end", log_str("state_dir", path));
		told = true;
		nanosleep(&(struct timespec){.tv_nsec = TREE_LOOK_MS * NS_PER_MS}, NULL);
	}
	return 0;
}

int statedir_open(const char *path, uid_t owner, gid_t group, struct statedir *out, char why[static 256])
{
	struct statedir s = {.fd = -1, .lock_fd = -1, .tree_lock_fd = -1};
	struct stat st;
	int r = make_way(path, owner == geteuid());
	if (!r)
		r = make_directories(path, 0700);
	if (!r) {
		s.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = s.fd < 0 ? -errno : 0;
	}
	if (r) {
		snprintf(why, 256, "state_dir %.150s: %s", path, strerror(-r));
		return r;
	}
	r = check_file_system(s.fd, path, why);
	if (!r)
		r = check_owner(s.fd, path, owner, why, &st);
	if (!r) {
		s.lock_fd = open_lock(s.fd, "lock", owner, group);
		s.tree_lock_fd = s.lock_fd < 0 ? s.lock_fd : open_lock(s.fd, "lock.tree", owner, group);
		if (s.tree_lock_fd < 0) {
			r = s.tree_lock_fd;
			snprintf(why, 256, "state_dir %.150s: cannot write there: %s", path, strerror(-r));
		}
	}
	if (!r)
		r = take_own_lock(s.lock_fd, path, why);
	if (!r)
		r = take_tree_lock(s.tree_lock_fd, path, why);
	if (!r && st.st_uid != owner)
		r = give(s.fd, path, owner, group, why);
	if (r) {
		statedir_close(&s);
		return r;
	}
	/* The directory itself, by whatever path: links and mounts of it give the same name. */
	const uint64_t identity[] = {st.st_dev, st.st_ino};
	snprintf(
	    s.instance, sizeof s.instance, "%016" PRIx64, (uint64_t)XXH3_64bits(identity, sizeof identity));
	*out = s;
	return 0;
}

void statedir_close(struct statedir *s)
{
	if (s->tree_lock_fd >= 0)
		close(s->tree_lock_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = s->lock_fd = s->tree_lock_fd = -1;
}
