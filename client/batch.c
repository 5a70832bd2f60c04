/*
 * The pipeline of bakery map. Requests that have not been answered are kept; when the connection is lost they
 * are sent again on the next one, and their keys make that harmless. Waiting asks AWAIT and RESULT for a
 * window of orders ahead, in their order.
 */
#include "client/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/dial.h"
#include "client/json.h"
#include "client/spinner.h"
#include "client/status.h"
#include "client/wait.h"

enum {
	UNANSWERED_MAX = 1000,       /* requests in the pipeline, */
	BYTES_MAX = 4 * 1024 * 1024, /* and bytes */
	WINDOW = 100,                /* orders that are asked for ahead */
	ANSWER_MS = 60000,
	PIECE_MS = 60000,
};

struct one {
	char *key;          /* until it is answered, */
	struct buf payload; /* and this too */
	char *id;           /* until it is printed; NULL: refused */
};

struct batch {
	struct cli *c;
	const struct submit *s;
	const char *recipe;
	struct one *orders;
	size_t count, room;
	size_t answered, sent; /* answered ≤ sent ≤ count */
	size_t unanswered_bytes;
	size_t printed; /* ids, without --wait */
	int refused;    /* the worst exit status of a refusal; 0: none */
	bool stopped;   /* nothing more can be submitted */
	struct spinner spinner;
};

int batch_new(struct cli *c, const struct submit *s, const char *recipe, struct batch **out)
{
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return cli_fail(c, STATUS_NO, "out of memory");
	b->c = c;
	b->s = s;
	b->recipe = recipe;
	spinner_start(&b->spinner, c->quiet);
	*out = b;
	return 0;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++) {
		free(b->orders[i].key);
		free(b->orders[i].id);
		buf_clear(&b->orders[i].payload);
	}
	free(b->orders);
	free(b);
}

static char *make_key(const struct batch *b)
{
	char key[37], *out = NULL;
	if (b->s->key)
		return asprintf(&out, "%s-%zu", b->s->key, b->count + 1) < 0 ? NULL : out;
	return bakery_make_key(key) < 0 ? NULL : strdup(key);
}

/* ---- submitting ---- */

static int send_one(struct batch *b)
{
	struct one *o = &b->orders[b->sent];
	struct slice words[SUBMIT_ARGS];
	size_t n = submit_words(
	    b->s, b->recipe, (struct slice){buf_bytes(&o->payload), o->payload.len}, o->key, words);
	int r = bakery_send(b->c->bakery, n, words);
	if (r == 0)
		b->sent++;
	return r;
}

/* A new connection, and all that was not answered once more. 0 or a code. */
static int resume(struct batch *b)
{
	int r = bakery_reopen(b->c->bakery);
	size_t upto = b->sent;
	if (r == 0)
		b->sent = b->answered;
	while (r == 0 && b->sent < upto)
		r = send_one(b);
	if (r < 0) {
		bakery_drop(b->c->bakery);
		b->sent = upto;
	}
	return r;
}

static void print_ids(struct batch *b)
{
	for (; b->printed < b->answered && !b->s->wait; b->printed++) {
		const char *id = b->orders[b->printed].id;
		if (id && b->c->json)
			json_print(json_pack("{ss,sI}", "id", id, "line", (json_int_t)b->printed + 1));
		else if (id)
			printf("%s\n", id);
		free(b->orders[b->printed].id);
		b->orders[b->printed].id = NULL;
	}
}

/* True when the answer says that a repeat with the same key may be accepted, soon. */
static bool is_passing(const struct value *v)
{
	return v->type == VALUE_ERROR &&
	       (strncmp(v->text, "LOADING", 7) == 0 || strncmp(v->text, "UNCERTAIN", 9) == 0);
}

static void take_answer(struct batch *b, struct value *v)
{
	struct one *o = &b->orders[b->answered++];
	b->unanswered_bytes -= o->payload.len;
	buf_clear(&o->payload);
	free(o->key);
	o->key = NULL;
	if (v->type == VALUE_BULK) {
		o->id = v->text;
		v->text = NULL;
	} else {
		spinner_hide(&b->spinner);
		int status = v->type == VALUE_ERROR ? cli_refusal_status(v) : STATUS_NO;
		cli_fail(b->c, 0, "line %zu: %s", b->answered,
		    v->text ? v->text : "a reply that this program does not understand");
		b->refused = status > b->refused ? status : b->refused;
	}
	value_free(v);
	print_ids(b);
}

