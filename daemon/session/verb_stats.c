/*
 * STATS: the daemon's numbers, a map of maps.
 */
#include <string.h>

#include "daemon/session/connection.h"
#include "daemon/session/figures.h"
#include "daemon/session/verbs.h"

static int reply_value(struct reply_writer *w, const struct figure *row)
{
	switch (row->kind) {
	case FIGURE_NUMBER:
		return reply_int(w, row->number);
	case FIGURE_YES_NO:
		return reply_bool(w, row->number);
	case FIGURE_TEXT:
		return *row->text ? reply_text(w, row->text) : reply_null(w);
	case FIGURE_HISTOGRAM:
		break;
	}
	int r = reply_array(w, (uint32_t)row->bucket_count);
	for (size_t i = 0; r == 0 && i < row->bucket_count; i++)
		r = reply_int(w, (int64_t)row->buckets[i]);
	return r;
}

/* How many rows from here on are of the same group (and part). */
static size_t group_length(const struct figures *f, size_t from, bool parts)
{
	size_t n = from;
	while (n < f->count && strcmp(f->rows[n].group, f->rows[from].group) == 0 &&
	       (!parts || f->rows[n].part == f->rows[from].part))
		n++;
	return n - from;
}

/* How many groups (or parts) the rows make. */
static uint32_t count_groups(const struct figures *f, size_t from, size_t to, bool parts)
{
	uint32_t n = 0;
	for (size_t i = from; i < to; i += group_length(f, i, parts))
		n++;
	return n;
}

static int reply_rows(struct reply_writer *w, const struct figures *f, size_t from, size_t count)
{
	int r = reply_map(w, (uint32_t)count);
	for (size_t i = from; r == 0 && i < from + count; i++) {
		r = reply_text(w, f->rows[i].name);
		if (r == 0)
			r = reply_value(w, &f->rows[i]);
	}
	return r;
}

static int reply_group(struct reply_writer *w, const struct figures *f, size_t from, size_t count)
{
	if (!f->rows[from].part)
		return reply_rows(w, f, from, count);
	int r = reply_map(w, count_groups(f, from, from + count, true));
	for (size_t i = from; r == 0 && i < from + count; i += group_length(f, i, true)) {
		r = reply_text(w, f->rows[i].part);
		if (r == 0)
			r = reply_rows(w, f, i, group_length(f, i, true));
	}
	return r;
}

static int run(struct connection *c, const struct request *request, struct reply_writer *w)
{
	(void)request;
	struct figures f = {0};
	int r = figures_collect(&f, c->all);
	if (r == 0)
		r = reply_map(w, count_groups(&f, 0, f.count, false));
	for (size_t i = 0; r == 0 && i < f.count; i += group_length(&f, i, false)) {
		r = reply_text(w, f.rows[i].group);
		if (r == 0)
			r = reply_group(w, &f, i, group_length(&f, i, false));
	}
	figures_clear(&f);
	return r;
}

const struct command command_stats = {
    .name = "stats",
    .least = 0,
    .most = 0,
    .flags = COMMAND_READ,
    .run = run,
    .syntax = "",
    .summary = "Gives the daemon's numbers",
};
