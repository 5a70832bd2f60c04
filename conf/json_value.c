#include "conf/json_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/quote.h"
#include "conf/units.h"

/* libyaml reads a key of 1024 bytes at most on its line, and here it is written with escapes. */
enum { KEY_MAX = 160 };

struct writing {
	FILE *f;
	struct problems *problems;
	const char *path;
};

static size_t skip_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* RFC 8259, section 6. */
static bool is_json_number(const char *text)
{
	text += *text == '-';
	size_t digits = skip_digits(text);
	if (!digits || (*text == '0' && digits > 1))
		return false;
	text += digits;
	if (*text == '.') {
		digits = skip_digits(++text);
		if (!digits)
			return false;
		text += digits;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		digits = skip_digits(text);
		if (!digits)
			return false;
		text += digits;
	}
	return !*text;
}

static void write_scalar(struct writing *w, const struct tree *node)
{
	int64_t whole;
	double number;
	if (tree_is_null(node)) {
		fputs("null", w->f);
	} else if (tree_is_plain(node, "true") || tree_is_plain(node, "false")) {
		fputs(node->text, w->f);
	} else if (read_number(node, &number) < 0 && !(node->plain && is_json_number(node->text))) {
		quote_put(w->f, node->text);
	} else if (read_number(node, &number) < 0) {
		problems_error(w->problems, &node->place, w->path,
		    "%.40s: is more than a number holds: write it in quotes", node->text);
	} else if (!is_json_number(node->text)) {
		problems_error(w->problems, &node->place, w->path,
		    "%.40s: write a number as JSON does, or a text in quotes", node->text);
	} else if (!strpbrk(node->text, ".eE") &&
		   units_parse_int(node->text, node->len, INT64_MIN, INT64_MAX, &whole) < 0) {
		problems_error(w->problems, &node->place, w->path,
		    "%.40s: is more than 64 bits hold: write it in quotes", node->text);
	} else {
		fputs(node->text, w->f);
	}
}

static void write_value(struct writing *w, const struct tree *node, int depth)
{
	const struct tree *child;
	bool map = node->kind == TREE_MAP;
	const char *between = "";
	if (node->kind == TREE_SCALAR) {
		write_scalar(w, node);
		return;
	}
	if (depth >= JSON_VALUE_DEPTH_MAX) {
		problems_error(w->problems, &node->place, w->path, "nested too deeply: at most %d",
		    JSON_VALUE_DEPTH_MAX);
		return;
	}
	putc(map ? '{' : '[', w->f);
	STAILQ_FOREACH (child, &node->children, next) {
		fputs(between, w->f);
		between = ", ";
		if (map && child->key->len > KEY_MAX)
			problems_error(w->problems, &child->key->place, w->path,
			    "a key of at most %d bytes can stand here", KEY_MAX);
		if (map) {
			quote_put(w->f, child->key->text);
			fputs(": ", w->f);
		}
		write_value(w, child, depth + 1);
	}
	putc(map ? '}' : ']', w->f);
}

int json_value(struct reader *r, const struct tree *node, const char *path, char **out)
{
	char *text = NULL;
	size_t len = 0, errors = r->problems->errors;
	struct writing w = {.f = open_memstream(&text, &len), .problems = r->problems, .path = path};
	if (!w.f)
		return -ENOMEM;
	/* More likely forgotten, or commented out, than meant. */
	if (tree_is_plain(node, ""))
		problems_error(r->problems, &node->place, path, "expected a value; write null to send null");
	write_value(&w, node, 0);
	bool failed = ferror(w.f);
	failed |= fclose(w.f) != 0;
	char *copy = failed ? NULL : arena_copy(r->arena, text, len);
	free(text);
	if (!copy)
		return -ENOMEM;
	if (r->problems->errors == errors)
		*out = copy;
	return 0;
}
