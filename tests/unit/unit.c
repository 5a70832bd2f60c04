#include "tests/unit/unit.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static Suite *suite;
static char dir[PATH_MAX];
static pid_t dir_owner;

TCase *unit_case(const char *name)
{
	if (!suite)
		suite = suite_create("unit");
	TCase *t = tcase_create(name);
	tcase_set_timeout(t, 60);
	suite_add_tcase(suite, t);
	return t;
}

int unit_run(void)
{
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_dir(void)
{
	if (dir[0] && getpid() == dir_owner)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_dir(void)
{
	if (!dir[0] || getpid() != dir_owner) {
		const char *tmp = getenv("TMPDIR");
		snprintf(dir, sizeof dir, "%s/bakery-unit-XXXXXX", tmp ? tmp : "/tmp");
		if (!mkdtemp(dir)) {
			perror(dir);
			abort();
		}
		dir_owner = getpid();
		atexit(remove_dir);
	}
	return dir;
}
