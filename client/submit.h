/*
 * Submitting: the options that order, run and map share, and the ORDER request that they make.
 */
#ifndef BAKERY_CLIENT_SUBMIT_H
#define BAKERY_CLIENT_SUBMIT_H

#include <getopt.h>

#include "client/cli.h"

struct submit {
	bool wait, cancel_on_exit;
	int64_t wait_timeout_ms;                                /* -1: none */
	const char *key, *priority, *delay, *timeout, *retries; /* NULL: not given */
};
#define SUBMIT_INIT                   \
	{                             \
		.wait_timeout_ms = -1 \
	}

/* Rows for getopt_long(), and what to do with each: 1 when it was one of ours, 0 when not, -1 when its value
 * is wrong (*status is the exit status). */
#define SUBMIT_OPTIONS                                                                           \
	{"wait", no_argument, NULL, 'w'}, {"wait-timeout", required_argument, NULL, 'W'},        \
	    {"cancel-on-exit", no_argument, NULL, 'X'}, {"key", required_argument, NULL, 'K'},   \
	    {"priority", required_argument, NULL, 'P'}, {"delay", required_argument, NULL, 'D'}, \
	    {"timeout", required_argument, NULL, 'T'},                                           \
	{                                                                                        \
		"retries", required_argument, NULL, 'R'                                          \
	}
int submit_option(struct cli *c, struct submit *s, int option, const char *value, int *status);

/* For a command that waits, before its options are read: failures then have the exit status of one that waits. */
void submit_look_ahead(struct cli *c, int argc, char **argv);

/* ORDER … with a KEY, as often as it takes to get an answer. 0 with the id (to be freed); or the exit status,
 * with the failure said. */
int submit_order(struct cli *c, const struct submit *s, const char *recipe, struct slice payload, char **id);
/* The words of the request: recipe and payload, then s' options, then the key. Returns how many; room for
 * SUBMIT_ARGS. */
enum { SUBMIT_ARGS = 16 };
size_t submit_words(const struct submit *s, const char *recipe, struct slice payload, const char *key,
    struct slice words[static SUBMIT_ARGS]);

/* The rest of a command that has submitted: prints the id, or waits and prints the result. The exit status. */
int submit_finish(struct cli *c, const struct submit *s, const char *id);

#endif
