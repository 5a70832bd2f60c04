/*
 * The command line of bakeryd, and the commands that end at once: --check, --print-config, --hash-password, --version, --help. What they print goes to
 * standard output, complaints to standard error.
 */
#ifndef BAKERY_OPS_OPTIONS_H
#define BAKERY_OPS_OPTIONS_H

#include <stdbool.h>

#include "conf/conf.h"

enum options_action {
	OPTIONS_SERVE,
	OPTIONS_CHECK,
	OPTIONS_PRINT_CONFIG,
	OPTIONS_HASH_PASSWORD,
	OPTIONS_VERSION,
	OPTIONS_HELP,
};

enum { EXIT_USAGE = 2 };

struct options {
	enum options_action action;
	const char *file; /* of -c; NULL: the one that conf_find_file() finds. Borrowed from argv */
	bool verbose;
};

/* 0; or EXIT_USAGE, having said why on standard error. */
int options_read(int argc, char **argv, struct options *out);

/* Does what is no OPTIONS_SERVE. Returns the exit status. */
int options_run_command(const struct options *o);

/* Reads and parses the configuration that the options mean. 0; a negative errno value with the report filled. The sources stay with the caller
 * (conf_sources_clear), also after failure. */
int options_load(
    const struct options *o, struct conf_sources *sources, struct conf **out, struct conf_report *report);

#endif
