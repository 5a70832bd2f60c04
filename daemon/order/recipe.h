/*
 * Recipes at work: is this payload one that the recipe takes, and what command or request does it make. Uses jansson and resolves paths, which needs a big stack:
 * call through task_call_big() on the front (recipe_digest() needs 1 KiB). Nothing here suspends, but with `under` the file system is asked.
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
 * given and has no default is the empty text, or no argument when it is a list. Results of steps are put as they are, to the last byte; one that is not
 * there, or is cut, and a byte 0 anywhere but in standard input are refused. The payload is checked again: the configuration may have changed. 0; -EINVAL
 * with why (cause params); -ENOMEM.
 */
int recipe_expand(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_command *out, char why[static 256]);
void recipe_command_clear(struct recipe_command *c);

/* An HTTP request ready to send. Everything belongs to it. */
struct recipe_request {
	char *method, *url;
	char **headers;  /* "Name: value" (the value may be empty), NULL-terminated */
	char *body;      /* NULL: none; may hold any bytes */
	size_t body_len; /* may be 0, and the body is there */
	void *arena;
};

/*
 * Expands an http step. In the URL a value is percent-encoded (RFC 3986: all but the unreserved characters), and one that makes a part of the path "." or
 * ".." is refused: clients and servers take those away. In a header a value with a control character that is no tab is refused. In json it is JSON-encoded: a string
 * that is one placeholder and nothing else becomes the parameter as it is (number, list, …; null when it was not given), or a number ({order.id}, {order.attempt}, {worker}); texts must
 * be UTF-8; names of members are taken as they are. Unless the recipe has these headers, adds Content-Type (application/json, or application/octet-stream for
 * `body`) when there is a body, and Idempotency-Key: ORDER-STEP. Paths and results as for commands. 0; -EINVAL with why (cause params); -ENOMEM.
 */
int recipe_expand_http(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_request *out, char why[static 256]);
void recipe_request_clear(struct recipe_request *q);

/* How often a sleep step sleeps: 0 … 1,000,000; once when the recipe does not say. 0; -EINVAL with why; -ENOMEM. */
int recipe_times(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, int64_t *times, char why[static 256]);

/*
 * A number that differs when what the recipe's steps do differs (also by env, chdir, result, result_max, types and defaults of parameters; not by their bounds, nor by
 * pool, time limits and retries): results of steps are used only by the recipe that made them. Never 0. The same in every process and version.
 */
uint64_t recipe_digest(const struct conf_recipe *r);

#endif
