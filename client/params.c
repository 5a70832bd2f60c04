/*
 * Values are converted here, where the shell knows only text, so that the daemon need not guess: it converts
 * nothing. What the types allow beyond that (patterns, ranges) is the daemon's to check.
 */
#include "client/params.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/json.h"
#include "client/status.h"
#include "conf/units.h"

enum { READ_BYTES = 64 * 1024 };

int params_read_file(const char *path, struct buf *to)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = 0;
	for (;;) {
		char *at = buf_reserve(to, READ_BYTES);
		if (!at) {
			r = -ENOMEM;
			break;
		}
		ssize_t n = read(fd, at, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : 0;
			break;
		}
		buf_commit(to, (size_t)n);
	}
	if (fd != STDIN_FILENO)
		close(fd);
	return r;
}

int params_fetch(struct cli *c, const char *recipe, struct value **out)
{
	struct value *v;
	int status = cli_ask(c, &v, "RECIPES", recipe, NULL);
	if (status)
		return status;
	if (v->type != VALUE_MAP) {
		value_free(v);
		return cli_strange(c);
	}
	*out = v;
	return 0;
}

/* A path that means the same to the daemon, which is somewhere else. */
static json_t *absolute(const char *path)
{
	if (*path == '/')
		return json_exact(path, strlen(path));
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; *path == '/'; path++)
			;
	char *here = getcwd(NULL, 0);
	if (!here)
		return NULL;
	struct buf b = {0};
	buf_append_text(&b, strcmp(here, "/") == 0 ? "" : here);
	if (strcmp(path, ".") != 0 && *path)
		buf_printf(&b, "/%s", path);
	free(here);
	json_t *text = json_exact(buf_bytes(&b), b.len);
	buf_clear(&b);
	return text;
}

static json_t *boolean(const char *text)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {
									 "false", "no", "off", "0"};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return json_true();
		if (strcasecmp(text, no[i]) == 0)
			return json_false();
	}
	return NULL;
}

static json_t *number(const char *text)
{
	/* As JSON writes numbers: no hexadecimal, no infinity, no spaces. */
	if (!*text || strspn(text, "+-0123456789.eE") != strlen(text))
		return NULL;
	json_int_t whole;
	if (units_parse_int(text, strlen(text), INT64_MIN, INT64_MAX, &(int64_t){0}) == 0) {
		whole = strtoll(text, NULL, 10);
		return json_integer(whole);
	}
	char *end;
	double d = strtod(text, &end);
	return *end ? NULL : json_real(d);
}

/* One value of a type. NULL when the text is none. */
static json_t *convert(const char *type, const char *text, size_t len)
{
	if (strlen(text) != len)
		return NULL;
	if (strcmp(type, "path") == 0)
		return absolute(text);
	if (strcmp(type, "boolean") == 0)
		return boolean(text);
	if (strcmp(type, "number") == 0)
		return number(text);
	int64_t n;
	if (strcmp(type, "integer") == 0)
		return units_parse_int(text, len, INT64_MIN, INT64_MAX, &n) == 0 ? json_integer(n) : NULL;
	return json_exact(text, len); /* a string, or an element of a list */
}

static const struct value *find_param(const struct value *params, const char *name, size_t len)
{
	for (size_t i = 0; i < params->count; i++) {
		const char *is = status_text(&params->items[i], "name");
		if (strlen(is) == len && memcmp(is, name, len) == 0)
			return &params->items[i];
	}
	return NULL;
}