/* One answer, through lost connections. 0 or the exit status. */
static int next_answer(struct batch *b)
{
	int64_t since = 0;
	for (;;) {
		struct value *v;
		int r = bakery_fd(b->c->bakery) >= 0 ? 0 : resume(b);
		if (r == 0)
			r = bakery_reply(b->c->bakery, ANSWER_MS, &v);
		if (r == 0 && !is_passing(v)) {
			take_answer(b, v);
			return 0;
		}
		if (r == 0) {
			/* The ones behind it are in the same position: all of them again. */
			value_free(v);
			bakery_drop(b->c->bakery);
			r = -EAGAIN;
		} else if (r == -ETIMEDOUT) {
			bakery_drop(b->c->bakery);
		} else if (r == -EACCES || r == -EINTR) {
			return cli_lost(b->c, r);
		}
		if (bakery_pause(b->c->bakery, &since) < 0)
			return cli_lost(b->c, r);
	}
}

static int drain(struct batch *b, size_t upto, size_t bytes)
{
	int status = 0;
	while (
	    !status && b->answered < b->sent && (b->sent - b->answered > upto || b->unanswered_bytes > bytes))
		status = next_answer(b);
	b->stopped = b->stopped || status;
	return status;
}

/* Room for one more. 0 or the exit status. */
static int make_room(struct batch *b)
{
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 256;
		struct one *orders = realloc(b->orders, room * sizeof *orders);
		if (!orders)
			return cli_fail(b->c, STATUS_NO, "out of memory");
		b->orders = orders;
		b->room = room;
	}
	return 0;
}

int batch_skip(struct batch *b, int refusal)
{
	/* Answers are counted in the order of the lines. */
	int status = drain(b, 0, 0);
	if (!status)
		status = make_room(b);
	if (status)
		return status;
	b->orders[b->count++] = (struct one){0};
	b->sent = b->answered = b->count;
	b->refused = refusal > b->refused ? refusal : b->refused;
	print_ids(b);
	return 0;
}

int batch_add(struct batch *b, const struct buf *payload)
{
	int status = make_room(b);
	if (status)
		return status;
	struct one o = {.key = make_key(b)};
	if (!o.key || buf_append(&o.payload, buf_bytes(payload), payload->len) < 0) {
		free(o.key);
		return cli_fail(b->c, STATUS_NO, "out of memory");
	}
	b->orders[b->count++] = o;
	b->unanswered_bytes += payload->len;
	if (bakery_fd(b->c->bakery) >= 0 && send_one(b) < 0)
		return cli_fail(b->c, STATUS_NO, "out of memory");
	if (bakery_fd(b->c->bakery) < 0)
		b->sent = b->count; /* goes out with the rest when the connection is there again */
	if (b->sent % 100 == 0) {
		bakery_flush(b->c->bakery);
		if (spinner_is_due(&b->spinner))
			spinner_tick(&b->spinner, "%zu sent, %zu accepted", b->sent, b->answered);
	}
	return drain(b, UNANSWERED_MAX - 1, BYTES_MAX);
}

/* ---- waiting ---- */

struct reaping {
	struct batch *b;
	int64_t deadline_ms; /* of --wait-timeout */
	size_t next;         /* the first whose result has not been printed */
	size_t asked;        /* the first that has not been asked for on this connection */
	size_t done, failed;
};

static int ask(struct reaping *r)
{
	struct batch *b = r->b;
	int e = 0;
	for (; r->asked < b->count && r->asked < r->next + WINDOW && e == 0; r->asked++) {
		const char *id = b->orders[r->asked].id;
		if (!id)
			continue;
		char piece[24];
		snprintf(piece, sizeof piece, "%d", PIECE_MS);
		e = bakery_send(
		    b->c->bakery, 3, (struct slice[]){slice_of("AWAIT"), slice_of(piece), slice_of(id)});
		if (e == 0)
			e = bakery_send(b->c->bakery, 3,
			    (struct slice[]){slice_of("RESULT"), slice_of(id), slice_of("PARTIAL")});
	}
	return e;
}

static void tick(struct reaping *r)
{
	spinner_tick(
	    &r->b->spinner, "%zu of %zu done%s", r->done, r->b->count, r->failed ? ", some failed" : "");
}

static int reply_lively(struct reaping *r, struct value **v)
{
	if (spinner_is_due(&r->b->spinner))
		tick(r);
	int64_t until = dial_deadline_ms(PIECE_MS + ANSWER_MS);
	until = until < r->deadline_ms ? until : r->deadline_ms;
	for (;;) {
		int64_t left = until - dial_now_ms();
		int e = bakery_reply(
		    r->b->c->bakery, spinner_chunk_ms(&r->b->spinner, left > 0 ? left : 0), v);
		if (e != -ETIMEDOUT || left <= 0)
			return e;
		tick(r);
	}
}

