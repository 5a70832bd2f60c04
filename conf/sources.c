/* Finds and reads the files of a configuration: the first, and those that it includes, each once. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/defaults.h"
#include "conf/tree.h"

enum { FILES_MAX = 1000 };

struct reading {
	struct conf_sources sources;
	struct problems problems;
	struct {
		dev_t dev;
		ino_t ino;
	} seen[FILES_MAX];
	int error; /* the first */
};

char *conf_find_file(void)
{
	const char *given = getenv("BAKERY_CONF");
	if (given && *given)
		return strdup(given);
	if (defaults_system_user())
		return access("/etc/bakery/bakery.yaml", F_OK) == 0 ? strdup("/etc/bakery/bakery.yaml")
								    : NULL;
	char *path = defaults_person_dir("XDG_CONFIG_HOME", ".config", "bakery/bakery.yaml");
	if (path && access(path, F_OK) < 0) {
		free(path);
		path = NULL;
	}
	return path;
}

void conf_sources_clear(struct conf_sources *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->items[i].path);
		/* There may be passwords in it. */
		if (s->items[i].bytes)
			explicit_bzero(s->items[i].bytes, s->items[i].len);
		free(s->items[i].bytes);
	}
	free(s->items);
	*s = (struct conf_sources){0};
}

/* All of it, one byte more than the limit at most. 0 or a negative errno value. */
static int read_all(int fd, char **out_bytes, size_t *out_len)
{
	size_t len = 0, room = 4096;
	char *bytes = malloc(room);
	int r = bytes ? 0 : -ENOMEM;
	while (!r) {
		ssize_t n = read(fd, bytes + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : 0;
			break;
		}
		len += (size_t)n;
		if (len > TREE_BYTES_MAX) {
			r = -EFBIG;
		} else if (len == room) {
			char *more = realloc(bytes, room *= 2);
			if (more)
				bytes = more;
			else
				r = -ENOMEM;
		}
	}
	if (r) {
		free(bytes);
		return r;
	}
	*out_bytes = bytes;
	*out_len = len;
	return 0;
}

static bool seen(struct reading *r, const struct stat *st)
{
	for (size_t i = 0; i < r->sources.count; i++) {
		if (r->seen[i].dev == st->st_dev && r->seen[i].ino == st->st_ino)
			return true;
	}
	return false;
}

static int add_file(struct reading *r, const char *path, const struct conf_place *from)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (!error && seen(r, &st)) {
		close(fd);
		return 0;
	}
	if (!error && r->sources.count == FILES_MAX)
		error = -EMFILE;
	struct conf_source s = {.included = from != NULL};
	if (!error)
		error = read_all(fd, &s.bytes, &s.len);
	if (fd >= 0)
		close(fd);
	if (!error) {
		struct conf_source *items = reallocarray(
		    r->sources.items, r->sources.count + 1, sizeof *items);
		s.path = strdup(path);
		if (items)
			r->sources.items = items;
		if (!items || !s.path) {
			free(s.path);
			free(s.bytes);
			return -ENOMEM;
		}
		r->seen[r->sources.count].dev = st.st_dev;
		r->seen[r->sources.count].ino = st.st_ino;
		items[r->sources.count++] = s;
		return 0;
	}
	if (error == -ENOMEM)
		return error;
	problems_error(&r->problems, from ? from : &(struct conf_place){.file = path},
	    from ? "include" : NULL, "%s%scannot be read: %s", from ? path : "", from ? " " : "",
	    strerror(-error));
	if (!r->error)
		r->error = error;
	return 0;
}

/* A pattern is relative to the folder of the file that it is written in. */
static int include(struct reading *r, const char *file, const struct tree *node)
{
	char *copy = strdup(file), *pattern = NULL;
	if (!copy)
		return -ENOMEM;
	int error = asprintf(&pattern, "%s%s%s", node->text[0] == '/' ? "" : dirname(copy),
			node->text[0] == '/' ? "" : "/", node->text) < 0
			? -ENOMEM
			: 0;
	free(copy);
	if (error)
		return error;
	glob_t found = {0};
	/* Without a wildcard the file has to be there. */
	int g = glob(pattern, strpbrk(node->text, "*?[") ? 0 : GLOB_NOCHECK, NULL, &found);
	for (size_t i = 0; g == 0 && i < found.gl_pathc && !error; i++)
		error = add_file(r, found.gl_pathv[i], &node->place);
	if (g == GLOB_NOSPACE)
		error = -ENOMEM;
	globfree(&found);
	free(pattern);
	return error;
}

/* What is wrong with the text itself is told when it is parsed in earnest. */
static int follow(struct reading *r, size_t index)
{
	struct arena arena = {0};
	struct problems ignored = {0};
	struct tree *root = NULL;
	/* The list of sources grows and moves meanwhile; this text stays where it is. */
	const struct conf_source source = r->sources.items[index];
	int error = tree_parse(&arena, source.path, source.bytes, source.len, &ignored, &root);
	const struct tree *list = error ? NULL : tree_get(root, "include"), *node;
	if (list && list->kind == TREE_LIST) {
		STAILQ_FOREACH (node, &list->children, next) {
			if (!error && node->kind == TREE_SCALAR && node->len)
				error = include(r, source.path, node);
		}
	}
	problems_clear(&ignored);
	arena_clear(&arena);
	return error;
}

int conf_read_sources(const char *path, struct conf_sources *out, struct conf_report *report)
{
	struct reading *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	int error = path ? add_file(r, path, NULL) : 0;
	for (size_t i = 0; i < r->sources.count && !error; i++)
		error = follow(r, i);
	int told = problems_report(&r->problems, &r->sources, report);
	if (!error)
		error = told ? told : r->error;
	if (error)
		conf_sources_clear(&r->sources);
	else
		*out = r->sources;
	free(r);
	return error;
}