static int unknown_param(
    struct cli *c, const struct value *recipe, const struct value *params, const char *name, int len)
{
	struct buf names = {0};
	for (size_t i = 0; i < params->count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", status_text(&params->items[i], "name"));
	int status = cli_fail(c, STATUS_USAGE, "recipe %s has no parameter %.*s; it has: %.*s",
	    status_text(recipe, "name"), len, name, (int)names.len, buf_bytes(&names));
	buf_clear(&names);
	return status;
}

/* NAME and a value into the object. from_file: the value @FILE is read. */
static int add(struct cli *c, json_t *object, const struct value *recipe, const char *name, size_t name_len,
    const char *value, size_t value_len, bool from_file)
{
	const struct value *params = value_get(recipe, "params");
	const struct value *param = find_param(params, name, name_len);
	if (!param)
		return unknown_param(c, recipe, params, name, (int)name_len);
	const char *type = status_text(param, "type");
	struct buf bytes = {0};
	int r = 0;
	if (from_file && value[0] == '@' && value[1] != '@') {
		r = params_read_file(value + 1, &bytes);
		if (r < 0) {
			buf_clear(&bytes);
			return cli_fail(c, STATUS_USAGE, "%s: %s", value + 1, strerror(-r));
		}
	} else {
		size_t skip = from_file && value[0] == '@';
		r = buf_append(&bytes, value + skip, value_len - skip);
	}
	size_t len = bytes.len;
	json_t *v = r == 0 && buf_append(&bytes, "", 1) == 0 ? convert(type, buf_bytes(&bytes), len) : NULL;
	json_t *text = r == 0 ? json_exact(buf_bytes(&bytes), len) : NULL;
	bool is_text = text;
	json_decref(text);
	buf_clear(&bytes);
	if (!v && !is_text)
		return cli_fail(c, STATUS_USAGE, "%.*s=%s: not UTF-8, which a parameter must be",
		    (int)name_len, name, value);
	if (!v)
		return cli_fail(c, STATUS_USAGE, "%.*s=%s: not %s %s", (int)name_len, name, value,
		    strchr("aeiou", *type) ? "an" : "a", type);
	char *key = strndup(name, name_len);
	if (!key) {
		json_decref(v);
		return cli_fail(c, STATUS_NO, "out of memory");
	}
	int status = 0;
	json_t *before = json_object_get(object, key);
	if (strcmp(type, "list") != 0) {
		if (before)
			status = cli_fail(c, STATUS_USAGE, "%s is given twice, and it is not a list", key);
		json_object_set_new(object, key, v);
	} else if (before) {
		json_array_append_new(before, v);
	} else {
		json_object_set_new(object, key, json_pack("[o]", v));
	}
	free(key);
	return status;
}

static bool is_opaque(const struct value *recipe)
{
	const struct value *params = value_get(recipe, "params");
	return !params || params->type != VALUE_ARRAY;
}

static int dump(struct cli *c, json_t *object, struct buf *payload)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int r = text ? buf_append_text(payload, text) : -ENOMEM;
	free(text);
	return r < 0 ? cli_fail(c, STATUS_NO, "out of memory") : 0;
}

int params_build(struct cli *c, const struct value *recipe, int count, char **words, struct buf *payload)
{
	if (is_opaque(recipe)) {
		if (count)
			return cli_fail(c, STATUS_USAGE,
			    "recipe %s takes no parameters: give its payload by --payload FILE",
			    status_text(recipe, "name"));
		return 0;
	}
	json_t *object = json_object();
	int status = 0;
	for (int i = 0; i < count && !status; i++) {
		const char *equals = strchr(words[i], '=');
		if (!equals || equals == words[i])
			status = cli_usage(c, "%s: a parameter is given as NAME=VALUE", words[i]);
		else
			status = add(c, object, recipe, words[i], (size_t)(equals - words[i]), equals + 1,
			    strlen(equals + 1), true);
	}
	if (!status)
		status = dump(c, object, payload);
	json_decref(object);
	return status;
}

bool params_takes(const struct value *recipe, const char *name)
{
	return is_opaque(recipe) ? strcmp(name, "payload") == 0
				 : find_param(value_get(recipe, "params"), name, strlen(name)) != NULL;
}

int params_build_one(struct cli *c, const struct value *recipe, const char *name, const char *value,
    size_t len, struct buf *payload)
{
	if (is_opaque(recipe)) {
		if (strcmp(name, "payload") != 0)
			return cli_fail(c, STATUS_USAGE,
			    "recipe %s takes no parameters: say payload instead of %s",
			    status_text(recipe, "name"), name);
		return buf_append(payload, value, len) < 0 ? cli_fail(c, STATUS_NO, "out of memory") : 0;
	}
	json_t *object = json_object();
	int status = add(c, object, recipe, name, strlen(name), value, len, false);
	if (!status)
		status = dump(c, object, payload);
	json_decref(object);
	return status;
}
