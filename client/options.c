/* The global options: on the command line, before or after the command, and in the environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli.h"
#include "conf/units.h"

enum {
	FIRST = 1000,
	SERVER = FIRST,
	LOGIN,
	PASSWORD_FILE,
	RETRY_FOR,
	JSON,
	QUIET,
	HELP,
	PRINT_VERSION,
	LAST
};
enum { OPTIONS_MAX = 40 };

static const struct option global[] = {
    {"server", required_argument, NULL, SERVER},
    {"login", required_argument, NULL, LOGIN},
    {"password-file", required_argument, NULL, PASSWORD_FILE},
    {"retry-for", required_argument, NULL, RETRY_FOR},
    {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, QUIET},
    {"help", no_argument, NULL, CLI_HELP},
    {"version", no_argument, NULL, PRINT_VERSION},
};
enum { GLOBALS = sizeof global / sizeof *global };

const char cli_options_help[] =
    "  --server ADDRESS    unix:PATH or HOST:PORT ($BAKERY_SERVER); default: your own\n"
    "                      daemon's socket if it exists, else the system's\n"
    "  --login NAME        the user to authenticate as ($BAKERY_LOGIN)\n"
    "  --password-file F   its first line is the password ($BAKERY_PASSWORD_FILE)\n"
    "  --retry-for D       how long a lost connection is tried again\n"
    "                      ($BAKERY_RETRY_FOR); default 10s, 1m for what waits\n"
    "  --json              one JSON object a line, times in UTC\n"
    "  --quiet             no progress, no remarks\n"
    "  --help, --version\n";

void cli_help(const struct command *command)
{
	printf("usage: bakery %s%s%s\n\n%s\nOptions of every command:\n%s", command->name,
	    *command->usage ? " " : "", command->usage, command->help, cli_options_help);
}

static int set_retry_for(struct cli *c, const char *name, const char *text)
{
	int64_t ms;
	if (units_parse_duration(text, strlen(text), 0, &ms) < 0 || ms < 0) {
		fprintf(stderr, "bakery: %s %s: a duration is a whole number with a unit: 500ms, 10s, 5m\n",
		    name, text);
		return -1;
	}
	c->options.retry_for_ms = ms ? ms : -1;
	c->retry_for_given = true;
	return 0;
}

static int take(struct cli *c, int option, const char *value)
{
	switch (option) {
	case SERVER:
		c->options.server = value;
		break;
	case LOGIN:
		c->options.login = value;
		break;
	case PASSWORD_FILE:
		c->password_file = value;
		break;
	case RETRY_FOR:
		return set_retry_for(c, "--retry-for", value);
	case JSON:
		c->json = true;
		break;
	case QUIET:
		c->quiet = true;
		break;
	case CLI_HELP:
		cli_help(c->command);
		exit(STATUS_OK);
	case PRINT_VERSION:
		puts("bakery " PACKAGE_VERSION);
		exit(STATUS_OK);
	}
	return 0;
}

int cli_getopt(struct cli *c, int argc, char **argv, const char *shorts, const struct option *options)
{
	struct option all[GLOBALS + OPTIONS_MAX + 1];
	size_t n = 0;
	memcpy(all, global, sizeof global);
	while (options[n].name)
		n++;
	memcpy(all + GLOBALS, options, (n + 1) * sizeof *options);
	for (;;) {
		int option = getopt_long(argc, argv, shorts, all, NULL);
		bool ours = (option >= FIRST && option < LAST) || (option == CLI_HELP && c->command);
		if (!ours)
			return option;
		if (take(c, option, optarg) < 0)
			return '?';
	}
}

int cli_environment(struct cli *c)
{
	const char *retry_for = getenv("BAKERY_RETRY_FOR");
	c->options.server = getenv("BAKERY_SERVER");
	c->options.login = getenv("BAKERY_LOGIN");
	c->password_file = getenv("BAKERY_PASSWORD_FILE");
	if (retry_for && *retry_for && set_retry_for(c, "BAKERY_RETRY_FOR", retry_for) < 0)
		return STATUS_USAGE;
	return 0;
}
