/* bakery cancel: orders by id, or all that match a filter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/commands.h"
#include "client/filter.h"
#include "client/json.h"
#include "client/status.h"

struct chosen {
	char **ids;
	size_t count, room;
};

static int choose(struct chosen *ch, const char *id)
{
	if (ch->count == ch->room) {
		size_t room = ch->room ? 2 * ch->room : 64;
		char **ids = realloc(ch->ids, room * sizeof *ids);
		if (!ids)
			return -1;
		ch->ids = ids;
		ch->room = room;
	}
	char *copy = strdup(id);
	if (!copy)
		return -1;
	ch->ids[ch->count++] = copy;
	return 0;
}

static int choose_order(void *arg, const struct value *order)
{
	if (status_is_final(order))
		return 0;
	return choose(arg, status_text(order, "id")) < 0 ? STATUS_NO : 0;
}

/* True when the person says yes. */
static bool confirm(size_t count)
{
	char answer[16];
	fprintf(stderr, "Cancel %zu order%s? [y/N] ", count, count == 1 ? "" : "s");
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* 0 cancelled, or being cancelled; else an exit status. One that has ended since a filter found it was not asked for. */
static int cancel(struct cli *c, const char *id, const char *reason, bool by_filter)
{
	struct slice words[4] = {
	    slice_of("CANCEL"), slice_of(id), slice_of("REASON"), slice_of(reason ? reason : "")};
	struct value *v;
	int status = cli_ask_argv(c, &v, reason ? 4 : 2, words);
	if (status)
		return status;
	bool cancelled = v->type == VALUE_INT && v->number == 1;
	value_free(v);
	if (c->json)
		json_print(json_pack("{sssb}", "id", id, "cancelled", cancelled));
	else if (cancelled && !c->quiet)
		printf("%s  cancelled\n", id);
	else if (!cancelled && !by_filter)
		return cli_fail(c, STATUS_NO, "order %s is final already", id);
	return cancelled || by_filter ? 0 : STATUS_NO;
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {
	    FILTER_OPTIONS, {"reason", required_argument, NULL, 'r'}, {"yes", no_argument, NULL, 'y'}, {0}};
	struct filter f = {0};
	const char *reason = NULL;
	bool yes = false;
	int option, status = 0;
	while ((option = cli_getopt(c, argc, argv, "", options)) != -1) {
		if (option == 'r')
			reason = optarg;
		else if (option == 'y')
			yes = true;
		else if (filter_option(c, &f, option, optarg, &status) <= 0)
			return status ? status : cli_usage_said(c);
	}
	if (f.given == (optind < argc))
		return cli_usage(c, f.given ? "either ids or filters" : "which orders?");
	struct chosen ch = {0};
	for (int i = optind; i < argc && !status; i++)
		status = choose(&ch, argv[i]) < 0 ? cli_fail(c, STATUS_NO, "out of memory") : 0;
	if (f.given) {
		if (!f.states)
			f.states = "scheduled,queued,running";
		status = filter_each(c, &f, -1, choose_order, &ch);
		if (!status && !ch.count && !c->quiet)
			cli_fail(c, 0, "no order matches");
		if (!status && ch.count && !yes) {
			if (!isatty(STDIN_FILENO))
				status = cli_usage(c, "%zu order%s; say --yes to cancel %s", ch.count,
				    ch.count == 1 ? " matches" : "s match", ch.count == 1 ? "it" : "them");
			else if (!confirm(ch.count))
				status = STATUS_NO;
		}
	}
	int worst = status;
	for (size_t i = 0; i < ch.count; i++) {
		if (!status) {
			int s = cancel(c, ch.ids[i], reason, f.given);
			worst = s ? s : worst;
			status = bakery_fd(c->bakery) < 0
				     ? s
				     : 0; /* no daemon: the rest would only say it again */
		}
		free(ch.ids[i]);
	}
	free(ch.ids);
	int written = cli_close_output(c);
	return worst ? worst : written;
}

const struct command cmd_cancel = {
    .name = "cancel",
    .usage = "[--reason TEXT] (ID ... | filters [--yes])",
    .summary = "cancel orders",
    .help = "Cancels orders. A running job gets the recipe's stop signal, and SIGKILL when it does\n"
	    "not end. Exits 1 when one of them was final already.\n"
	    "\n"
	    "With filters it cancels all orders that match and are not final, after it has said how\n"
	    "many they are and asked.\n"
	    "\n" FILTER_HELP "  --yes               do not ask\n"
	    "  --reason TEXT       kept with the order\n",
    .run = run,
};
