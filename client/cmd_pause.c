/* bakery pause and bakery resume: whether orders of a recipe start. */
#include <getopt.h>
#include <stdio.h>

#include "client/commands.h"

static int change(struct cli *c, int argc, char **argv, const char *verb)
{
	static const struct option options[] = {{"reason", required_argument, NULL, 'r'}, {0}};
	const bool pause = c->command == &cmd_pause;
	const char *reason = NULL;
	int option;
	while ((option = cli_getopt(c, argc, argv, "", pause ? options : options + 1)) != -1) {
		if (option != 'r')
			return cli_usage_said(c);
		reason = optarg;
	}
	if (argc - optind != 1)
		return cli_usage(c, "which recipe?");
	struct value *v;
	int status = cli_ask(c, &v, verb, "RECIPE", argv[optind], reason ? "REASON" : NULL, reason, NULL);
	if (status)
		return status;
	value_free(v);
	return 0;
}

static int run_pause(struct cli *c, int argc, char **argv)
{
	return change(c, argc, argv, "PAUSE");
}

static int run_resume(struct cli *c, int argc, char **argv)
{
	return change(c, argc, argv, "RESUME");
}

const struct command cmd_pause = {
    .name = "pause",
    .usage = "[--reason TEXT] RECIPE",
    .summary = "let no order of a recipe start",
    .help = "None of the recipe's orders starts until bakery resume. Orders are accepted, running\n"
	    "ones go on, and the pause lasts across restarts of the daemon.\n"
	    "\n"
	    "  --reason TEXT       kept with the pause\n",
    .run = run_pause,
};

const struct command cmd_resume = {
    .name = "resume",
    .usage = "RECIPE",
    .summary = "let orders of a paused recipe start again",
    .help = "Ends a pause.\n",
    .run = run_resume,
};
