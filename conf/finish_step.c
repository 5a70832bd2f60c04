/* A step: which kind it is, and which keys belong to that. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conf/finish.h"
#include "conf/read.h"
#include "conf/scalar.h"
#include "conf/template.h"
#include "conf/units.h"

enum { HTTP_TIMEOUT_MS = 30000 };

static const char *const kinds[] = {
    [CONF_STEP_RUN] = "run", [CONF_STEP_SLEEP] = "sleep", [CONF_STEP_HTTP] = "http"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct {
	const char *key;
	enum conf_step_kind kind;
} only_of[] = {{"stdin", CONF_STEP_RUN}, {"pool", CONF_STEP_RUN}, {"times", CONF_STEP_SLEEP}};

/* The kind whose key is there; false when it is not exactly one, which is told. */
static bool find_kind(struct reader *r, const struct tree *node, const char *path, enum conf_step_kind *out)
{
	const struct tree *found = NULL;
	bool one = false;
	for (int i = 0; i < KINDS; i++) {
		const struct tree *key = tree_get(node, kinds[i]);
		if (key && found) {
			problems_error(r->problems, &key->key->place, path,
			    "a step is one of run, sleep and http, not %s and %s", found->key->text,
			    kinds[i]);
			one = false;
		} else if (key) {
			found = key;
			*out = (enum conf_step_kind)i;
			one = true;
		}
	}
	if (!found)
		problems_error(r->problems, &node->place, path,
		    "expected one of run: [COMMAND], sleep: DURATION and http: {url}");
	return one;
}

static int read_times(struct reader *r, const struct tree *node, const char *path, struct conf_step *step)
{
	int64_t times = 1;
	struct template_part part;
	const char *name = read_path(r, path, "times");
	if (!name)
		return -ENOMEM;
	if (node && node->kind == TREE_SCALAR && template_is_whole(node->text, &part) &&
	    part.kind == TEMPLATE_PARAM) {
		step->times = arena_copy(r->arena, node->text, node->len);
		return step->times ? 0 : -ENOMEM;
	}
	int error = !node ? 0
		    : node->kind == TREE_SCALAR && node->plain
			? units_parse_int(node->text, node->len, 0, CONF_TIMES_MAX, &times)
			: -EINVAL;
	if (error)
		scalar_bad(
		    r, node, name, "0 to 1000000, or the placeholder of an integer parameter: \"{NAME}\"");
	step->times = arena_printf(r->arena, "%" PRId64, times);
	return step->times ? 0 : -ENOMEM;
}

static void finish_timeout(
    struct reader *r, const struct tree *node, const char *path, struct conf_step *step)
{
	const struct tree *outer = tree_get(node, "timeout"),
			  *inner = tree_get(tree_get(node, "http"), "timeout");
	if (outer && inner)
		problems_error(r->problems, &inner->key->place, path,
		    "timeout: is at %s:%d:%d already: say it once", outer->key->place.file,
		    outer->key->place.line, outer->key->place.column);
	if (!outer && !inner)
		step->timeout_ms = HTTP_TIMEOUT_MS;
}

int finish_step(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_step *step = object;
	if (!find_kind(r, node, path, &step->kind))
		return 0;
	for (size_t i = 0; i < sizeof only_of / sizeof *only_of; i++) {
		const struct tree *given = tree_get(node, only_of[i].key);
		if (given && only_of[i].kind != step->kind)
			problems_error(r->problems, &given->key->place, path, "%s is for %s steps only",
			    only_of[i].key, kinds[only_of[i].kind]);
	}
	const char *name = kinds[step->kind];
	/* A name that is none has been told of. */
	if (!tree_get(node, "name") && !(step->name = arena_copy(r->arena, name, strlen(name))))
		return -ENOMEM;
	if (step->kind == CONF_STEP_HTTP)
		finish_timeout(r, node, path, step);
	return step->kind == CONF_STEP_SLEEP ? read_times(r, tree_get(node, "times"), path, step) : 0;
}
