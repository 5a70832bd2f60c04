/* bakery result: what an order's job wrote to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/wait.h"

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'}, {0}};
	const char *path = NULL;
	int option;
	while ((option = cli_getopt(c, argc, argv, "o:", options)) != -1) {
		if (option != 'o')
			return cli_usage_said(c);
		path = strcmp(optarg, "-") == 0 ? NULL : optarg;
	}
	if (argc - optind != 1)
		return cli_usage(c, "which order?");
	const char *id = argv[optind];
	int status = cli_open(c);
	if (status)
		return status;
	struct value *v = wait_fetch_result(c, id, &status);
	if (!v)
		return status;
	if (v->type != VALUE_BULK) {
		value_free(v);
		return cli_fail(
		    c, STATUS_NO, "order %s is not final yet; to wait for it: bakery wait %s", id, id);
	}
	FILE *to = path ? fopen(path, "wbe") : stdout;
	if (!to) {
		value_free(v);
		return cli_fail(c, STATUS_NO, "%s: %s", path, strerror(errno));
	}
	if (c->json) {
		json_t *o = json_pack("{ss}", "id", id);
		json_add_result(o, v->text, v->len);
		json_dumpf(o, to, JSON_COMPACT);
		fputc('\n', to);
		json_decref(o);
	} else {
		fwrite(v->text, 1, v->len, to);
	}
	value_free(v);
	if (!path)
		return cli_close_output(c);
	int failed = ferror(to);
	return fclose(to) != 0 || failed ? cli_fail(c, STATUS_NO, "%s: %s", path, strerror(errno)) : 0;
}

const struct command cmd_result = {
    .name = "result",
    .usage = "[--output FILE] ID",
    .summary = "print an order's result",
    .help = "Writes what the job wrote to its standard output, byte for byte. When more was written\n"
	    "than the daemon keeps, what was kept is printed and a warning says so. Exits 1 when the\n"
	    "order is not final yet.\n"
	    "\n"
	    "  -o, --output FILE   to FILE instead of standard output\n",
    .run = run,
};
