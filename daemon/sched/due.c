/*
 * One request to the store at a time; its answer says when to look again.
 */
#include "daemon/sched/due.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/sched/answer.h"
#include "daemon/task/task.h"

#define due_of(member, pointer) ((struct due *)((char *)(pointer)-offsetof(struct due, member)))

static void ask(struct due *d);

int due_init(struct due *d)
{
	*d = (struct due){.next_due_ms = INT64_MAX};
	return loop_timer_reserve(task_loop(), &d->timer);
}

void due_connect(struct due *d, struct store *store)
{
	d->store = store;
}

void due_clear(struct due *d)
{
	loop_timer_release(task_loop(), &d->timer);
	future_remove_callback(&d->answered);
}

static void on_time(struct loop_timer *t)
{
	struct due *d = due_of(timer, t);

	due_set(d, d->next_due_ms);
}

static void sleep_ms(struct due *d, int64_t ms)
{
	loop_timer_set(task_loop(), &d->timer, clock_deadline_ms(ms), on_time);
}

static void on_answer(struct future_callback *cb)
{
	struct due *d = due_of(answered, cb);
	int err = answer_of(&d->request.op);

	d->asking = false;
	if (err < 0) {
		log_warn("due orders not promoted", log_str("error", err_text(err)));
		sleep_ms(d, DUE_TROUBLE_MS);
		return;
	}
	d->promoted += (uint64_t)d->request.promoted;
	if (d->again || d->request.promoted == DUE_PROMOTE_MAX)
		ask(d);
	else
		due_set(d, d->request.next_due_ms);
}

static void ask(struct due *d)
{
	loop_timer_clear(task_loop(), &d->timer);
	d->asking = true;
	d->again = false;
	d->request = (struct store_promote){.limit = DUE_PROMOTE_MAX};
	store_promote(d->store, &d->request);
	future_add_callback(&d->request.op.done, &d->answered, on_answer);
}

void due_set(struct due *d, int64_t next_due_ms)
{
	int64_t wait_ms;

	d->next_due_ms = next_due_ms;
	if (d->asking)
		return;
	if (next_due_ms == INT64_MAX) {
		loop_timer_clear(task_loop(), &d->timer);
		return;
	}
	wait_ms = next_due_ms - clock_wall_ms();
	if (wait_ms <= 0)
		ask(d);
	else
		sleep_ms(d, wait_ms < DUE_LOOK_MS ? wait_ms : DUE_LOOK_MS);
}

void due_poke(struct due *d)
{
	if (d->asking)
		d->again = true;
	else
		ask(d);
}
