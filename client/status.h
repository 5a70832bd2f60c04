/*
 * What a STATUS map says, in the words and exit statuses of the command line.
 */
#ifndef BAKERY_CLIENT_STATUS_H
#define BAKERY_CLIENT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cli.h"
#include "proto/value.h"

/* A member as text, "" when it is null or not there. Borrowed from the map. */
const char *status_text(const struct value *map, const char *name);
/* A member that is a number. False when it is null or not there. */
bool status_number(const struct value *map, const char *name, int64_t *out);
bool status_is_final(const struct value *map);

enum { STATUS_STEP_MAX = 200 };
/* What a running order does: "mix (sleep)"; "" when that is not known, or nothing else than its one job. Returns out. */
const char *status_step(const struct value *map, char out[static STATUS_STEP_MAX]);

/* The exit status for one order: 0 done, the job's own, 128 + its signal, STATUS_WAIT_OTHER. */
int status_exit(const struct value *map);

enum { STATUS_WORDS_MAX = 120 };
/* Why it ended ("exited with status 3", "took longer than it may"), "" when it has not. Returns out. */
const char *status_words(const struct value *map, char out[static STATUS_WORDS_MAX]);
/* The same in a word for a table ("exit 3", "timeout"), "" where the state says it already. Returns out. */
const char *status_cause(const struct value *map, char out[static STATUS_WORDS_MAX]);

#endif
