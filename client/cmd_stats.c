/* bakery stats: the numbers of the daemon. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/text.h"
#include "proto/buf.h"

/* A value in one line: numbers of an array side by side. */
static void describe(const struct value *v, struct buf *to)
{
	switch (v->type) {
	case VALUE_INT:
		buf_printf(to, "%" PRId64, v->number);
		break;
	case VALUE_BOOL:
		buf_append_text(to, v->number ? "yes" : "no");
		break;
	case VALUE_ARRAY:
		for (size_t i = 0; i < v->count; i++) {
			buf_append_text(to, i ? " " : "");
			describe(&v->items[i], to);
		}
		break;
	default:
		buf_append_text(to, v->text ? v->text : "");
	}
}

static void add_all(struct table *t, const char *prefix, const struct value *map)
{
	for (size_t i = 0; i + 1 < map->count; i += 2) {
		const struct value *v = &map->items[i + 1];
		char name[100];
		snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "",
		    map->items[i].text ? map->items[i].text : "");
		if (v->type == VALUE_MAP) {
			add_all(t, name, v);
			continue;
		}
		struct buf text = {0};
		char when[TEXT_TIME_MAX];
		if (v->type == VALUE_INT && strcmp(name, "daemon.started") == 0)
			buf_append_text(&text, text_local(v->number, when));
		else
			describe(v, &text);
		buf_append(&text, "", 1);
		table_add(t, name);
		table_add(t, buf_bytes(&text));
		buf_clear(&text);
	}
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	if (cli_getopt(c, argc, argv, "", options) != -1)
		return cli_usage_said(c);
	if (optind < argc)
		return cli_usage(c, "%s: not an option", argv[optind]);
	struct value *v;
	int status = cli_ask(c, &v, "STATS", NULL);
	if (status)
		return status;
	if (v->type != VALUE_MAP) {
		status = cli_strange(c);
	} else if (c->json) {
		json_print(json_from_value(v));
	} else {
		struct table *t = table_new(2);
		add_all(t, "", v);
		table_print(t);
	}
	value_free(v);
	int written = cli_close_output(c);
	return status ? status : written;
}

const struct command cmd_stats = {
    .name = "stats",
    .usage = "",
    .summary = "numbers about the daemon",
    .help = "Prints the daemon's counters, one a line. Durations are in milliseconds.\n",
    .run = run,
};
