/* bakery explain: why an order is where it is. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"

static void print(const struct value *v)
{
	const char *text = status_text(v, "text");
	char *local = text_localize(text);
	printf("order %s is %s. ", status_text(v, "id"), status_text(v, "state"));
	text_print(stdout, local ? local : text, strlen(local ? local : text), false);
	putchar('\n');
	free(local);
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	if (cli_getopt(c, argc, argv, "", options) != -1)
		return cli_usage_said(c);
	if (argc - optind != 1)
		return cli_usage(c, "which order?");
	struct value *v;
	int status = cli_ask(c, &v, "EXPLAIN", argv[optind], NULL);
	if (status)
		return status;
	if (c->json)
		json_print(json_from_value(v));
	else
		print(v);
	value_free(v);
	return cli_close_output(c);
}

const struct command cmd_explain = {
    .name = "explain",
    .usage = "ID",
    .summary = "why an order is where it is",
    .help = "Says what an order waits for: a worker, its turn, a pause, its time; of a running one the\n"
	    "step that it is in. Nothing changes.\n",
    .run = run,
};
