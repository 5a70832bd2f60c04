/* The ORDER request of the command line. Each has a KEY, so that it can be sent again when its answer is lost. */
#include "client/submit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "client/wait.h"
#include "conf/units.h"

enum { ORDER_TIMEOUT_MS = 60000 };

int submit_option(struct cli *c, struct submit *s, int option, const char *value, int *status)
{
	int64_t n;
	int bad = 0;
	switch (option) {
	case 'w':
		s->wait = true;
		return 1;
	case 'W':
		s->wait = true;
		bad = cli_duration(c, "wait-timeout", value, &s->wait_timeout_ms);
		break;
	case 'X':
		s->wait = s->cancel_on_exit = true;
		return 1;
	case 'K':
		s->key = value;
		/* An unset variable of a script, which would otherwise submit twice what it means to submit once. */
		if (!*value)
			bad = cli_usage(c, "--key: an empty key is none");
		break;
	case 'D':
		s->delay = value;
		bad = cli_duration(c, "delay", value, &n);
		break;
	case 'T':
		s->timeout = value;
		bad = cli_duration(c, "timeout", value, &n);
		break;
	case 'P':
		s->priority = value;
		if (units_parse_int(value, strlen(value), -100, 100, &n) < 0)
			bad = cli_usage(c, "--priority %s: a whole number from -100 to 100", value);
		break;
	case 'R':
		s->retries = value;
		if (units_parse_int(value, strlen(value), 0, INT32_MAX, &n) < 0)
			bad = cli_usage(c, "--retries %s: a whole number from 0", value);
		break;
	default:
		return 0;
	}
	*status = bad;
	return bad ? -1 : 1;
}

void submit_look_ahead(struct cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strncmp(argv[i], "--wait", 6) == 0 || strcmp(argv[i], "--cancel-on-exit") == 0)
			c->waits = c->waits_for_one = true;
}

size_t submit_words(const struct submit *s, const char *recipe, struct slice payload, const char *key,
    struct slice words[static SUBMIT_ARGS])
{
	const struct {
		const char *name, *value;
	} options[] = {{"PRIORITY", s->priority}, {"DELAY", s->delay}, {"TIMEOUT", s->timeout},
	    {"RETRIES", s->retries}, {"KEY", key}};
	size_t n = 0;
	words[n++] = slice_of("ORDER");
	words[n++] = slice_of(recipe);
	words[n++] = payload;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (!options[i].value)
			continue;
		words[n++] = slice_of(options[i].name);
		words[n++] = slice_of(options[i].value);
	}
	return n;
}

int submit_order(struct cli *c, const struct submit *s, const char *recipe, struct slice payload, char **id)
{
	char made[37];
	const char *key = s->key;
	if (!key) {
		int r = bakery_make_key(made);
		if (r < 0)
			return cli_fail(c, STATUS_NO, "random numbers: %s", strerror(-r));
		key = made;
	}
	struct slice words[SUBMIT_ARGS];
	size_t count = submit_words(s, recipe, payload, key, words);
	int status = s->wait ? cli_catch_signals(c) : 0;
	if (!status)
		status = cli_open(c);
	int64_t since = 0;
	struct value *v = NULL;
	while (!status) {
		int r = bakery_call_again(c->bakery, count, words, ORDER_TIMEOUT_MS, &v);
		if (r < 0)
			return cli_lost(c, r);
		/* Perhaps it is stored: with the same key the same order answers. */
		if (v->type != VALUE_ERROR || strncmp(v->text, "UNCERTAIN", 9) != 0)
			break;
		r = bakery_pause(c->bakery, &since);
		if (r == -EINTR)
			cli_die(cli_take_signal(c));
		if (r < 0)
			break;
		value_free(v);
	}
	if (status)
		return status;
	if (v->type == VALUE_ERROR) {
		status = cli_refused(c, v);
	} else if (v->type != VALUE_BULK) {
		status = cli_strange(c);
	} else {
		*id = v->text;
		v->text = NULL;
	}
	value_free(v);
	return status;
}

int submit_finish(struct cli *c, const struct submit *s, const char *id)
{
	if (s->wait)
		return wait_for_result(c, id, s->wait_timeout_ms, s->cancel_on_exit);
	if (c->json)
		json_print(json_pack("{ss}", "id", id));
	else
		printf("%s\n", id);
	return cli_close_output(c);
}
