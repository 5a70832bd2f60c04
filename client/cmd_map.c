/* bakery map: one order for each line of standard input, or for each argument. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/batch.h"
#include "client/commands.h"
#include "client/params.h"
#include "client/submit.h"

/* The next line of a file without its line end. False at the end. */
static bool next_line(FILE *from, char **line, size_t *room, size_t *len)
{
	ssize_t n = getline(line, room, from);
	if (n < 0)
		return false;
	*len = (size_t)n;
	if (*len && (*line)[*len - 1] == '\n')
		(*line)[--*len] = '\0';
	return true;
}

struct source {
	FILE *file; /* NULL: arguments */
	int argc;
	char **argv;
	bool json_lines;      /* each line is a payload as it is */
	const char *name;     /* else the parameter that a line is the value of, */
	struct value *recipe; /* and of which recipe */
};

/* Gives each line's payload to the batch. 0 or the exit status. */
static int feed(struct cli *c, struct source *from, struct batch *batch)
{
	char *line = NULL;
	size_t room = 0, len = 0;
	int status = 0;
	/* A wrong name is wrong for all lines, a wrong value for its own. */
	bool takes = from->json_lines || params_takes(from->recipe, from->name);
	for (int i = 0; !status; i++) {
		if (from->file ? !next_line(from->file, &line, &room, &len) : i == from->argc)
			break;
		const char *text = from->file ? line : from->argv[i];
		struct buf payload = {0};
		if (from->json_lines)
			status = buf_append(&payload, text, len) < 0 ? cli_fail(c, STATUS_NO, "out of memory")
								     : 0;
		else {
			c->line = takes ? (size_t)i + 1 : 0;
			status = params_build_one(
			    c, from->recipe, from->name, text, from->file ? len : strlen(text), &payload);
			c->line = 0;
		}
		if (!status)
			status = batch_add(batch, &payload);
		else if (takes && status == STATUS_USAGE)
			status = batch_skip(batch, status);
		buf_clear(&payload);
	}
	if (!status && from->file && ferror(from->file))
		status = cli_fail(c, STATUS_NO, "reading the lines: %s", strerror(errno));
	free(line);
	return status;
}

static int open_source(
    struct cli *c, const char *recipe, const char *json_lines, int argc, char **argv, struct source *from)
{
	if (json_lines) {
		if (argc)
			return cli_usage(c, "%s: with --json-lines there is nothing else", argv[0]);
		from->json_lines = true;
		from->file = strcmp(json_lines, "-") == 0 ? stdin : fopen(json_lines, "re");
		return from->file ? 0 : cli_fail(c, STATUS_USAGE, "%s: %s", json_lines, strerror(errno));
	}
	if (argc < 2)
		return cli_usage(c, "which parameter, and which values? (-: the lines of standard input)");
	from->name = argv[0];
	from->argc = argc - 1;
	from->argv = argv + 1;
	if (argc == 2 && strcmp(argv[1], "-") == 0)
		from->file = stdin;
	return params_fetch(c, recipe, &from->recipe);
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"json-lines", required_argument, NULL, 'j'}, SUBMIT_OPTIONS, {0}};
	struct submit s = SUBMIT_INIT;
	const char *json_lines = NULL;
	int option, status = 0;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'j')
			json_lines = optarg;
		else if (submit_option(c, &s, option, optarg, &status) <= 0)
			return status ? status : cli_usage_said(c);
	}
	if (optind == argc)
		return cli_usage(c, "which recipe? bakery recipes lists them");
	const char *recipe = argv[optind++];
	struct source from = {0};
	struct batch *batch = NULL;
	c->waits = s.wait;
	status = open_source(c, recipe, json_lines, argc - optind, argv + optind, &from);
	if (!status)
		status = cli_open(c);
	if (!status)
		status = batch_new(c, &s, recipe, &batch);
	if (!status)
		status = feed(c, &from, batch);
	/* What was accepted before something went wrong is seen to its end all the same. */
	if (batch) {
		int ended = batch_finish(batch);
		status = status ? status : ended;
	}
	batch_free(batch);
	value_free(from.recipe);
	if (from.file && from.file != stdin)
		fclose(from.file);
	return status;
}

const struct command cmd_map = {
    .name = "map",
    .usage = "[--wait] [options] RECIPE (NAME (- | VALUE ...) | --json-lines FILE)",
    .summary = "submit one order for each line or argument",
    .help = "Submits one order of RECIPE for each VALUE, or for each line of standard input (-), as\n"
	    "the parameter NAME; for a recipe without parameters NAME is payload. Prints the ids in\n"
	    "the order of the input; a line that is refused is named on standard error. Lines are\n"
	    "sent in one pipeline, so that many share one write to disk.\n"
	    "\n"
	    "  --json-lines FILE   each line of FILE (-: standard input) is a whole payload\n"
	    "  --wait              print the results, in the order of the input; exit 0 when all\n"
	    "                      are done, else 1\n"
	    "  --key PREFIX        line n gets the key PREFIX-n: when the same is run again, what\n"
	    "                      was submitted is not submitted twice\n"
	    "\n"
	    "The other options are those of bakery order, for each of the orders.\n",
    .run = run,
};
