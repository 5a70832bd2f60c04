/* bakery list: orders in a table, newest first. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/filter.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"
#include "conf/units.h"

enum { LIMIT = 50, FLUSH_ROWS = 1000 };

struct listing {
	struct cli *c;
	struct table *table;
	size_t rows;
};

static void head(struct listing *l)
{
	static const char *const names[] = {"ID", "RECIPE", "STATE", "SUBMITTED", "TOOK", "ATTEMPT", "CAUSE"};
	l->table = table_new(sizeof names / sizeof *names);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		table_add(l->table, names[i]);
}

static int row(void *arg, const struct value *order)
{
	struct listing *l = arg;
	l->rows++;
	if (l->c->json) {
		json_print(json_from_value(order));
		return 0;
	}
	const char *state = status_text(order, "state");
	if (l->c->quiet) {
		printf("%s\n", status_text(order, "id"));
		return 0;
	}
	char text[TEXT_TIME_MAX], words[STATUS_WORDS_MAX];
	int64_t n, started, finished;
	if (!l->table)
		head(l);
	table_add(l->table, status_text(order, "id"));
	table_add(l->table, status_text(order, "recipe"));
	char step[STATUS_STEP_MAX], doing[STATUS_STEP_MAX + 32];
	status_step(order, step);
	snprintf(doing, sizeof doing, "%s%s%s", state, *step ? ": " : "", step);
	table_add_coloured(l->table, doing, text_state_colour(state));
	table_add(l->table, status_number(order, "created", &n) ? text_local(n, text) : "");
	bool ran = status_number(order, "started", &started);
	if (ran && !status_number(order, "finished", &finished))
		finished = text_now_ms();
	table_add(l->table, ran ? text_duration(finished - started, text) : "");
	snprintf(text, sizeof text, "%" PRId64, status_number(order, "attempt", &n) ? n : 0);
	table_add(l->table, text);
	table_add(l->table, strcmp(state, "done") == 0 ? "" : status_cause(order, words));
	/* A long list comes in pieces, so that memory does not follow its length. */
	if (l->rows % FLUSH_ROWS == 0) {
		table_print(l->table);
		l->table = NULL;
	}
	return 0;
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    FILTER_OPTIONS, {"limit", required_argument, NULL, 'n'}, {"all", no_argument, NULL, 'a'}, {0}};
	struct filter f = {0};
	int64_t limit = LIMIT;
	int option, status = 0;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'a') {
			limit = -1;
		} else if (option == 'n') {
			if (units_parse_int(optarg, strlen(optarg), 1, INT64_MAX, &limit) < 0)
				return cli_usage(c, "--limit %s: a whole number from 1", optarg);
		} else if (filter_option(c, &f, option, optarg, &status) <= 0) {
			return status ? status : cli_usage_said(c);
		}
	}
	if (optind < argc)
		return cli_usage(c, "%s: not an option", argv[optind]);
	struct listing l = {.c = c};
	status = filter_each(c, &f, limit, row, &l);
	table_print(l.table);
	int written = cli_close_output(c);
	return status ? status : written;
}

const struct command cmd_list = {
    .name = "list",
    .usage = "[filters] [--limit N | --all]",
    .summary = "list orders, newest first",
    .help = "Lists orders that match all of the filters, newest first. With --quiet their ids only,\n"
	    "one a line.\n"
	    "\n" FILTER_HELP "  --limit N           at most N (50)\n"
	    "  --all               all of them\n",
    .run = run,
};
