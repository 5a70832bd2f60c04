#include "conf/finish.h"

#include <errno.h>
#include <math.h>
#include <regex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/quote.h"
#include "conf/read.h"
#include "conf/units.h"

/* ---- listen, pools, users ---- */

int finish_listen(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_listen *l = object;
	const struct tree *as_unix = tree_get(node, "unix"), *as_tcp = tree_get(node, "tcp");
	l->kind = as_tcp ? CONF_LISTEN_TCP : CONF_LISTEN_UNIX;
	if (!as_unix == !as_tcp)
		problems_error(
		    r->problems, &node->place, path, "expected one of unix: PATH and tcp: HOST:PORT");
	for (const char *const *key = (const char *const[]){"mode", "group", NULL}; *key; key++) {
		const struct tree *given = tree_get(node, *key);
		if (as_tcp && given)
			problems_error(r->problems, &given->key->place, path, "%s is for unix only", *key);
	}
	return 0;
}

static int count_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return n > 0 ? n : 1;
}

int finish_pool(struct reader *r, const struct tree *node, const char *path, void *object)
{
	(void)r;
	(void)node;
	(void)path;
	struct conf_pool *pool = object;
	if (!pool->workers)
		pool->workers = count_processors();
	return 0;
}

/* Rights that need no more than their word, and those that say whose orders. `order GLOB` and `*` stand beside them. */
static const char *const rights[] = {"pause", "recycle", "reload", "drain", "backup"};
static const char *const reaching_rights[] = {"read", "payload", "cancel", "retry", "events"};

