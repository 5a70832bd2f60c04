#include "daemon/ops/daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"
#include "daemon/base/rand.h"
#include "daemon/ops/listen.h"
#include "daemon/ops/notify.h"
#include "daemon/ops/privilege.h"
#include "daemon/ops/statedir.h"
#include "daemon/ops/supervisor.h"
#include "daemon/worker/workdir.h"

/* Jobs of other users pass through it to their own directories. */
enum { WORK_DIR_MODE = 0711, GENERATION = 1 };

struct daemon {
	struct conf_sources sources;
	struct conf *conf;
	struct notify notify;
	struct rlimit nofile;
	struct statedir state;
	struct workdir work; /* in work_dir, for this state directory: holds the workers' own */
	struct listeners listeners;
};

static int fail(const char *why)
{
	log_error("cannot start", log_str("why", why));
	return DAEMON_EXIT_FAILED;
}

/* 0, or an exit status. Errors are lines of their own, as --check prints them: the place first. */
static int read_configuration(struct daemon *d, const char *file, bool verbose)
{
	struct conf_report report = {0};
	char *found = file ? NULL : conf_find_file();
	int r = conf_read_sources(file ? file : found, &d->sources, &report);
	if (!r)
		r = conf_parse(&d->sources, &d->conf, &report);
	free(found);
	for (size_t i = 0; i < report.error_count; i++)
		fprintf(stderr, "%s\n", report.errors[i]);
	for (size_t i = 0; i < report.warning_count && !r; i++)
		log_warn("configuration", log_str("warning", report.warnings[i]));
	if (r && !report.error_count)
		fail(err_text(r));
	conf_report_clear(&report);
	if (r)
		return r == -ENOMEM ? DAEMON_EXIT_FAILED : DAEMON_EXIT_CONFIG;
	if (verbose)
		d->conf->log.level = LOG_LEVEL_DEBUG;
	log_init("supervisor", (enum log_level)d->conf->log.level, (enum log_format)d->conf->log.format);
	return 0;
}

static int open_state(struct daemon *d)
{
	char why[256];
	uid_t uid;
	gid_t gid;
	int r = privilege_find_user(d->conf->daemon_user, &uid, &gid);
	if (r) {
		snprintf(why, sizeof why, "daemon: user: %.100s: %s", d->conf->daemon_user,
		    r == -ENOENT ? "there is no such user" : strerror(-r));
		return fail(why);
	}
	return statedir_open(d->conf->state_dir, uid, gid, &d->state, why) ? fail(why) : 0;
}

/* Who may rename in it could put a directory of his own in the place of a job's. */
static int check_work(const struct daemon *d, char why[static 256])
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int r = privilege_find_user(d->conf->daemon_user, &uid, &gid);
	if (!r && fstat(d->work.parent_fd, &st) < 0)
		r = -errno;
	if (r) {
		snprintf(why, 256, "work_dir %.150s: %s", d->conf->work_dir, strerror(-r));
	} else if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != uid) {
		snprintf(why, 256,
		    "work_dir %.120s belongs to user %u, who could exchange the jobs' directories",
		    d->conf->work_dir, st.st_uid);
		r = -EPERM;
	} else if (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX)) {
		snprintf(why, 256,
		    "work_dir %.120s: everybody could exchange the jobs' directories: mode %04o",
		    d->conf->work_dir, st.st_mode & 07777);
		r = -EPERM;
	}
	return r;
}

/* What an earlier daemon left there goes now: nobody works in it any more. */
static int open_work(struct daemon *d)
{
	const char *path = d->conf->work_dir;
	mode_t before = umask(022);
	int r = make_directories(path, 0755);
	umask(before);
	if (!r)
		r = workdir_open(&d->work, path, d->state.instance, geteuid(), getegid());
	if (!r && fchmod(d->work.fd, WORK_DIR_MODE) < 0)
		r = -errno;
	char why[256];
	if (r) {
		snprintf(why, sizeof why, "work_dir %.150s: %s", path, strerror(-r));
		return fail(why);
	}
	return check_work(d, why) ? fail(why) : 0;
}

static int open_listeners(struct daemon *d)
{
	char why[256] = "";
	return listeners_open(d->conf, &d->listeners, why) ? fail(why) : 0;
}

static int set_up_process(struct daemon *d)
{
	const char *why = "";
	log_init("supervisor", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	umask(077);
	notify_init(&d->notify);
	getrlimit(RLIMIT_NOFILE, &d->nofile);
	int r = clock_init();
	if (r)
		return fail("BAKERY_CLOCK cannot be read");
	r = failpoint_init(&why);
	if (r)
		return fail(why);
	uint64_t seed = rand_init();
	log_debug("begins", log_int("seed", (int64_t)seed));
	return 0;
}

int daemon_run(const char *file, bool verbose)
{
	struct daemon d = {.state = {-1, -1, -1, ""}, .work = {.fd = -1, .parent_fd = -1}};
	int status = set_up_process(&d);
	if (!status)
		status = read_configuration(&d, file, verbose);
	if (!status)
		status = open_state(&d);
	if (!status)
		status = open_work(&d);
	if (!status)
		status = open_listeners(&d);
	if (!status) {
		const struct supervisor_options o = {.conf = d.conf,
		    .sources = &d.sources,
		    .listeners = &d.listeners,
		    .state = &d.state,
		    .work_dir = d.work.path,
		    .notify = &d.notify,
		    .generation = GENERATION,
		    .nofile = d.nofile};
		status = supervisor_run(&o);
	}
	listeners_close(&d.listeners);
	workdir_close(&d.work);
	statedir_close(&d.state);
	conf_free(d.conf);
	conf_sources_clear(&d.sources);
	return status;
}
