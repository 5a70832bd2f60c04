/* Values that are one scalar: texts, names, paths, durations, sizes, numbers and words. */
#include "conf/scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "conf/units.h"

static void *at(void *object, size_t offset)
{
	return (char *)object + offset;
}

void scalar_store(const struct setting *s, void *object, int64_t value)
{
	void *p = at(object, s->offset);
	if (s->size == sizeof(int64_t))
		*(int64_t *)p = value;
	else if (s->size == sizeof(int))
		*(int *)p = (int)value;
	else
		*(bool *)p = value != 0;
}

/* The arguments of "%s%.*s%s" that show a value in a message, unless it is long. */
#define SHOWN(node) (int)((node)->len < 40 ? (node)->len : 40), (node)->text

void scalar_bad(struct reader *r, const struct tree *node, const char *path, const char *expected)
{
	if (node->kind != TREE_SCALAR)
		problems_error(r->problems, &node->place, path, "expected %s, not a %s", expected,
		    node->kind == TREE_LIST ? "list" : "map");
	else if (tree_is_null(node))
		problems_error(r->problems, &node->place, path, "expected %s, not nothing", expected);
	else
		problems_error(r->problems, &node->place, path, "%.*s: expected %s", SHOWN(node), expected);
}

static void out_of_bounds(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path)
{
	char low[32], high[32];
	if (s->type == SETTING_DURATION) {
		units_format_duration(s->min, low);
		units_format_duration(s->max, high);
	} else if (s->type == SETTING_SIZE) {
		units_format_size((uint64_t)s->min, low);
		units_format_size((uint64_t)s->max, high);
	} else {
		snprintf(low, sizeof low, "%" PRId64, s->min);
		snprintf(high, sizeof high, "%" PRId64, s->max);
	}
	problems_error(r->problems, &node->place, path, "%.*s: expected %s to %s", SHOWN(node), low, high);
}

static int read_text(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind != TREE_SCALAR || (tree_is_null(node) && node->place.file)) {
		scalar_bad(r, node, path, "a text");
		return 0;
	}
	if ((int64_t)node->len < s->min) {
		problems_error(r->problems, &node->place, path, "expected a text, not an empty one");
		return 0;
	}
	char *text = arena_copy(r->arena, node->text, node->len);
	if (!text)
		return -ENOMEM;
	*out = text;
	return 0;
}

bool read_is_name(const char *text, size_t len)
{
	return len >= 1 && len <= 64 && text[0] != '.' && text[0] != '-' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static int read_name(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind == TREE_SCALAR && !read_is_name(node->text, node->len)) {
		scalar_bad(r, node, path, "a name: letters, digits, - _ . and at most 64 of them");
		return 0;
	}
	return read_text(r, s, node, path, out);
}

static int read_file_path(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, char **out)
{
	if (node->kind == TREE_SCALAR && node->text[0] != '/') {
		scalar_bad(r, node, path, "an absolute path");
		return 0;
	}
	if ((int64_t)node->len > s->max) {
		problems_error(
		    r->problems, &node->place, path, "too long: at most %" PRId64 " bytes", s->max);
		return 0;
	}
	return read_text(r, s, node, path, out);
}

static int read_address(struct reader *r, const struct tree *node, const char *path, struct conf_listen *out)
{
	struct address a;
	const char *why = NULL;
	if (node->kind != TREE_SCALAR || address_parse(node->text, &a, &why) < 0 || a.kind != ADDRESS_TCP) {
		scalar_bad(r, node, path, "HOST:PORT or [IPV6]:PORT");
		return 0;
	}
	out->host = arena_copy(r->arena, a.host, strlen(a.host));
	out->port = a.port;
	return out->host ? 0 : -ENOMEM;
}

