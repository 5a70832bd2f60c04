/* bakery tasks: what the daemon's front does at this moment. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"
#include "conf/units.h"

enum { COUNT_MOST = 100000 };

static void add_duration(struct table *t, const struct value *task, const char *name)
{
	char text[TEXT_TIME_MAX];
	int64_t ms;
	table_add(t, status_number(task, name, &ms) ? text_duration(ms, text) : "");
}

static void add_task(struct table *t, const struct value *task)
{
	const char *about = status_text(task, "about"), *id = status_text(task, "id");
	const char *state = status_text(task, "state");
	bool is_order = strcmp(about, "order") == 0;
	char name[100];
	snprintf(name, sizeof name, "%s (%s %s)", status_text(task, "name"), about, id);
	table_add(t, *about && !is_order ? name : status_text(task, "name"));
	table_add(t, is_order ? id : "");
	add_duration(t, task, "age");
	table_add_coloured(t, state, text_state_colour(state));
	table_add(t, status_text(task, "waits_for"));
	add_duration(t, task, "since");
}

static void print(const struct value *tasks)
{
	static const char *const names[] = {"NAME", "ORDER", "AGE", "STATE", "WAITS FOR", "SINCE"};
	struct table *t = table_new(sizeof names / sizeof *names);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		table_add(t, names[i]);
	for (size_t i = 0; i < tasks->count; i++)
		add_task(t, &tasks->items[i]);
	table_print(t);
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{"count", required_argument, NULL, 'n'}, {0}};
	const char *count = NULL;
	int option;
	int64_t n;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option != 'n')
			return cli_usage_said(c);
		count = optarg;
		if (units_parse_int(count, strlen(count), 1, COUNT_MOST, &n) < 0)
			return cli_usage(c, "--count %s: a whole number from 1 to %d", count, COUNT_MOST);
	}
	if (optind < argc)
		return cli_usage(c, "%s: not an option", argv[optind]);
	struct value *v;
	int status = cli_ask(c, &v, "TASKS", count ? "COUNT" : NULL, count, NULL);
	if (status)
		return status;
	if (v->type != VALUE_ARRAY)
		status = cli_strange(c);
	for (size_t i = 0; i < v->count && c->json; i++)
		json_print(json_from_value(&v->items[i]));
	if (!status && !c->json)
		print(v);
	value_free(v);
	int written = cli_close_output(c);
	return status ? status : written;
}

const struct command cmd_tasks = {
    .name = "tasks",
    .usage = "[--count N]",
    .summary = "what the daemon's tasks do and wait for",
    .help = "Lists the tasks of the daemon at this moment, the oldest first: running orders,\n"
	    "requests that wait for something, and its own; for how long each has been there,\n"
	    "what it waits for, and since when. It takes the right to read everybody's orders.\n"
	    "\n"
	    "  --count N           at most N (1000)\n",
    .run = run,
};
