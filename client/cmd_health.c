/* bakery health: one line and an exit status for whoever watches over the daemon (Nagios' convention: 0 well,
 * 1 warning, 2 critical). */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/filter.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"
#include "conf/units.h"

enum { WELL, WARNING, CRITICAL, HOUR_MS = 3600 * 1000, FAILURES_COUNTED = 1000 };

struct health {
	int level;
	char text[300]; /* what is wrong, "; " between */
	bool answered;  /* the numbers are the daemon's */
	int64_t queued, running, failed_last_hour;
};

__attribute__((format(printf, 3, 4))) static void worse(struct health *h, int level, const char *format, ...)
{
	size_t len = strlen(h->text);
	va_list args;
	va_start(args, format);
	if (len && len + 2 < sizeof h->text)
		len += (size_t)snprintf(h->text + len, sizeof h->text - len, "; ");
	if (len < sizeof h->text)
		vsnprintf(h->text + len, sizeof h->text - len, format, args);
	va_end(args);
	h->level = level > h->level ? level : h->level;
}

static int64_t number(const struct value *stats, const char *group, const char *name)
{
	const struct value *g = value_get(stats, group);
	int64_t n = 0;
	if (g)
		status_number(g, name, &n);
	return n;
}

static void check_pools(struct health *h, const struct value *stats)
{
	const struct value *pools = value_get(stats, "pools");
	for (size_t i = 0; pools && pools->type == VALUE_MAP && i + 1 < pools->count; i += 2) {
		const struct value *pool = &pools->items[i + 1];
		int64_t workers = 0, starting = 0;
		status_number(pool, "workers", &workers);
		status_number(pool, "starting", &starting);
		if (workers <= starting)
			worse(h, CRITICAL, "pool %s has no worker", pools->items[i].text);
	}
}

static int count_one(void *arg, const struct value *order)
{
	(void)order;
	++*(int64_t *)arg;
	return 0;
}

/* Orders that were submitted before a moment and are still queued: is there one? */
static int check_age(struct cli *c, struct health *h, int64_t max_age_ms)
{
	struct filter f = {.states = "queued"};
	int64_t count = 0;
	char text[32];
	snprintf(f.until, sizeof f.until, "%" PRId64, text_now_ms() - max_age_ms);
	int status = filter_each(c, &f, 1, count_one, &count);
	if (!status && count)
		worse(h, WARNING, "an order has been queued for more than %s",
		    units_format_duration(max_age_ms, text));
	return status;
}

static int check(struct cli *c, struct health *h, int64_t max_age_ms, int64_t max_queued)
{
	struct value *stats;
	int status = cli_ask(c, &stats, "STATS", NULL);
	if (status)
		return status;
	h->queued = number(stats, "orders", "queued");
	h->running = number(stats, "orders", "running");
	if (max_queued >= 0 && h->queued > max_queued)
		worse(h, WARNING, "%" PRId64 " orders are queued", h->queued);
	if (number(stats, "store", "errors"))
		worse(h, WARNING, "the store has failed %" PRId64 " times", number(stats, "store", "errors"));
	if (number(stats, "daemon", "draining"))
		worse(h, WARNING, "it is shutting down");
	check_pools(h, stats);
	value_free(stats);
	if (max_age_ms >= 0)
		status = check_age(c, h, max_age_ms);
	struct filter failed = {.states = "failed"};
	snprintf(failed.since, sizeof failed.since, "%" PRId64, text_now_ms() - HOUR_MS);
	status = status ? status : filter_each(c, &failed, FAILURES_COUNTED, count_one, &h->failed_last_hour);
	h->answered = !status;
	return status;
}

static void add_number(json_t *o, const char *name, bool known, int64_t value)
{
	json_object_set_new(o, name, known ? json_integer(value) : json_null());
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"max-age", required_argument, NULL, 'a'}, {"max-queued", required_argument, NULL, 'q'}, {0}};
	static const char *const levels[] = {"OK", "WARNING", "CRITICAL"};
	int64_t max_age_ms = -1, max_queued = -1;
	int option;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'a') {
			if (cli_duration(c, "max-age", optarg, &max_age_ms))
				return CRITICAL;
		} else if (option == 'q') {
			if (units_parse_int(optarg, strlen(optarg), 0, INT64_MAX, &max_queued) < 0)
				return cli_usage(c, "--max-queued %s: a whole number from 0", optarg);
		} else {
			return cli_usage_said(c);
		}
	}
	if (optind < argc)
		return cli_usage(c, "%s: not an option", argv[optind]);
	struct health h = {0};
	if (check(c, &h, max_age_ms, max_queued))
		worse(&h, CRITICAL, "it does not answer");
	if (c->json) {
		json_t *o = json_pack("{ss,ss}", "health", levels[h.level], "message", h.text);
		add_number(o, "queued", h.answered, h.queued);
		add_number(o, "running", h.answered, h.running);
		add_number(o, "failed_last_hour", h.answered, h.failed_last_hour);
		json_print(o);
	} else if (!h.answered) {
		printf("%s: %s\n", levels[h.level], h.text);
	} else {
		printf("%s%s%s: %" PRId64 " queued, %" PRId64 " running, %" PRId64
		       "%s of the last hour's orders failed\n",
		    levels[h.level], *h.text ? ": " : "", h.text, h.queued, h.running, h.failed_last_hour,
		    h.failed_last_hour == FAILURES_COUNTED ? " or more" : "");
	}
	int written = cli_close_output(c);
	return written ? CRITICAL : h.level;
}

const struct command cmd_health = {
    .name = "health",
    .usage = "[--max-age D] [--max-queued N]",
    .summary = "one line and an exit status for a watchdog",
    .help = "Prints one line and exits 0 when all is well, 1 when somebody should look, 2 when the\n"
	    "daemon does not answer or a pool has no worker left. For Docker, Nagios and deploys.\n"
	    "\n"
	    "  --max-age D         1 when an order that was submitted more than D ago is queued\n"
	    "  --max-queued N      1 when more than N orders are queued\n",
    .run = run,
};