static void read_duration(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t ms, bare;
	int error = node->kind == TREE_SCALAR ? units_parse_duration(node->text, node->len, 0, &ms) : -EINVAL;
	if (error == 0 && ms >= s->min && ms <= s->max)
		scalar_store(s, object, ms);
	else if (error == 0 || error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else if (node->kind == TREE_SCALAR &&
		 units_parse_int(node->text, node->len, 0, INT64_MAX, &bare) == 0)
		problems_error(r->problems, &node->place, path, "%s: say %ss or %sms", node->text, node->text,
		    node->text);
	else
		scalar_bad(r, node, path,
		    s->none ? "a duration (500ms, 30s, 5m, 2h, 7d) or none"
			    : "a duration (500ms, 30s, 5m, 2h, 7d)");
}

static void read_size(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	uint64_t bytes;
	int error = node->kind == TREE_SCALAR ? units_parse_size(node->text, node->len, &bytes) : -EINVAL;
	if (error == 0 && bytes >= (uint64_t)s->min && bytes <= (uint64_t)s->max)
		*(uint64_t *)at(object, s->offset) = bytes;
	else if (error == 0 || error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else
		scalar_bad(r, node, path, "a size (65536, 64KiB, 1MiB, 4GiB)");
}

static void read_int(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t n;
	int error = node->kind == TREE_SCALAR && node->plain
			? units_parse_int(node->text, node->len, s->min, s->max, &n)
			: -EINVAL;
	if (error == 0)
		scalar_store(s, object, n);
	else if (error == -ERANGE)
		out_of_bounds(r, s, node, path);
	else
		scalar_bad(r, node, path, s->none ? "a whole number or none" : "a whole number");
}

int read_number(const struct tree *node, double *out)
{
	if (node->kind != TREE_SCALAR || !node->plain || !node->len ||
	    strspn(node->text, "0123456789+-.eE") != node->len)
		return -EINVAL;
	char *end;
	double number = strtod(node->text, &end);
	if (*end || !isfinite(number))
		return -EINVAL;
	*out = number;
	return 0;
}

static void read_double(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	double number;
	if (read_number(node, &number) < 0)
		scalar_bad(r, node, path, "a number");
	else if (number < (double)s->min || number > (double)s->max)
		out_of_bounds(r, s, node, path);
	else
		*(double *)at(object, s->offset) = number;
}

static void read_percent(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	int64_t n;
	if (node->kind == TREE_SCALAR && node->len && node->text[node->len - 1] == '%' &&
	    units_parse_int(node->text, node->len - 1, s->min, s->max, &n) == 0)
		scalar_store(s, object, n);
	else
		scalar_bad(r, node, path, "0% to 100%");
}

static void read_mode(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (node->kind == TREE_SCALAR && (node->len == 3 || node->len == 4) &&
	    strspn(node->text, "01234567") == node->len && strtol(node->text, NULL, 8) <= 0777)
		scalar_store(s, object, strtol(node->text, NULL, 8));
	else
		scalar_bad(r, node, path, "the mode of a file in octal, such as 0660");
}

static void read_bool(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	if (tree_is_plain(node, "true") || tree_is_plain(node, "false"))
		scalar_store(s, object, node->text[0] == 't');
	else
		scalar_bad(r, node, path, "true or false");
}

static void read_word(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	char expected[200] = "one of";
	for (const struct setting_word *w = s->words; w->word; w++) {
		if (node->kind == TREE_SCALAR && strcmp(node->text, w->word) == 0) {
			scalar_store(s, object, w->value);
			return;
		}
		size_t used = strlen(expected);
		snprintf(expected + used, sizeof expected - used, "%s %s", w == s->words ? "" : ",", w->word);
	}
	if (!s->words[1].word)
		snprintf(expected, sizeof expected, "%s", s->words[0].word);
	scalar_bad(r, node, path, expected);
}

int scalar_read(
    struct reader *r, const struct setting *s, const struct tree *node, const char *path, void *object)
{
	switch (s->type) {
	case SETTING_TEXT:
		return read_text(r, s, node, path, at(object, s->offset));
	case SETTING_NAME:
		return read_name(r, s, node, path, at(object, s->offset));
	case SETTING_PATH:
		return read_file_path(r, s, node, path, at(object, s->offset));
	case SETTING_ADDRESS:
		return read_address(r, node, path, object);
	case SETTING_DURATION:
		read_duration(r, s, node, path, object);
		return 0;
	case SETTING_SIZE:
		read_size(r, s, node, path, object);
		return 0;
	case SETTING_INT:
		read_int(r, s, node, path, object);
		return 0;
	case SETTING_NUMBER:
		read_double(r, s, node, path, object);
		return 0;
	case SETTING_PERCENT:
		read_percent(r, s, node, path, object);
		return 0;
	case SETTING_MODE:
		read_mode(r, s, node, path, object);
		return 0;
	case SETTING_BOOL:
		read_bool(r, s, node, path, object);
		return 0;
	case SETTING_WORD:
		read_word(r, s, node, path, object);
		return 0;
	default:
		break;
	}
	return 0;
}
