/* bakery wait: until orders are final. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"
#include "client/wait.h"

struct tally {
	struct cli *c;
	size_t final, done;
	int exit; /* of the last one */
};

static void on_final(void *arg, struct value *status)
{
	struct tally *t = arg;
	t->final++;
	t->exit = status_exit(status);
	t->done += t->exit == STATUS_OK;
	if (t->c->json) {
		json_print(json_from_value(status));
	} else if (!t->c->quiet) {
		char words[STATUS_WORDS_MAX];
		const char *state = status_text(status, "state");
		status_words(status, words);
		printf("%s  %s%s%s%s%s\n", status_text(status, "id"), text_state_colour(state), state,
		    *text_state_colour(state) ? text_plain() : "",
		    strcmp(state, "done") != 0 && *words ? "  " : "",
		    strcmp(state, "done") != 0 ? words : "");
	}
	fflush(stdout);
	value_free(status);
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"any", no_argument, NULL, 'a'}, {"timeout", required_argument, NULL, 't'}, {0}};
	int option, status = 0;
	bool any = false;
	int64_t timeout_ms = -1;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'a')
			any = true;
		else if (option == 't')
			status = cli_duration(c, "timeout", optarg, &timeout_ms);
		else
			return cli_usage_said(c);
		if (status)
			return status;
	}
	int count = argc - optind;
	if (count <= 0)
		return cli_usage(c, "which orders?");
	if (any && count > 256)
		return cli_usage(c, "--any takes at most 256 orders");
	struct tally t = {.c = c};
	c->waits = true;
	c->waits_for_one = count == 1;
	status = wait_for_orders(c, (size_t)count, argv + optind, any, timeout_ms, on_final, &t);
	if (status == -EINTR) {
		int number = cli_take_signal(c);
		cli_fail(c, 0, "the orders go on");
		cli_die(number);
	}
	if (status == STATUS_WAIT_TIMEOUT)
		cli_fail(c, 0, "not final yet: %zu of %d", (size_t)count - t.final, count);
	int written = cli_close_output(c);
	if (status || written)
		return status ? status : written;
	if (count == 1)
		return t.exit;
	return t.done == t.final ? STATUS_OK : STATUS_NO;
}

const struct command cmd_wait = {
    .name = "wait",
    .usage = "[--any] [--timeout D] ID ...",
    .summary = "wait until orders are final",
    .help = "Waits until all of the orders are final, and says of each how it ended. Goes on\n"
	    "through a restart of the daemon. For one ID the exit status is the job's own, as with\n"
	    "bakery order --wait; for several 0 when all are done, else 1.\n"
	    "\n"
	    "  --any               until one of them is final\n"
	    "  --timeout D         not longer than D; then exit 124\n",
    .run = run,
};
