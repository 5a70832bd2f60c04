/* bakery order: submits one order of a declared recipe. */
#include <stdlib.h>
#include <string.h>

#include "client/commands.h"
#include "client/params.h"
#include "client/submit.h"

/* The payload: a file, or what NAME=VALUE make of the recipe's parameters. */
static int build_payload(
    struct cli *c, const char *recipe, const char *file, int count, char **words, struct buf *payload)
{
	if (file) {
		if (count)
			return cli_usage(c, "%s: with --payload there are no parameters", words[0]);
		int r = params_read_file(file, payload);
		return r < 0 ? cli_fail(c, STATUS_USAGE, "%s: %s", file, strerror(-r)) : 0;
	}
	struct value *about;
	int status = params_fetch(c, recipe, &about);
	if (status)
		return status;
	status = params_build(c, about, count, words, payload);
	value_free(about);
	return status;
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"payload", required_argument, NULL, 'p'}, SUBMIT_OPTIONS, {0}};
	struct submit s = SUBMIT_INIT;
	const char *file = NULL;
	int option, status = 0;
	submit_look_ahead(c, argc, argv);
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'p')
			file = optarg;
		else if ((status = 0, submit_option(c, &s, option, optarg, &status)) <= 0)
			return status ? status : cli_usage_said(c);
	}
	if (optind == argc)
		return cli_usage(c, "which recipe? bakery recipes lists them");
	const char *recipe = argv[optind++];
	struct buf payload = {0};
	char *id = NULL;
	status = build_payload(c, recipe, file, argc - optind, argv + optind, &payload);
	if (!status)
		status = submit_order(c, &s, recipe, (struct slice){buf_bytes(&payload), payload.len}, &id);
	buf_clear(&payload);
	if (!status)
		status = submit_finish(c, &s, id);
	free(id);
	return status;
}

const struct command cmd_order = {
    .name = "order",
    .usage = "[--wait] [options] RECIPE [NAME=VALUE ...]",
    .summary = "submit an order; print its id, or wait and print its result",
    .help = "Submits an order of RECIPE and prints its id as soon as it is durable.\n"
	    "\n"
	    "NAME=VALUE gives a parameter; VALUE is converted to the type that the recipe\n"
	    "declares. A name that is given several times is a list. NAME=@FILE reads the\n"
	    "value from a file (NAME=@@x is the text @x). A relative path becomes absolute.\n"
	    "\n"
	    "  --payload FILE      the payload as it is, instead of parameters (-: standard input)\n"
	    "  --wait              wait until it is final, print its result and nothing else on\n"
	    "                      standard output, and exit with the job's own exit status\n"
	    "  --wait-timeout D    the same, but not longer than D; then exit 124, the order goes on\n"
	    "  --cancel-on-exit    the same, and cancel the order when the wait is given up\n"
	    "  --priority N        -100 to 100, higher first\n"
	    "  --delay D           not before D from now\n"
	    "  --timeout D         of each attempt; not more than the recipe's\n"
	    "  --retries N         further attempts after the first; not more than the recipe's\n"
	    "  --key KEY           the same KEY again gives the same order (default: a random one)\n"
	    "\n"
	    "A duration D has a unit: 500ms, 10s, 5m, 2h, 7d.\n",
    .run = run,
};
