/* bakery ping: is somebody there. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "client/commands.h"
#include "client/json.h"

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	if (cli_getopt(c, argc, argv, "", options) != -1)
		return cli_usage_said(c);
	if (optind < argc)
		return cli_usage(c, "%s: not an option", argv[optind]);
	int status = cli_open(c);
	if (status)
		return status;
	int64_t before = now_us();
	struct value *v;
	status = cli_ask(c, &v, "PING", NULL);
	if (status)
		return status;
	value_free(v);
	double ms = (double)(now_us() - before) / 1000;
	if (c->json)
		json_print(json_pack("{ss,sf}", "server", bakery_address(c->bakery), "ms", ms));
	else if (!c->quiet)
		printf("%s answers in %.2f ms\n", bakery_address(c->bakery), ms);
	return cli_close_output(c);
}

const struct command cmd_ping = {
    .name = "ping",
    .usage = "",
    .summary = "is the daemon there",
    .help = "Asks the daemon for an answer and says how long it took. Exits 69 when there is none.\n",
    .run = run,
};
