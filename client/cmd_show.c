/* bakery show: all that is known about an order. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/json.h"
#include "client/status.h"
#include "client/text.h"

static void add(struct table *t, const char *name, const char *value)
{
	if (!*value)
		return;
	table_add(t, name);
	table_add(t, value);
}

static void add_time(struct table *t, const struct value *order, const char *member, const char *name)
{
	char text[TEXT_TIME_MAX];
	int64_t ms;
	if (status_number(order, member, &ms))
		add(t, name, text_local(ms, text));
}

/* "2 of 4". There may be more than are counted: those that were lost or stopped are not. */
static const char *attempts(const struct value *order, char out[static TEXT_TIME_MAX])
{
	int64_t attempt = 0, retries;
	status_number(order, "attempt", &attempt);
	bool done = strcmp(status_text(order, "state"), "done") == 0;
	if (!done && status_number(order, "retries", &retries) && attempt <= retries + 1)
		snprintf(out, TEXT_TIME_MAX, "%" PRId64 " of %" PRId64, attempt, retries + 1);
	else
		snprintf(out, TEXT_TIME_MAX, "%" PRId64, attempt);
	return out;
}

static void add_attempts(struct table *t, const struct value *order)
{
	char text[TEXT_TIME_MAX];
	int64_t attempt = 0;
	status_number(order, "attempt", &attempt);
	add(t, "attempts", attempt ? attempts(order, text) : "");
}

static void add_result(struct table *t, const struct value *order)
{
	int64_t bytes, cut = 0;
	char text[80];
	if (!status_number(order, "result_bytes", &bytes))
		return;
	status_number(order, "result_cut", &cut);
	snprintf(text, sizeof text, "%" PRId64 " byte%s%s", bytes, bytes == 1 ? "" : "s",
	    cut ? ", cut: the job wrote more" : "");
	add(t, "result", text);
}

/* A command to type next. */
static void next(const char *command, const char *argument, const char *what)
{
	char line[200];
	snprintf(line, sizeof line, "bakery %s %s", command, argument);
	printf("next: %-32s %s\n", line, what);
}

/* Where a job ended by itself, its message is what it wrote to standard error; else it may be the daemon's. */
static const char *title(const struct value *order)
{
	static const char *const of_jobs[] = {"exit", "signal"};
	for (size_t i = 0; i < sizeof of_jobs / sizeof *of_jobs; i++)
		if (strcmp(status_text(order, "cause"), of_jobs[i]) == 0)
			return "its last words:";
	return "what is known of it:";
}

static void show_message(const struct value *order)
{
	const struct value *message = value_get(order, "message");
	if (!message || message->type != VALUE_BULK || !message->len)
		return;
	printf("\n%s\n", title(order));
	text_print(stdout, message->text, message->len, true);
	if (message->text[message->len - 1] != '\n')
		putchar('\n');
}

static void show_failure(const struct value *order)
{
	char words[STATUS_WORDS_MAX], text[TEXT_TIME_MAX];
	const char *id = status_text(order, "id");
	const char *step = status_text(order, "step");
	printf("\nfailed in attempt %s%s%s: %s\n", attempts(order, text), *step ? ", in step " : "", step,
	    status_words(order, words));
	show_message(order);
	putchar('\n');
	next("result", id, "what it has of a result");
	next("recipes", status_text(order, "recipe"), "what its recipe takes");
}

/* What is known, then, for one that went wrong, what it said and what to do next. */
static void show(const struct value *order)
{
	char text[TEXT_TIME_MAX];
	const char *id = status_text(order, "id"), *state = status_text(order, "state");
	int64_t n, finished;
	struct table *t = table_new(2);
	add(t, "order", id);
	add(t, "recipe", status_text(order, "recipe"));
	table_add(t, "state");
	table_add_coloured(t, state, text_state_colour(state));
	char step[STATUS_STEP_MAX];
	add(t, "step", status_step(order, step));
	add(t, strcmp(state, "cancelled") == 0 ? "cancelled by" : "cancel asked by",
	    status_text(order, "by"));
	add(t, "reason", status_text(order, "reason"));
	add_attempts(t, order);
	add(t, "user", status_text(order, "user"));
	add(t, "pool", status_text(order, "pool"));
	snprintf(text, sizeof text, "%" PRId64, status_number(order, "priority", &n) ? n : 0);
	add(t, "priority", n ? text : "");
	add_time(t, order, "created", "submitted");
	add_time(t, order, "due", "due");
	add_time(t, order, "queued", "queued");
	add_time(t, order, "started", "started");
	add_time(t, order, "finished", "finished");
	if (status_number(order, "started", &n) && status_number(order, "finished", &finished))
		add(t, "took", text_duration(finished - n, text));
	add_result(t, order);
	add(t, "key", status_text(order, "key"));
	table_print(t);

	if (strcmp(state, "failed") == 0)
		show_failure(order);
	else if (strcmp(state, "done") != 0)
		show_message(order);
	if (!status_is_final(order)) {
		putchar('\n');
		next("explain", id, "why it is not done yet");
		next("wait", id, "until it is");
	}
}

static int run(struct cli *c, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	if (cli_getopt(c, argc, argv, "", options) != -1)
		return cli_usage_said(c);
	if (optind == argc)
		return cli_usage(c, "which order?");
	int worst = 0;
	for (int i = optind; i < argc; i++) {
		struct value *order;
		int status = cli_ask(c, &order, "STATUS", argv[i], NULL);
		if (status) {
			worst = status;
			if (!c->bakery || bakery_fd(c->bakery) < 0)
				break;
			continue;
		}
		if (i > optind && !c->json)
			putchar('\n');
		if (c->json)
			json_print(json_from_value(order));
		else
			show(order);
		value_free(order);
	}
	int written = cli_close_output(c);
	return worst ? worst : written;
}

const struct command cmd_show = {
    .name = "show",
    .usage = "ID ...",
    .summary = "show what is known about an order",
    .help = "Shows the state of an order, its times, its result's size, and, when it failed, why,\n"
	    "the end of what it wrote to standard error, and what to type next.\n",
    .run = run,
};
