/*
 * Which orders: the options that list and cancel share, and reading them page by page.
 */
#ifndef BAKERY_CLIENT_FILTER_H
#define BAKERY_CLIENT_FILTER_H

#include <getopt.h>

#include "client/cli.h"

struct filter {
	const char *states, *recipe, *user, *cause; /* NULL: any */
	char since[24], until[24];                  /* Unix milliseconds; "": open */
	bool given;                                 /* one of them was */
};

#define FILTER_OPTIONS                                                                       \
	{"state", required_argument, NULL, 'S'}, {"recipe", required_argument, NULL, 'C'},   \
	    {"user", required_argument, NULL, 'U'}, {"cause", required_argument, NULL, 'A'}, \
	    {"since", required_argument, NULL, 'F'},                                         \
	{                                                                                    \
		"until", required_argument, NULL, 'L'                                        \
	}
/* 1 when it was one of ours, 0 when not, -1 when its value is wrong (*status is the exit status). */
int filter_option(struct cli *c, struct filter *f, int option, const char *value, int *status);

#define FILTER_HELP                                                                                \
	"  --state S[,S...]    scheduled, queued, running, done, failed, cancelled\n"              \
	"  --recipe R\n"                                                                           \
	"  --user U\n"                                                                             \
	"  --cause C           exit, signal, timeout, spawn ...\n"                                 \
	"  --since T, --until T  submitted then or later, then or before: a duration before now\n" \
	"                      (1h), or a time (2026-11-21, '2026-11-21 09:30', RFC 3339)\n"

/*
 * Calls each with the STATUS map of every order that matches, newest first, at most `limit` (-1: all). each
 * may end it by returning something other than 0, which is then the outcome. 0 or the exit status, with the
 * failure said.
 */
int filter_each(struct cli *c, const struct filter *f, int64_t limit,
    int (*each)(void *arg, const struct value *status), void *arg);

#endif
