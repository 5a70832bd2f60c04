/* What happens to an order that is there: its attempts begin and end, it is cancelled, its time comes. Each is one guarded change. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/attempt.h"
#include "daemon/store/db.h"
#include "daemon/store/engine.h"
#include "daemon/store/steps.h"

/* The most due orders that one request promotes. */
enum { PROMOTE_MAX = 1000 };

static int64_t later(int64_t now_ms, int64_t delay_ms)
{
	if (delay_ms <= 0)
		return now_ms;
	return delay_ms < INT64_MAX - now_ms ? now_ms + delay_ms : INT64_MAX;
}

/* Changes the state and writes the row. A head is made when it is queued now. */
static int change(struct engine *e, struct row *row, enum order_state to)
{
	struct store_head *head = NULL;
	int err = 0;

	if (to == ORDER_QUEUED)
		err = engine_head(e, row, &head);
	if (err == 0)
		err = engine_change(e, row, to, head);
	return err < 0 ? err : row_update(e->st[SQL_ORDER_SET], row);
}

/* What is asked of a running attempt, or begins one, is over when the order is not there. 1 with *row, to be cleared; 0: answered; or a negative code. */
static int load(struct engine *e, struct store_op *op, int64_t id, struct row *row)
{
	int why, err = engine_load(e, id, row, &why);

	if (err == 0)
		op->error = why == ERR_CORRUPT ? why : ERR_STATE;
	return err;
}

/* ---- start ---- */

static int start(struct engine *e, const struct store_start *r, struct row *row, enum order_state to)
{
	int64_t owner;
	int err = engine_name(e, e->o.owner, &owner);

	if (err < 0)
		return err;
	row->v[ROW_ATTEMPT] = r->attempt;
	row->v[ROW_STARTED] = e->now_ms;
	row->v[ROW_FINISHED] = 0;
	row->v[ROW_OWNER] = owner;
	row->v[ROW_WORKER] = r->worker;
	row->v[ROW_CAUSE] = row->v[ROW_ENDED] = CAUSE_NONE;
	row->v[ROW_EXIT] = -1;
	row->v[ROW_SIGNAL] = row->v[ROW_ERROR] = row->v[ROW_CPU] = row->v[ROW_RSS] = 0;
	row->v[ROW_MESSAGE_BYTES] = row->v[ROW_STEP] = 0;
	return change(e, row, to);
}

int op_start(struct engine *e, struct store_op *op)
{
	struct store_start *r = (struct store_start *)op;
	enum order_state to;
	struct row row;
	int err = load(e, op, r->id, &row);

	if (err <= 0)
		return err;
	err = 0;
	if (engine_next(&row, ORDER_EVENT_START, &to) < 0 || row.v[ROW_ATTEMPT] + 1 != r->attempt)
		op->error = ERR_STATE;
	else
		err = start(e, r, &row, to);
	row_clear(&row);
	return err;
}

/* ---- a step of an attempt ---- */

/* The order's row says that there are results of steps, so that its end need not look for any. It is written for the first one only. */
static int step(struct engine *e, const struct store_step *r, struct row *row)
{
	int err;

	if (row->v[ROW_STEPS]) {
		err = steps_remove(e->st[SQL_STEPS_REMOVE], row->id, r->step);
	} else {
		row->v[ROW_STEPS] = 1;
		err = row_update_steps(e->st[SQL_ORDER_STEPS], row);
	}
	return err < 0 ? err : steps_add(e->st[SQL_STEP_ADD], r);
}

int op_step(struct engine *e, struct store_op *op)
{
	struct store_step *r = (struct store_step *)op;
	struct row row;
	int err = load(e, op, r->id, &row);

	if (err <= 0)
		return err;
	err = 0;
	if (row_state(&row) != ORDER_RUNNING || row.v[ROW_ATTEMPT] != r->attempt)
		op->error = ERR_STATE;
	else
		err = step(e, r, &row);
	row_clear(&row);
	return err;
}