static bool is_right(const char *rule)
{
	size_t word = strcspn(rule, " ");
	const char *rest = rule + word;
	if (strcmp(rule, "*") == 0)
		return true;
	if (word == 5 && strncmp(rule, "order", word) == 0)
		return *rest && rest[1] && !strchr(rest + 1, ' ');
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
		if (strcmp(rule, rights[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof reaching_rights / sizeof *reaching_rights; i++) {
		const char *right = reaching_rights[i];
		if (strlen(right) == word && strncmp(rule, right, word) == 0)
			return strcmp(rest, " own") == 0 || strcmp(rest, " all") == 0;
	}
	return false;
}

/* "scrypt$LN$R$P$SALT$HASH". What --print-config shows instead is taken too. */
static bool is_password(const char *text)
{
	int fields = 0;
	for (const char *c = text; *c; c++)
		fields += *c == '$';
	return strcmp(text, "…") == 0 ||
	       (strncmp(text, "scrypt$", 7) == 0 && fields == 5 && strlen(text) < 160);
}

int finish_user(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_user *user = object;
	const struct tree *password = tree_get(node, "password"), *rule;
	if (!user->name && !tree_get(node, "name"))
		problems_error(r->problems, &node->place, path, "name is missing");
	if (user->password && !is_password(user->password))
		problems_error(r->problems, &password->place, path,
		    "password: expected what bakeryd --hash-password prints, scrypt$…");
	else if (user->password && user->password[0] != 's')
		problems_warn(r->problems, &password->place, path,
		    "password: the real one was not printed here: nobody can log in with this");
	if (!user->password && !user->unix_names)
		problems_warn(r->problems, &node->place, path,
		    "nobody can be this user: give it a password or unix: names");
	if (!user->allow && !(user->allow = arena_alloc(r->arena, sizeof *user->allow)))
		return -ENOMEM;
	const struct tree *allow = tree_get(node, "allow");
	if (!allow || allow->kind != TREE_LIST)
		return 0;
	STAILQ_FOREACH (rule, &allow->children, next) {
		if (rule->kind == TREE_SCALAR && !is_right(rule->text))
			problems_error(r->problems, &rule->place, path,
			    "allow: %.60s: expected order GLOB, read|payload|cancel|retry|events own|all, "
			    "pause, "
			    "recycle, reload, drain, backup or *",
			    rule->text);
	}
	return 0;
}

/* ---- parameters ---- */

/* Up to which a double holds every integer. */
#define EXACT_MAX ((int64_t)1 << 53)

/* Which keys mean something for which types. */
static const struct {
	const char *key;
	unsigned types;
	const char *say;
} param_keys[] = {
    {"min", 1u << CONF_PARAM_INTEGER | 1u << CONF_PARAM_NUMBER, "integer and number"},
    {"max", 1u << CONF_PARAM_STRING | 1u << CONF_PARAM_INTEGER | 1u << CONF_PARAM_NUMBER,
	"string, integer and number"},
    {"pattern", 1u << CONF_PARAM_STRING, "string"},
    {"one_of", 1u << CONF_PARAM_STRING, "string"},
    {"under", 1u << CONF_PARAM_PATH, "path"},
    {"allow_dash", 1u << CONF_PARAM_STRING | 1u << CONF_PARAM_PATH | 1u << CONF_PARAM_LIST,
	"string, path and list"},
};

static int read_bound(struct reader *r, const struct conf_param *p, const struct tree *node, const char *path,
    const char *key, double *out)
{
	int64_t whole;
	if (p->type == CONF_PARAM_NUMBER
		? read_number(node, out) == 0
		: node->kind == TREE_SCALAR && node->plain &&
		      units_parse_int(node->text, node->len, p->type == CONF_PARAM_STRING ? 0 : -EXACT_MAX,
			  EXACT_MAX, &whole) == 0) {
		if (p->type != CONF_PARAM_NUMBER)
			*out = (double)whole;
		return 0;
	}
	const char *name = read_path(r, path, key);
	if (!name)
		return -ENOMEM;
	problems_error(r->problems, &node->place, name,
	    p->type == CONF_PARAM_NUMBER ? "expected a number" : "expected a whole number");
	return 0;
}

static int read_bounds(struct reader *r, const struct tree *node, const char *path, struct conf_param *p)
{
	const struct tree *min = tree_get(node, "min"), *max = tree_get(node, "max");
	double value = NAN;
	int error = 0;
	p->max = CONF_NONE;
	if (min && p->type != CONF_PARAM_STRING) {
		error = read_bound(r, p, min, path, "min", &value);
		p->has_minimum = value == value;
		p->minimum = p->has_minimum ? value : 0;
	}
	value = NAN;
	if (max && !error)
		error = read_bound(r, p, max, path, "max", &value);
	if (max && value == value && p->type == CONF_PARAM_STRING) {
		p->max = (int64_t)value;
	} else if (max && value == value) {
		p->has_maximum = true;
		p->maximum = value;
	}
	if (p->has_minimum && p->has_maximum && p->minimum > p->maximum)
		problems_error(r->problems, &max->place, path, "max is less than min");
	return error;
}

static size_t count_characters(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool fits_pattern(const char *pattern, const char *text, bool *compiles)
{
	char *anchored;
	regex_t regex;
	*compiles = true;
	if (asprintf(&anchored, "^(%s)$", pattern) < 0)
		return false;
	*compiles = regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB) == 0;
	free(anchored);
	if (!*compiles)
		return false;
	bool fits = !text || regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return fits;
}

static bool is_one_of(char *const *words, const char *text)
{
	for (; *words; words++) {
		if (strcmp(*words, text) == 0)
			return true;
	}
	return false;
}

static char *quote_json_list(struct arena *arena, const struct tree *node)
{
	char *list = arena_printf(arena, "[");
	const struct tree *child;
	STAILQ_FOREACH (child, &node->children, next) {
		char *one = list && child->kind == TREE_SCALAR ? quote_json(arena, child->text) : NULL;
		list = one ? arena_printf(arena, "%s%s%s", list, list[1] ? "," : "", one) : NULL;
	}
	return list ? arena_printf(arena, "%s]", list) : NULL;
}

static bool only_scalars(const struct tree *list)
{
	const struct tree *child;
	STAILQ_FOREACH (child, &list->children, next) {
		if (child->kind != TREE_SCALAR)
			return false;
	}
	return true;
}

/* The default as JSON. 0 with *expected set when it is not of the parameter's type, or out of its bounds. */
static int read_default(
    struct reader *r, const struct conf_param *p, const struct tree *node, char **out, const char **expected)
{
	int64_t whole;
	double number = 0;
	bool compiles, scalar = node->kind == TREE_SCALAR, text = scalar && !tree_is_null(node);
	char *json = NULL, digits[32];
	switch (p->type) {
	case CONF_PARAM_STRING:
		if (!text)
			*expected = "a text";
		else if (p->one_of && !is_one_of(p->one_of, node->text))
			*expected = "one of one_of";
		else if (p->max != CONF_NONE && count_characters(node->text) > (size_t)p->max)
			*expected = "at most max characters";
		else if (p->pattern && !fits_pattern(p->pattern, node->text, &compiles) && compiles)
			*expected = "what the pattern describes";
		else
			json = quote_json(r->arena, node->text);
		break;
	case CONF_PARAM_PATH:
		if (!text || node->text[0] != '/')
			*expected = "an absolute path";
		else
			json = quote_json(r->arena, node->text);
		break;
	case CONF_PARAM_INTEGER:
	case CONF_PARAM_NUMBER:
		if (p->type == CONF_PARAM_INTEGER && scalar && node->plain &&
		    units_parse_int(node->text, node->len, -EXACT_MAX, EXACT_MAX, &whole) == 0)
			number = (double)whole;
		else if (p->type == CONF_PARAM_INTEGER || read_number(node, &number) < 0)
			*expected = p->type == CONF_PARAM_INTEGER ? "a whole number" : "a number";
		if (!*expected &&
		    ((p->has_minimum && number < p->minimum) || (p->has_maximum && number > p->maximum)))
			*expected = "a number from min to max";
		if (!*expected)
			json = arena_printf(r->arena, "%s", units_format_number(number, digits));
		break;
	case CONF_PARAM_BOOLEAN:
		if (tree_is_plain(node, "true") || tree_is_plain(node, "false"))
			json = arena_copy(r->arena, node->text, node->len);
		else
			*expected = "true or false";
		break;
	case CONF_PARAM_LIST:
		if (node->kind == TREE_LIST && only_scalars(node))
			json = quote_json_list(r->arena, node);
		else
			*expected = "a list of texts";
		break;
	}
	if (!*expected && !json)
		return -ENOMEM;
	*out = json;
	return 0;
}

int finish_param(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_param *p = object;
	const struct tree *child, *fallback = tree_get(node, "default");
	bool compiles = true;
	if (strcmp(p->name, "payload") == 0 || strcmp(p->name, "worker") == 0 || strchr(p->name, '.'))
		problems_error(r->problems, &p->place, path,
		    "a parameter has no dot in its name and is not called payload or worker");
	if (!tree_get(node, "type")) {
		problems_error(r->problems, &node->place, path,
		    "type is missing: string, integer, number, boolean, path or list");
		return 0;
	}
	for (size_t i = 0; i < sizeof param_keys / sizeof *param_keys; i++) {
		child = tree_get(node, param_keys[i].key);
		if (child && !(param_keys[i].types & 1u << p->type))
			problems_error(r->problems, &child->key->place, path, "%s is for %s only",
			    param_keys[i].key, param_keys[i].say);
	}
	int error = read_bounds(r, node, path, p);
	if (p->pattern)
		fits_pattern(p->pattern, NULL, &compiles);
	if (!compiles)
		problems_error(r->problems, &tree_get(node, "pattern")->place, path,
		    "pattern: not a POSIX extended regular expression (regex(7))");
	if ((child = tree_get(node, "under")) && child->kind == TREE_LIST) {
		const struct tree *folder;
		STAILQ_FOREACH (folder, &child->children, next) {
			if (folder->kind == TREE_SCALAR && folder->text[0] != '/')
				problems_error(
				    r->problems, &folder->place, path, "under: expected absolute paths");
		}
	}
	if (error || !fallback)
		return error;
	const char *expected = NULL;
	error = read_default(r, p, fallback, &p->default_json, &expected);
	if (expected)
		problems_error(r->problems, &fallback->place, path, "default: expected %s", expected);
	if (p->required)
		problems_error(
		    r->problems, &fallback->key->place, path, "a required parameter has no default");
	return error;
}
