/*
 * Waiting, by AWAIT in pieces: prompt, because the daemon answers when the order is final; safe, because
 * nothing is lost when a piece is repeated on a new connection.
 */
#include "client/wait.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/dial.h"
#include "client/json.h"
#include "client/spinner.h"
#include "client/status.h"
#include "client/text.h"

enum {
	AWAIT_IDS = 256,  /* the daemon's limit */
	PIECE_MS = 60000, /* of one AWAIT */
	/* Where a spinner shows the state; shorter at first, when it changes soon. */
	LIVELY_FIRST_MS = 100,
	LIVELY_PIECE_MS = 1000,
	ANSWER_MS =
	    30000, /* how much later than asked an answer may come before the connection is taken for dead */
	RESULT_TIMEOUT_MS = 600000,
};

struct waiting {
	struct cli *c;
	const char **ids; /* those that are not final yet */
	size_t left, count;
	int64_t deadline_ms;
	struct spinner spinner;
	int64_t lively_ms;
	char state[32 + STATUS_STEP_MAX]; /* of the first, for the spinner */
	int64_t lost_since_ms;            /* 0: connected */
};

static void tick(struct waiting *w)
{
	const char *now = w->lost_since_ms ? "connecting again" : w->state;
	if (w->count == 1)
		spinner_tick(&w->spinner, "%s  %s", w->ids[0], now);
	else
		spinner_tick(&w->spinner, "%zu of %zu final  %s", w->count - w->left, w->count,
		    w->lost_since_ms ? now : "");
}

/* One reply, with the spinner moving. 0; -EINTR; -ETIMEDOUT when nothing came until the time; another code
 * when the connection is lost. */
static int reply_lively(struct waiting *w, int64_t until_ms, struct value **out)
{
	for (;;) {
		int64_t left = until_ms - dial_now_ms();
		int r = bakery_reply(w->c->bakery, spinner_chunk_ms(&w->spinner, left > 0 ? left : 0), out);
		if (r != -ETIMEDOUT)
			return r;
		if (left <= 0) {
			bakery_drop(w->c->bakery);
			return -ETIMEDOUT;
		}
		tick(w);
	}
}

/* Sends [STATUS] AWAIT for the orders that are left. 0 with the reply to AWAIT, or as reply_lively(). */
static int await_piece(struct waiting *w, struct value **out)
{
	struct bakery *b = w->c->bakery;
	int r = bakery_reopen(b);
	if (r < 0)
		return r;
	int64_t now = dial_now_ms(), piece = w->spinner.on ? w->lively_ms : PIECE_MS;
	w->lively_ms = w->lively_ms < LIVELY_PIECE_MS / 2 ? 2 * w->lively_ms : LIVELY_PIECE_MS;
	if (piece > w->deadline_ms - now)
		piece = w->deadline_ms > now ? w->deadline_ms - now : 1;
	if (w->spinner.on && w->count == 1) {
		struct value *v;
		r = bakery_send(b, 2, (struct slice[]){slice_of("STATUS"), slice_of(w->ids[0])});
		if (r == 0)
			r = reply_lively(w, now + ANSWER_MS, &v);
		if (r < 0)
			return r;
		char step[STATUS_STEP_MAX];
		status_step(v, step);
		snprintf(
		    w->state, sizeof w->state, "%.30s%s%s", status_text(v, "state"), *step ? ": " : "", step);
		value_free(v);
		tick(w);
	}
	struct slice words[2 + AWAIT_IDS];
	char timeout[24];
	size_t ids = w->left < AWAIT_IDS ? w->left : AWAIT_IDS;
	snprintf(timeout, sizeof timeout, "%" PRId64, piece);
	words[0] = slice_of("AWAIT");
	words[1] = slice_of(timeout);
	for (size_t i = 0; i < ids; i++)
		words[2 + i] = slice_of(w->ids[i]);
	r = bakery_send(b, 2 + ids, words);
	return r < 0 ? r : reply_lively(w, now + piece + ANSWER_MS, out);
}

static void forget(struct waiting *w, const char *id)
{
	for (size_t i = 0; i < w->left; i++) {
		if (strcmp(w->ids[i], id) != 0)
			continue;
		/* The rest keeps its order: the first ones are waited for first. */
		memmove(&w->ids[i], &w->ids[i + 1], (w->left - i - 1) * sizeof *w->ids);
		w->left--;
		return;
	}
}

/* A connection was lost, or the daemon is starting: a pause, unless it has taken too long. 0 to go on. */
static int try_again(struct waiting *w, int code)
{
	if (code == -EACCES || code == -ENOMEM)
		return cli_lost(w->c, code);
	tick(w);
	int r = bakery_pause(w->c->bakery, &w->lost_since_ms);
	if (r == 0 && dial_now_ms() >= w->deadline_ms)
		return STATUS_WAIT_TIMEOUT;
	return r == 0 || r == -EINTR ? r : cli_lost(w->c, code);
}

static bool is_starting(const struct value *v)
{
	return v->type == VALUE_ERROR &&
	       (strncmp(v->text, "LOADING", 7) == 0 || strncmp(v->text, "DRAINING", 8) == 0);
}

