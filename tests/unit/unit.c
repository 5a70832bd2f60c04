#include "tests/unit/unit.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static Suite *suite;
/* One for the program, which removes it even after a test that was ended in its middle; in it one for each test. */
static char all_dirs[PATH_MAX - 8], dir[PATH_MAX];
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

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void make_dir(char *path)
{
	if (!mkdtemp(path)) {
		perror(path);
		abort();
	}
}

int unit_run(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(all_dirs, sizeof all_dirs, "%s/bakery-unit-XXXXXX", tmp ? tmp : "/tmp");
	make_dir(all_dirs);
	/* A test may open its own directory for another user. */
	if (chmod(all_dirs, 0711) < 0)
		perror(all_dirs);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	nftw(all_dirs, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *unit_dir(void)
{
	if (!dir[0] || getpid() != dir_owner) {
		snprintf(dir, sizeof dir, "%s/XXXXXX", all_dirs);
		make_dir(dir);
		dir_owner = getpid();
	}
	return dir;
}
