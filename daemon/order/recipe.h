/*
 * Recipes at work: is this payload one that the recipe takes, and what command does it make. Uses jansson, which needs a big stack: call through
 * task_call_big() on the front. Neither suspends.
 */
#ifndef BAKERY_ORDER_RECIPE_H
#define BAKERY_ORDER_RECIPE_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proto/buf.h"

/*
 * Checks a payload against the recipe's parameters. With params it must be a JSON object (depth at most 32); nothing is coerced; an unknown, missing
 * or ill-typed parameter is refused by name. *canonical gets the payload as canonical JSON (sorted keys, defaults filled in), or the
 * opaque bytes as they are. 0; -EINVAL with why (one line, no control characters) filled in; -ENOMEM.
 */
int recipe_check_payload(
    const struct conf_recipe *r, struct slice payload, struct buf *canonical, char why[static 256]);

struct recipe_values {
	int64_t order;
	int attempt;
	int worker;           /* {worker} */
	struct slice payload; /* canonical */
};

/* A command ready to start. Everything belongs to it. */
struct recipe_command {
	char **argv;       /* NULL-terminated */
	char *stdin_bytes; /* NULL: empty */
	size_t stdin_len;
	struct conf_pair *env; /* the recipe's own variables */
	size_t env_count;
	char *chdir; /* NULL: the job's private directory */
	void *arena;
};

/*
 * Expands a step's command in the worker: placeholders filled in, a placeholder never splits an argument, no shell; a whole-argument list parameter
 * becomes one argument an element; `under` is checked after resolving links, and the resolved path is what the command gets. A parameter that was not
 * given and has no default is the empty text, or no argument when it is a list. The payload is checked again: the configuration may have changed. 0; -EINVAL with why (cause params); -ENOMEM.
 */
int recipe_expand(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_command *out, char why[static 256]);
void recipe_command_clear(struct recipe_command *c);

#endif
