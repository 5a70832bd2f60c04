/* bakery explain: why an order is where it is. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"

static void print(const struct value *v)
{
	const char *id = status_text(v, "id"), *text = status_text(v, "text"),
		   *waits = status_text(v, "waits_for");
	int64_t place;
	printf("order %s is %s", id, status_text(v, "state"));
	if (status_number(v, "place", &place) && place > 0)
		printf(
		    ", with %" PRId64 "%s of its recipe before it", place, place >= 1000 ? " or more" : "");
	if (*text || *waits) {
		fputs(": ", stdout);
		text_print(
		    stdout, *text ? text : waits, value_get(v, *text ? "text" : "waits_for")->len, false);
	}
	putchar('\n');
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
    .help = "Says what an order waits for: a worker, its turn, a pause, its time. Nothing changes.\n",
    .run = run,
};
