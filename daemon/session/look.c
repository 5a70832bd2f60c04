#include "daemon/session/look.h"

#include <string.h>

#include "daemon/base/err.h"
#include "daemon/order/order.h"
#include "daemon/sched/sched.h"

bool look_may_see(const struct user *user, enum right right, const char *owner)
{
	enum reach reach = rights_reach(&user->rights, right);
	return reach == REACH_ALL || (reach == REACH_OWN && user->name == owner);
}

int look_error(const struct user *user, int error)
{
	bool hidden = error == ERR_GONE && rights_reach(&user->rights, RIGHT_READ) != REACH_ALL;
	return hidden ? ERR_NOTFOUND : error;
}

int await_look(struct sessions *all, const struct user *user, int64_t id, struct store_order *out)
{
	struct store_get get = {.id = id};
	store_get(all->store, &get);
	int r = await_future_shielded(&get.op.done);
	if (r < 0)
		return look_error(user, r);
	if (!look_may_see(user, RIGHT_READ, get.order.user)) {
		store_order_clear(&get.order);
		return ERR_NOTFOUND;
	}
	*out = get.order;
	return 0;
}

/* ---- the map ---- */

static int text_or_null(struct reply_writer *w, const char *text)
{
	return text && *text ? reply_text(w, text) : reply_null(w);
}

static int int_or_null(struct reply_writer *w, bool there, int64_t value)
{
	return there ? reply_int(w, value) : reply_null(w);
}

const char *look_first_pool(const struct conf_recipe *recipe)
{
	const struct conf_step *first = &recipe->steps[0];
	return conf_step_is_heavy(first) ? first->pool : NULL;
}

/* What the fields are made of. */
struct shown {
	const struct store_order *o;
	const struct conf_recipe *recipe; /* NULL: not in the configuration any more */
	bool is_doing;                    /* else nothing is known of what it does now */
	struct sched_doing doing;
};

static int retries(const struct shown *s)
{
	return s->o->retries >= 0 ? s->o->retries : s->recipe ? s->recipe->retries : 0;
}

static int retries_left(const struct shown *s)
{
	if (order_state_final(s->o->state) || retries(s) <= s->o->charged)
		return 0;
	return retries(s) - s->o->charged;
}

static const char *pool(const struct shown *s)
{
	if (s->is_doing)
		return s->doing.pool;
	return s->recipe ? look_first_pool(s->recipe) : NULL;
}

/* One function for each field. */
#define FIELD(field, expression)                                               \
	static int show_##field(struct reply_writer *w, const struct shown *s) \
	{                                                                      \
		const struct store_order *o = s->o;                            \
		(void)o;                                                       \
		return expression;                                             \
	}
FIELD(id, reply_id(w, o->id))
FIELD(recipe, reply_text(w, o->recipe))
FIELD(state, reply_text(w, order_state_word(o->state)))
FIELD(attempt, reply_int(w, o->attempt))
FIELD(retries, int_or_null(w, o->retries >= 0 || s->recipe, retries(s)))
FIELD(retries_left, reply_int(w, retries_left(s)))
FIELD(priority, reply_int(w, o->priority))
FIELD(created, reply_int(w, o->created_ms))
FIELD(due, int_or_null(w, o->state == ORDER_SCHEDULED, o->due_ms))
FIELD(queued, int_or_null(w, o->queued_ms > 0, o->queued_ms))
FIELD(started, int_or_null(w, o->started_ms > 0, o->started_ms))
FIELD(finished, int_or_null(w, o->finished_ms > 0, o->finished_ms))
FIELD(step, text_or_null(w, s->is_doing ? s->doing.step : o->step))
FIELD(waits_for, text_or_null(w, s->is_doing ? s->doing.waits_for : NULL))
FIELD(pool, text_or_null(w, pool(s)))
FIELD(cause, text_or_null(w, o->cause == CAUSE_NONE ? NULL : order_cause_word(o->cause)))
FIELD(exit, int_or_null(w, o->exit >= 0, o->exit))
FIELD(signal, int_or_null(w, o->signal > 0, o->signal))
FIELD(message, o->message ? reply_bulk(w, o->message, o->message_len) : reply_null(w))
FIELD(result_bytes, int_or_null(w, o->has_result, (int64_t)o->result_bytes))
FIELD(result_cut, reply_bool(w, o->result_cut))
FIELD(key, text_or_null(w, o->key))
FIELD(seq, reply_id(w, (int64_t)o->seq))
FIELD(user, reply_text(w, o->user))
FIELD(by, text_or_null(w, o->by))
FIELD(reason, text_or_null(w, o->reason))
#undef FIELD

static const struct {
	const char *name;
	int (*show)(struct reply_writer *w, const struct shown *s);
} fields[] = {
    {"id", show_id},
    {"recipe", show_recipe},
    {"state", show_state},
    {"attempt", show_attempt},
    {"retries", show_retries},
    {"retries_left", show_retries_left},
    {"priority", show_priority},
    {"created", show_created},
    {"due", show_due},
    {"queued", show_queued},
    {"started", show_started},
    {"finished", show_finished},
    {"step", show_step},
    {"waits_for", show_waits_for},
    {"pool", show_pool},
    {"cause", show_cause},
    {"exit", show_exit},
    {"signal", show_signal},
    {"message", show_message},
    {"result_bytes", show_result_bytes},
    {"result_cut", show_result_cut},
    {"key", show_key},
    {"seq", show_seq},
    {"user", show_user},
    {"by", show_by},
    {"reason", show_reason},
};

int look_reply(const struct sessions *all, const struct store_order *order, struct reply_writer *w)
{
	struct shown s = {.o = order};
	s.recipe = conf_recipe_find(all->conf, order->recipe, strlen(order->recipe));
	/* What the store has read may be older than what the scheduler knows, or newer: both are asked. */
	s.is_doing = order->state == ORDER_RUNNING && sched_doing(all->sched, order->id, &s.doing);
	int r = reply_map(w, sizeof fields / sizeof *fields);
	for (size_t i = 0; r == 0 && i < sizeof fields / sizeof *fields; i++) {
		r = reply_text(w, fields[i].name);
		if (r == 0)
			r = fields[i].show(w, &s);
	}
	return r;
}
