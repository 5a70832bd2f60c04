#include "daemon/order/path.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/order/params.h"

/* The path without links; of a file that is not there yet, with its folder's resolved. NULL with errno. */
static char *resolve(const char *path, char out[static PATH_MAX])
{
	char folder[PATH_MAX], name[PATH_MAX];
	struct stat st;
	if (realpath(path, out))
		return out;
	/* A link to what is not there is refused: it would be followed when the job makes the file. */
	if (errno != ENOENT || strlen(path) >= sizeof folder || lstat(path, &st) == 0)
		return NULL;
	memcpy(folder, path, strlen(path) + 1);
	memcpy(name, path, strlen(path) + 1);
	const char *last = basename(name);
	if (strcmp(last, "..") == 0 || !realpath(dirname(folder), out))
		return NULL;
	size_t used = strlen(out);
	if (used + strlen(last) + 2 > PATH_MAX)
		return NULL;
	if (used > 1)
		out[used++] = '/';
	memcpy(out + used, last, strlen(last) + 1);
	return out;
}

static bool is_under(const char *path, char *const *folders)
{
	char folder[PATH_MAX];
	for (; *folders; folders++) {
		if (!realpath(*folders, folder))
			continue;
		size_t n = strlen(folder);
		if (n == 1 || (strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n])))
			return true;
	}
	return false;
}

int path_check(const struct conf_param *p, const char *path, char out[static PATH_MAX], char why[static 256])
{
	if (!p->under) {
		memcpy(out, path, strlen(path) + 1); /* params.c has refused a longer one */
		return 0;
	}
	if (!resolve(path, out))
		return params_refuse(why, "parameter '%s': %.150s: %s", p->name, path, strerror(errno));
	if (!is_under(out, p->under))
		return params_refuse(
		    why, "parameter '%s': %.150s is not under a folder that is allowed", p->name, path);
	return 0;
}
