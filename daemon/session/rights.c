#include "daemon/session/rights.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* The rules that there are: a word, and whether `own` or `all` follows it. `order GLOB` and `*` are apart. */
static const struct rule {
	const char *word;
	enum right right;
	bool reaches;
} rules[] = {
    {"read", RIGHT_READ, true},
    {"payload", RIGHT_PAYLOAD, true},
    {"cancel", RIGHT_CANCEL, true},
    {"retry", RIGHT_RETRY, true},
    {"events", RIGHT_EVENTS, true},
    {"pause", RIGHT_PAUSE, false},
    {"recycle", RIGHT_RECYCLE, false},
    {"reload", RIGHT_RELOAD, false},
    {"drain", RIGHT_DRAIN, false},
    {"backup", RIGHT_BACKUP, false},
};

static int add_glob(struct rights *out, const char *glob)
{
	const char **globs = realloc(out->globs, (out->glob_count + 1) * sizeof *globs);
	if (!globs)
		return -ENOMEM;
	globs[out->glob_count++] = glob;
	out->globs = globs;
	out->reach[RIGHT_ORDER] = REACH_ALL;
	return 0;
}

void rights_all(struct rights *out)
{
	*out = (struct rights){.every_recipe = true};
	for (int i = 0; i < RIGHTS; i++)
		out->reach[i] = REACH_ALL;
}

/* What follows the word: NULL when the rule begins with another one, "" when nothing follows. */
static const char *after_word(const char *rule, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(rule, word, n) != 0 || (rule[n] != '\0' && rule[n] != ' '))
		return NULL;
	return rule + n + strspn(rule + n, " ");
}

static int add_rule(struct rights *out, const char *text)
{
	const char *rest = after_word(text, "order");
	if (rest)
		return *rest ? add_glob(out, rest) : -EINVAL;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		rest = after_word(text, rules[i].word);
		if (!rest)
			continue;
		enum reach *reach = &out->reach[rules[i].right];
		if (!rules[i].reaches && *rest == '\0')
			*reach = REACH_ALL;
		else if (rules[i].reaches && strcmp(rest, "all") == 0)
			*reach = REACH_ALL;
		else if (rules[i].reaches && strcmp(rest, "own") == 0)
			*reach = *reach > REACH_OWN ? *reach : REACH_OWN;
		else
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

int rights_parse(const char *const *allow, struct rights *out, const char **bad)
{
	struct rights r = {0};
	for (; allow && *allow; allow++) {
		if (strcmp(*allow, "*") == 0) {
			rights_clear(&r);
			rights_all(out);
			return 0;
		}
		int error = add_rule(&r, *allow);
		if (error < 0) {
			rights_clear(&r);
			*bad = *allow;
			return error;
		}
	}
	*out = r;
	return 0;
}

void rights_clear(struct rights *r)
{
	free(r->globs);
	*r = (struct rights){0};
}

bool rights_may_order(const struct rights *r, const char *recipe)
{
	if (r->every_recipe)
		return true;
	for (size_t i = 0; i < r->glob_count; i++)
		if (fnmatch(r->globs[i], recipe, 0) == 0)
			return true;
	return false;
}