/* ---- finish ---- */

static int add_bytes(sqlite3_stmt *st, int64_t id, struct slice bytes)
{
	int err;

	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, (int64_t)row_bytes_checksum(id, bytes));
	err = db_bind_blob(st, 3, bytes);
	return err < 0 ? err : db_run(st);
}

static void end_attempt(struct engine *e, const struct store_finish *r, struct row *row)
{
	const struct order_outcome *o = &r->outcome;

	if (o->started_ms > 0)
		row->v[ROW_STARTED] = o->started_ms;
	row->v[ROW_FINISHED] = o->finished_ms > 0 ? o->finished_ms : e->now_ms;
	row->v[ROW_ENDED] = o->cause;
	row->v[ROW_EXIT] = o->exit;
	row->v[ROW_SIGNAL] = o->signal;
	row->v[ROW_ERROR] = o->error;
	row->v[ROW_CPU] = o->cpu_ms;
	row->v[ROW_RSS] = o->max_rss_kib;
	row->v[ROW_MESSAGE_BYTES] = (int64_t)o->message_len;
	row->v[ROW_CHARGED] += r->charge;
	row->v[ROW_LOST] += r->lost;
	row->v[ROW_OWNER] = row->v[ROW_LEASE] = 0;
}

/* For good: the cause, the result, and what it said last. */
static int finish(struct engine *e, const struct store_finish *r, struct row *row, enum order_state to)
{
	const struct order_outcome *o = &r->outcome;
	int err = 0;

	row->v[ROW_CAUSE] = to == r->next ? r->cause : CAUSE_CANCELLED;
	if (to == ORDER_DONE || to == ORDER_FAILED) {
		row->v[ROW_RESULT] = o->result_cut ? 2 : 1;
		row->v[ROW_RESULT_BYTES] = (int64_t)o->result_len;
		row->v[ROW_RESULT_TOTAL] = (int64_t)o->result_total;
		if (o->result_len > 0)
			err = add_bytes(
			    e->st[SQL_RESULT_ADD], row->id, (struct slice){o->result, o->result_len});
	}
	if (err == 0 && o->message_len > 0)
		err = add_bytes(e->st[SQL_MESSAGE_ADD], row->id, (struct slice){o->message, o->message_len});
	/* Nothing goes on from there; an order that failed or was cancelled may be tried again. */
	if (err == 0 && to == ORDER_DONE && row->v[ROW_STEPS]) {
		row->v[ROW_STEPS] = 0;
		err = steps_remove(e->st[SQL_STEPS_REMOVE], row->id, 0);
	}
	return err < 0 ? err : change(e, row, to);
}

/* Not for good: the attempt goes into a table of its own, because the row will describe the next one. */
static int try_again(struct engine *e, const struct store_finish *r, struct row *row, enum order_state to)
{
	int err = attempt_add(
	    e->st[SQL_ATTEMPT_ADD], row, (struct slice){r->outcome.message, r->outcome.message_len});

	if (err < 0)
		return err;
	row->v[ROW_CAUSE] = r->outcome.cause;
	if (to == ORDER_SCHEDULED) {
		row->v[ROW_DUE] = later(e->now_ms, r->delay_ms);
		row->v[ROW_QUEUED] = 0;
	} else {
		row->v[ROW_QUEUED] = e->now_ms;
	}
	return change(e, row, to);
}

int op_finish(struct engine *e, struct store_op *op)
{
	struct store_finish *r = (struct store_finish *)op;
	enum order_event event;
	enum order_state to;
	struct row row;
	int err;

	if (order_end_event(r->next, &event) < 0) {
		op->error = ERR_STATE;
		return 0;
	}
	err = load(e, op, r->id, &row);
	if (err <= 0)
		return err;
	err = 0;
	if (engine_next(&row, event, &to) < 0 || row.v[ROW_ATTEMPT] != r->attempt) {
		op->error = ERR_STATE;
		e->stale++;
	} else {
		end_attempt(e, r, &row);
		if (r->step)
			err = engine_name(e, r->step, &row.v[ROW_STEP]);
		if (err == 0)
			err = order_state_final(to) ? finish(e, r, &row, to) : try_again(e, r, &row, to);
	}
	row_clear(&row);
	return err;
}

