/* bakery run: a command of one's own, where the recipe `run` is declared (a personal daemon has it). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/submit.h"

/* {"argv": [COMMAND, ARG…], "dir": HERE}. NULL when that cannot be said. */
static char *make_payload(int argc, char **argv)
{
	char *here = getcwd(NULL, 0);
	if (!here)
		return NULL;
	json_t *words = json_array(), *payload = json_object();
	bool whole = true;
	for (int i = 0; i < argc; i++)
		whole = json_array_append_new(words, json_exact(argv[i], strlen(argv[i]))) == 0 && whole;
	json_object_set_new(payload, "argv", words);
	whole = json_object_set_new(payload, "dir", json_exact(here, strlen(here))) == 0 && whole;
	char *text = whole ? json_dumps(payload, JSON_COMPACT) : NULL;
	json_decref(payload);
	free(here);
	return text;
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {SUBMIT_OPTIONS, {0}};
	struct submit s = SUBMIT_INIT;
	int option, status = 0;
	submit_look_ahead(c, argc, argv);
	while ((option = cli_getopt(c, argc, argv, "+", options)) != -1)
		if (submit_option(c, &s, option, optarg, &status) <= 0)
			return status ? status : cli_usage_said(c);
	if (optind == argc)
		return cli_usage(c, "which command?");
	char *payload = make_payload(argc - optind, argv + optind), *id = NULL;
	if (!payload)
		return cli_fail(c, STATUS_USAGE,
		    "the command or the current directory is not UTF-8, or the latter is gone");
	status = submit_order(c, &s, "run", slice_of(payload), &id);
	free(payload);
	if (!status)
		status = submit_finish(c, &s, id);
	free(id);
	return status;
}

const struct command cmd_run = {
    .name = "run",
    .usage = "[--wait] [options] -- COMMAND [ARG ...]",
    .summary = "submit a command of your own",
    .help = "Submits COMMAND with its arguments, to be run in the current directory. No shell is\n"
	    "involved. The daemon must have a recipe `run` with the parameters argv (a list) and\n"
	    "dir (a path); a personal daemon has it by itself, others only if the operator\n"
	    "declares it.\n"
	    "\n"
	    "The options are those of bakery order, without --payload.\n",
    .run = run,
};
