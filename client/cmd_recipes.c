/* bakery recipes: what can be ordered, and with which parameters. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"
#include "conf/units.h"
#include "proto/buf.h"

/* "file=PATH [eggs=INTEGER]"; a recipe without parameters takes a payload. */
static void describe_params(const struct value *recipe, struct buf *to)
{
	const struct value *params = value_get(recipe, "params");
	if (!params || params->type != VALUE_ARRAY) {
		buf_append_text(to, "--payload FILE");
		return;
	}
	for (size_t i = 0; i < params->count; i++) {
		const struct value *p = &params->items[i];
		int64_t required = 0;
		status_number(p, "required", &required);
		buf_printf(to, "%s%s%s=%s%s", i ? " " : "", required ? "" : "[", status_text(p, "name"),
		    status_text(p, "type"), required ? "" : "]");
	}
}

static void list(const struct value *recipes)
{
	static const char *const names[] = {"RECIPE", "TAKES", "QUEUED", "RUNNING", "DESCRIPTION"};
	struct table *t = table_new(sizeof names / sizeof *names);
	table_fit(t);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		table_add(t, names[i]);
	for (size_t i = 0; i < recipes->count; i++) {
		const struct value *r = &recipes->items[i];
		struct buf params = {0};
		char text[40];
		int64_t n = 0, paused = 0;
		describe_params(r, &params);
		buf_append(&params, "", 1);
		table_add(t, status_text(r, "name"));
		table_add(t, buf_bytes(&params));
		status_number(r, "queued", &n);
		status_number(r, "paused", &paused);
		snprintf(text, sizeof text, "%" PRId64 "%s", n, paused ? " (paused)" : "");
		table_add(t, text);
		snprintf(text, sizeof text, "%" PRId64, status_number(r, "running", &n) ? n : 0);
		table_add(t, text);
		table_add(t, status_text(r, "description"));
		buf_clear(&params);
	}
	table_print(t);
}

static void add(struct table *t, const char *name, const char *value)
{
	table_add(t, name);
	table_add(t, value);
}

static void add_number(struct table *t, const struct value *recipe, const char *name, const char *if_none)
{
	char text[32];
	int64_t n;
	bool there = status_number(recipe, name, &n);
	snprintf(text, sizeof text, "%" PRId64, there ? n : 0);
	add(t, name, there ? text : if_none);
}

/* "gather (http), bake (run in ovens)" */
static void add_steps(struct table *t, const struct value *recipe)
{
	const struct value *steps = value_get(recipe, "steps");
	struct buf text = {0};
	for (size_t i = 0; steps && i < steps->count; i++) {
		const char *pool = status_text(&steps->items[i], "pool");
		buf_printf(&text, "%s%s (%s%s%s)", i ? ", " : "", status_text(&steps->items[i], "name"),
		    status_text(&steps->items[i], "kind"), *pool ? " in " : "", pool);
	}
	buf_append(&text, "", 1);
	add(t, "steps", buf_bytes(&text));
	buf_clear(&text);
}

static void add_words(struct buf *to, const char *before, const struct value *words)
{
	if (!words || words->type != VALUE_ARRAY)
		return;
	for (size_t i = 0; i < words->count; i++)
		buf_printf(to, "%s%s%s",
		    i         ? ""
		    : to->len ? "; "
			      : "",
		    i ? ", " : before, words->items[i].text ? words->items[i].text : "");
}

static void add_word(struct buf *to, const char *before, const char *word)
{
	if (*word)
		buf_printf(to, "%s%s%s", to->len ? "; " : "", before, word);
}

/* "from 1; at most 12": what its values may be. */
static void add_allowed(struct table *t, const struct value *param)
{
	bool is_text = strcmp(status_text(param, "type"), "string") == 0;
	struct buf text = {0};
	add_word(&text, "from ", status_text(param, "min"));
	add_word(&text, is_text ? "characters at most " : "at most ", status_text(param, "max"));
	add_words(&text, "one of ", value_get(param, "one_of"));
	add_word(&text, "matching ", status_text(param, "pattern"));
	add_words(&text, "under ", value_get(param, "under"));
	buf_append(&text, "", 1);
	table_add(t, buf_bytes(&text));
	buf_clear(&text);
}

static void show(const struct value *r)
{
	char text[32];
	int64_t ms, paused = 0;
	struct table *t = table_new(2);
	add(t, "recipe", status_text(r, "name"));
	add(t, "description", status_text(r, "description"));
	add_steps(t, r);
	add(t, "timeout", status_number(r, "timeout", &ms) ? units_format_duration(ms, text) : "none");
	add_number(t, r, "retries", "0");
	add_number(t, r, "priority", "0");
	add_number(t, r, "concurrency", "no limit");
	status_number(r, "paused", &paused);
	add(t, "paused", paused ? "yes" : "no");
	static const char *const states[] = {"scheduled", "queued", "running", "done", "failed", "cancelled"};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		add_number(t, r, states[i], "0");
	table_print(t);

	const struct value *params = value_get(r, "params");
	if (!params || params->type != VALUE_ARRAY) {
		printf(
		    "\nIt takes no parameters; its payload is the job's standard input (--payload FILE).\n");
		return;
	}
	printf("\nparameters:\n");
	t = table_new(5);
	for (size_t i = 0; i < params->count; i++) {
		const struct value *p = &params->items[i];
		int64_t required = 0;
		char value[200];
		status_number(p, "required", &required);
		table_add(t, "");
		table_add(t, status_text(p, "name"));
		table_add(t, status_text(p, "type"));
		snprintf(value, sizeof value, "default %s", status_text(p, "default"));
		table_add(t, required ? "required" : *status_text(p, "default") ? value : "");
		add_allowed(t, p);
	}
	table_print(t);
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	if (cli_getopt(c, argc, argv, "", options) != -1)
		return cli_usage_said(c);
	if (argc - optind > 1)
		return cli_usage(c, "one recipe, or none for all");
	struct value *v;
	int status = cli_ask(c, &v, "RECIPES", argv[optind], NULL);
	if (status)
		return status;
	if (v->type == VALUE_MAP) {
		if (c->json)
			json_print(json_from_value(v));
		else
			show(v);
	} else if (v->type == VALUE_ARRAY) {
		for (size_t i = 0; i < v->count && c->json; i++)
			json_print(json_from_value(&v->items[i]));
		if (!c->json)
			list(v);
	} else {
		status = cli_strange(c);
	}
	value_free(v);
	int written = cli_close_output(c);
	return status ? status : written;
}

const struct command cmd_recipes = {
    .name = "recipes",
    .usage = "[RECIPE]",
    .summary = "what can be ordered, and with which parameters",
    .help = "Lists the recipes that you may order; with a name, all about that one.\n",
    .run = run,
};