/* ---- cancel ---- */

static int cancel(struct engine *e, struct store_cancel *r, struct row *row, enum order_state to)
{
	int err = 0;

	if (order_state_final(row_state(row))) {
		r->what = STORE_CANCEL_FINAL;
	} else if (row->v[ROW_CANCEL] != 0 && to == ORDER_RUNNING) {
		/* Asked for before: who asked first stays known. */
		r->what = STORE_CANCEL_REQUESTED;
	} else {
		row->text[ROW_TEXT_BY] = (struct slice){r->by, r->by ? strlen(r->by) : 0};
		if (r->reason.len > 0)
			row->text[ROW_TEXT_REASON] = r->reason;
		if (to == ORDER_RUNNING) {
			r->what = STORE_CANCEL_REQUESTED;
			row->v[ROW_CANCEL] = 1;
			err = row_update(e->st[SQL_ORDER_SET], row);
		} else {
			r->what = STORE_CANCEL_DONE;
			row->v[ROW_CAUSE] = CAUSE_CANCELLED;
			row->v[ROW_FINISHED] = e->now_ms;
			err = change(e, row, to);
		}
	}
	r->state = row_state(row);
	return err;
}

int op_cancel(struct engine *e, struct store_op *op)
{
	struct store_cancel *r = (struct store_cancel *)op;
	enum order_state to = ORDER_CANCELLED;
	struct row row;
	int why, err = engine_load(e, r->id, &row, &why);

	if (err < 0)
		return err;
	if (err == 0) {
		op->error = why;
		return 0;
	}
	err = 0;
	if (!order_state_final(row_state(&row)))
		err = engine_next(&row, ORDER_EVENT_CANCEL, &to);
	if (err == 0)
		err = cancel(e, r, &row, to);
	row_clear(&row);
	return err;
}

/* ---- promote ---- */

/* The ids first: what a query walks over is not to be changed under it. 0 with *count, or a negative code. */
static int due_ids(struct engine *e, int limit, int64_t *ids, int *count)
{
	sqlite3_stmt *st = e->st[SQL_DUE];
	int err;

	*count = 0;
	sqlite3_bind_int64(st, 1, e->now_ms);
	sqlite3_bind_int64(st, 2, limit);
	while ((err = db_step(st)) > 0)
		ids[(*count)++] = sqlite3_column_int64(st, 0);
	return err;
}

static int promote_one(struct engine *e, int64_t id, int *promoted)
{
	enum order_state to;
	struct row row;
	int why, err = engine_load(e, id, &row, &why);

	if (err <= 0)
		return err;
	err = engine_next(&row, ORDER_EVENT_DUE, &to);
	if (err == 0) {
		row.v[ROW_QUEUED] = e->now_ms;
		err = change(e, &row, to);
	}
	row_clear(&row);
	if (err == 0)
		++*promoted;
	return err;
}

int op_promote(struct engine *e, struct store_op *op)
{
	struct store_promote *r = (struct store_promote *)op;
	int64_t ids[PROMOTE_MAX];
	int count, promoted = 0;
	int err = due_ids(e, r->limit < PROMOTE_MAX ? r->limit : PROMOTE_MAX, ids, &count);

	for (int i = 0; i < count && err == 0; i++)
		err = promote_one(e, ids[i], &promoted);
	if (err < 0)
		return err;
	r->promoted = promoted;
	/* What is due still lies beyond the limit; or it is damaged, and would be due for ever. */
	return engine_next_due(e, promoted > 0 && count == r->limit ? 0 : e->now_ms, &r->next_due_ms);
}