/* One turn: a piece, and what came of it. 0 to go on; *any_final when an order became final. */
static int turn(struct waiting *w, void (*on_final)(void *, struct value *), void *arg, bool *any_final)
{
	struct value *v;
	int r = await_piece(w, &v);
	if (r == -EINTR)
		return r;
	if (r < 0)
		return try_again(w, r);
	if (is_starting(v)) {
		value_free(v);
		return try_again(w, -EAGAIN);
	}
	w->lost_since_ms = 0;
	if (v->type == VALUE_MAP) {
		forget(w, status_text(v, "id"));
		*any_final = true;
		spinner_hide(&w->spinner);
		on_final(arg, v);
		return 0;
	}
	int status = 0;
	if (v->type == VALUE_ERROR)
		status = cli_refused(w->c, v);
	else if (v->type != VALUE_NULL)
		status = cli_strange(w->c);
	else if (dial_now_ms() >= w->deadline_ms)
		status = STATUS_WAIT_TIMEOUT;
	value_free(v);
	return status;
}

int wait_for_orders(struct cli *c, size_t count, char *const *ids, bool any, int64_t timeout_ms,
    void (*on_final)(void *arg, struct value *status), void *arg)
{
	struct waiting w = {.c = c,
	    .count = count,
	    .left = count,
	    .lively_ms = LIVELY_FIRST_MS,
	    .deadline_ms = dial_deadline_ms(timeout_ms)};
	int status = cli_catch_signals(c);
	if (!status)
		status = cli_open(c);
	w.ids = calloc(count, sizeof *w.ids);
	if (!w.ids)
		return cli_fail(c, STATUS_NO, "out of memory");
	for (size_t i = 0; i < count; i++)
		w.ids[i] = ids[i];
	spinner_start(&w.spinner, c->quiet);
	bool any_final = false;
	while (!status && w.left && !(any && any_final))
		status = turn(&w, on_final, arg, &any_final);
	spinner_hide(&w.spinner);
	free(w.ids);
	return status;
}

/* ---- one order, and its result ---- */

void wait_report(struct cli *c, const struct value *status)
{
	if (strcmp(status_text(status, "state"), "done") == 0)
		return;
	const struct value *message = value_get(status, "message");
	if (message && message->type == VALUE_BULK && message->len && !c->quiet) {
		text_print(stderr, message->text, message->len, true);
		if (message->text[message->len - 1] != '\n')
			fputc('\n', stderr);
	}
	char words[STATUS_WORDS_MAX];
	int64_t attempts = 0;
	status_number(status, "attempt", &attempts);
	const char *step = status_text(status, "step");
	cli_fail(c, 0, "order %s %s%s%s: %s%s", status_text(status, "id"), status_text(status, "state"),
	    *step ? " in step " : "", step, status_words(status, words),
	    attempts > 1 ? ", in the last of its attempts" : "");
}

struct value *wait_fetch_result(struct cli *c, const char *id, int *exit_status)
{
	struct slice words[3] = {slice_of("RESULT"), slice_of(id), slice_of("PARTIAL")};
	for (size_t count = 2; count <= 3; count++) {
		struct value *v;
		int r = bakery_call_again(c->bakery, count, words, RESULT_TIMEOUT_MS, &v);
		if (r < 0) {
			*exit_status = cli_lost(c, r);
			return NULL;
		}
		if (v->type != VALUE_ERROR)
			return v;
		long long kept, total;
		if (count == 2 && sscanf(v->text, "CUT %lld %lld", &kept, &total) == 2)
			cli_fail(c, 0, "order %s: the result is cut: the first %lld of %lld bytes", id, kept,
			    total);
		else
			*exit_status = cli_refused(c, v);
		bool again = count == 2 && strncmp(v->text, "CUT", 3) == 0;
		value_free(v);
		if (!again)
			return NULL;
	}
	return NULL;
}

static void keep(void *arg, struct value *status)
{
	*(struct value **)arg = status;
}

static void cancel_order(struct cli *c, const char *id)
{
	struct value *v;
	/* On a connection of its own: on this one AWAIT comes first. */
	bakery_drop(c->bakery);
	if (cli_ask(c, &v, "CANCEL", id, "REASON", "its client went away", NULL) != 0)
		return;
	cli_fail(c, 0, "order %s is cancelled", id);
	value_free(v);
}

/* The wait ended before the order did. */
static void leave(struct cli *c, const char *id, bool cancel)
{
	if (cancel)
		cancel_order(c, id);
	else
		cli_fail(c, 0, "order %s goes on; to come back to it: bakery wait %s", id, id);
}

int wait_for_result(struct cli *c, const char *id, int64_t timeout_ms, bool cancel)
{
	if (!c->quiet)
		cli_fail(c, 0, "order %s", id);
	struct value *final = NULL;
	int status = wait_for_orders(c, 1, (char *[]){(char *)id}, true, timeout_ms, keep, &final);
	if (status == -EINTR) {
		int number = cli_take_signal(c);
		leave(c, id, cancel);
		cli_die(number);
	}
	if (status == STATUS_WAIT_TIMEOUT) {
		leave(c, id, cancel);
		return status;
	}
	if (status)
		return status;
	int result_status = 0;
	struct value *result = wait_fetch_result(c, id, &result_status);
	if (c->json) {
		json_t *o = json_from_value(final);
		if (result && result->type == VALUE_BULK)
			json_add_result(o, result->text, result->len);
		json_print(o);
	} else if (result && result->type == VALUE_BULK) {
		fwrite(result->text, 1, result->len, stdout);
	}
	wait_report(c, final);
	status = cli_close_output(c);
	if (!status)
		status = result_status ? result_status : status_exit(final);
	value_free(result);
	value_free(final);
	return status;
}
