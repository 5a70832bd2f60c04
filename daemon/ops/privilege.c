#include "daemon/ops/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int privilege_find_user(const char *user, uid_t *uid, gid_t *gid)
{
	if (!user) {
		*uid = geteuid();
		*gid = getegid();
		return 0;
	}
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (!pw)
		return errno ? -errno : -ENOENT;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int privilege_drop(const char *user, const char **what)
{
	*what = "no new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (!user)
		return 0;
	uid_t uid;
	gid_t gid;
	*what = "look-up of daemon.user";
	int r = privilege_find_user(user, &uid, &gid);
	if (r)
		return r;
	if (geteuid() == 0) {
		*what = "groups of daemon.user";
		if (initgroups(user, gid) < 0)
			return -errno;
		*what = "group of daemon.user";
		if (setresgid(gid, gid, gid) < 0)
			return -errno;
		*what = "user of daemon.user";
		if (setresuid(uid, uid, uid) < 0)
			return -errno;
		*what = "empty capabilities";
		r = drop_capabilities();
		if (r)
			return r;
		/* A job of the same user could otherwise read our memory, and with it the store's. */
		*what = "not dumpable";
		if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
			return -errno;
	}
	*what = "daemon.user";
	return geteuid() == uid ? 0 : -EPERM;
}
