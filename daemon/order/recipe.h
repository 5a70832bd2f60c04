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

/* The result of an earlier step. */
struct recipe_result {
	bool present; /* else the step has no result, or is not needed here */
	bool cut;     /* not whole: a step that uses it fails */
	struct slice bytes;
};

struct recipe_values {
	int64_t order;
	int attempt;
	int worker;                          /* {worker} */
	struct slice payload;                /* canonical */
	const struct recipe_result *results; /* by number of step, as many as the recipe has; NULL: none */
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

/* An HTTP request ready to send. Everything belongs to it. */
struct recipe_request {
	char *method, *url;
	char **
	    headers; /* "Name: value", NULL-terminated; Content-Type is there when there is a body and the recipe does not say it */
	char *body;  /* NULL: none */
	size_t body_len;
	void *arena;
};

/*
 * Expands an http step: in the URL a value is percent-encoded (RFC 3986: all but the unreserved characters), in a header one with CR, LF or NUL is
 * refused, in json it is JSON-encoded: a string that is one placeholder and nothing else becomes the parameter as it is (number, list, …). Adds
 * Idempotency-Key: ORDER-STEP unless the recipe has that header. 0; -EINVAL with why (cause params); -ENOMEM.
 */
int recipe_expand_http(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_request *out, char why[static 256]);
void recipe_request_clear(struct recipe_request *q);

/* How often a sleep step sleeps: 0 … 1,000,000. 0; -EINVAL with why; -ENOMEM. */
int recipe_times(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, int64_t *times, char why[static 256]);

/* A number that differs when the recipe's steps differ: results of steps are used only by the recipe that made them. Never 0. */
uint64_t recipe_digest(const struct conf_recipe *r);

#endif