static void print_final(struct reaping *r, const struct value *status, const struct value *result)
{
	struct cli *c = r->b->c;
	bool done = strcmp(status_text(status, "state"), "done") == 0;
	int64_t cut = 0;
	status_number(status, "result_cut", &cut);
	/* It stays where nothing is written beside it: the results go elsewhere. */
	if (!done || cut || (r->b->spinner.shown && isatty(STDOUT_FILENO)))
		spinner_hide(&r->b->spinner);
	if (c->json) {
		json_t *o = json_from_value(status);
		json_object_set_new(o, "line", json_integer((json_int_t)r->next + 1));
		if (result->type == VALUE_BULK)
			json_add_result(o, result->text, result->len);
		json_print(o);
	} else if (result->type == VALUE_BULK) {
		fwrite(result->text, 1, result->len, stdout);
	}
	if (cut)
		cli_fail(c, 0, "order %s: the result is cut", status_text(status, "id"));
	wait_report(c, status);
	r->done += done;
	r->failed += !done;
}

/* The pair of replies for the next order. 0; -EAGAIN when it is not final yet; another code when the
 * connection is lost; > 0: an exit status. */
static int reap_one(struct reaping *r)
{
	struct value *status = NULL, *result = NULL;
	int e = reply_lively(r, &status);
	if (e == 0)
		e = reply_lively(r, &result);
	if (e == 0 && status->type == VALUE_MAP)
		print_final(r, status, result);
	else if (e == 0 && status->type == VALUE_ERROR && !is_passing(status))
		e = cli_refused(r->b->c, status);
	else if (e == 0)
		e = -EAGAIN;
	value_free(status);
	value_free(result);
	return e;
}

/* The wait ends before the orders do. */
static void leave(struct reaping *r)
{
	struct batch *b = r->b;
	size_t cancelled = 0;
	spinner_hide(&b->spinner);
	bakery_drop(b->c->bakery); /* what was asked for is not waited for */
	for (size_t i = r->next; i < b->count && b->s->cancel_on_exit; i++) {
		struct value *v;
		if (!b->orders[i].id)
			continue;
		if (cli_ask(b->c, &v, "CANCEL", b->orders[i].id, "REASON", "its client went away", NULL))
			break;
		value_free(v);
		cancelled++;
	}
	if (b->s->cancel_on_exit)
		cli_fail(b->c, 0, "%zu orders are cancelled", cancelled);
	else
		cli_fail(b->c, 0, "the orders go on; to see them: bakery list --recipe %s", b->recipe);
}

/* What to do when a pair of replies did not come: 0 to go on, or the exit status. */
static int recover(struct reaping *r, int code, int64_t *since_ms)
{
	struct cli *c = r->b->c;
	if (code == -EINTR) {
		int number = cli_take_signal(c);
		leave(r);
		cli_die(number);
	}
	if (dial_now_ms() >= r->deadline_ms) {
		leave(r);
		return STATUS_WAIT_TIMEOUT;
	}
	/* The pipeline is asked for afresh from the first order that is not final. */
	bakery_drop(c->bakery);
	r->asked = r->next;
	if (code == -EAGAIN)
		return 0;
	if (code == -EACCES)
		return cli_lost(c, code);
	int paused = bakery_pause(c->bakery, since_ms);
	return paused == 0 || paused == -EINTR ? 0 : cli_lost(c, code);
}

static int reap(struct batch *b)
{
	struct reaping r = {.b = b, .deadline_ms = dial_deadline_ms(b->s->wait_timeout_ms)};
	int64_t since = 0;
	while (r.next < b->count) {
		if (!b->orders[r.next].id) {
			r.next++;
			continue;
		}
		int e = bakery_reopen(b->c->bakery);
		if (e == 0)
			e = ask(&r);
		if (e == 0)
			e = reap_one(&r);
		if (e < 0) {
			int status = recover(&r, e, &since);
			if (status)
				return status;
			continue;
		}
		since = 0;
		r.failed += e > 0;
		r.next++;
	}
	spinner_hide(&b->spinner);
	return r.failed ? STATUS_NO : 0;
}

int batch_finish(struct batch *b)
{
	int status = b->stopped ? 0 : drain(b, 0, 0);
	if (b->stopped)
		cli_fail(b->c, 0, "submitted: %zu", b->answered);
	spinner_hide(&b->spinner);
	if (b->s->wait && !status) {
		status = cli_catch_signals(b->c);
		if (!status)
			status = reap(b);
	}
	if (!status)
		status = b->s->wait && b->refused ? STATUS_NO : b->refused;
	int written = cli_close_output(b->c);
	return status ? status : written;
}
