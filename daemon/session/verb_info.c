/*
 * INFO, TIME, CONFIG GET: what libraries ask about the daemon. INFO says loading:1 while the daemon starts, which some of them wait for.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/session/compat.h"
#include "daemon/session/connection.h"
#include "daemon/session/figures.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

/* Was this section asked for? Without names, and with these words, all are. */
static bool wanted(const struct request *request, const char *section)
{
	bool all = request->argc == 1;
	for (uint32_t i = 1; i < request->argc; i++) {
		struct slice name = request->argv[i];
		all |= option_is(name, section) || option_is(name, "all") || option_is(name, "everything") ||
		       option_is(name, "default");
	}
	return all;
}

static int write_redis(struct buf *out, const struct request *request, const struct sessions *all)
{
	int r = 0;
	if (wanted(request, "server"))
		r = buf_printf(out,
		    "# Server\r\nredis_version:" COMPAT_VERSION
		    "\r\nredis_mode:standalone\r\ndaemon:bakery\r\ndaemon_version:%s\r\nuptime_in_seconds:"
		    "%" PRId64 "\r\n\r\n",
		    PACKAGE_VERSION, (clock_wall_ms() - all->started_ms) / 1000);
	if (r == 0 && wanted(request, "persistence"))
		r = buf_printf(out, "# Persistence\r\nloading:%d\r\n%s\r\n", !all->serving,
		    all->serving ? "" : "loading_eta_seconds:1\r\n");
	if (r == 0 && wanted(request, "replication"))
		r = buf_printf(out, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n");
	return r;
}

static int write_value(struct buf *out, const struct figure *row)
{
	if (row->kind == FIGURE_TEXT)
		return buf_append_text(out, row->text);
	if (row->kind != FIGURE_HISTOGRAM)
		return buf_printf(out, "%" PRId64, row->number);
	int r = 0;
	for (size_t i = 0; r == 0 && i < row->bucket_count; i++)
		r = buf_printf(out, "%s%" PRIu64, i ? "," : "", row->buckets[i]);
	return r;
}

/* Our own numbers: a section for each group, every line GROUP_[PART_]NAME:VALUE. */
static int write_figures(struct buf *out, const struct request *request, const struct figures *f)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < f->count; i++) {
		const struct figure *row = &f->rows[i];
		bool first = i == 0 || strcmp(f->rows[i - 1].group, row->group) != 0;
		bool last = i + 1 == f->count || strcmp(f->rows[i + 1].group, row->group) != 0;
		if (!wanted(request, row->group))
			continue;
		if (first)
			r = buf_printf(
			    out, "# %c%s\r\n", toupper((unsigned char)row->group[0]), row->group + 1);
		if (r == 0)
			r = buf_printf(out, "%s_%s%s%s:", row->group, row->part ? row->part : "",
			    row->part ? "_" : "", row->name);
		if (r == 0)
			r = write_value(out, row);
		if (r == 0)
			r = buf_append_text(out, last ? "\r\n\r\n" : "\r\n");
	}
	return r;
}

static int run_info(struct connection *c, const struct request *request, struct reply_writer *w)
{
	struct figures f = {0};
	struct buf text = {0};
	int r = figures_collect(&f, c->all);
	if (r == 0)
		r = write_redis(&text, request, c->all);
	if (r == 0)
		r = write_figures(&text, request, &f);
	if (r == 0)
		r = reply_bulk(w, buf_bytes(&text), text.len);
	figures_clear(&f);
	buf_clear(&text);
	return r;
}

static int run_time(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	(void)request;
	char text[24];
	int64_t now_ms = clock_wall_ms();
	int r = reply_array(w, 2);
	snprintf(text, sizeof text, "%" PRId64, now_ms / 1000);
	if (r == 0)
		r = reply_text(w, text);
	snprintf(text, sizeof text, "%" PRId64, now_ms % 1000 * 1000);
	return r < 0 ? r : reply_text(w, text);
}

static int run_config(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)c;
	struct slice name = request->argv[1];
	if (!option_is(name, "GET"))
		return reply_error(w, "ERR", "unknown subcommand '%.*s'. Try CONFIG HELP.",
		    name.len < 64 ? (int)name.len : 64, name.data);
	if (request->argc < 3)
		return reply_error(w, "ERR", "wrong number of arguments for 'config|get' command");
	return reply_map(w, 0);
}

#define FLAGS (COMMAND_LOADING | COMMAND_COMPATIBLE)

const struct command command_info = {
    .name = "info",
    .least = 0,
    .most = -1,
    .flags = FLAGS,
    .run = run_info,
    .syntax = "[section …]",
    .summary = "Gives the daemon's numbers as text, with the lines that clients look for",
};

const struct command command_time = {
    .name = "time",
    .least = 0,
    .most = 0,
    .flags = FLAGS,
    .run = run_time,
    .syntax = "",
    .summary = "Gives the daemon's time: seconds and microseconds",
};

const struct command command_config = {
    .name = "config",
    .least = 1,
    .most = -1,
    .flags = FLAGS,
    .run = run_config,
    .syntax = "GET pattern",
    .summary = "GET gives an empty map: the configuration is a file",
};
