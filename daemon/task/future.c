#include "daemon/task/future.h"

#include <assert.h>

#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

void future_init(struct future *f, const char *name)
{
	*f = (struct future){.state = FUTURE_PENDING, .name = name};
	TAILQ_INIT(&f->waits);
	STAILQ_INIT(&f->callbacks);
}

static void run_callback(struct ready *r)
{
	struct future_callback *cb = task_container(r, struct future_callback, ready);
	/* Its storage may end with fn. */
	cb->where = CALLBACK_IDLE;
	cb->fn(cb);
}

static void queue_callback(struct future_callback *cb)
{
	cb->where = CALLBACK_READY;
	ready_add(&cb->ready, run_callback);
}

static int make_final(struct future *f, enum future_state state, void *value, int error)
{
	if (f->state != FUTURE_PENDING)
		return ERR_STATE;
	f->state = state;
	f->value = value;
	f->error = error;
	task_wake_all(&f->waits, 0);
	struct future_callback *cb;
	while ((cb = STAILQ_FIRST(&f->callbacks))) {
		STAILQ_REMOVE_HEAD(&f->callbacks, entry);
		queue_callback(cb);
	}
	return 0;
}

int future_set_result(struct future *f, void *value)
{
	return make_final(f, FUTURE_RESULT, value, 0);
}

int future_set_error(struct future *f, int error)
{
	assert(error < 0);
	return make_final(f, FUTURE_ERROR, NULL, error);
}

int future_cancel(struct future *f)
{
	return make_final(f, FUTURE_CANCELLED, NULL, 0);
}

int future_get(const struct future *f, void **value)
{
	switch (f->state) {
	case FUTURE_PENDING:
		return ERR_PENDING;
	case FUTURE_ERROR:
		return f->error;
	case FUTURE_CANCELLED:
		return ERR_CANCELLED;
	case FUTURE_RESULT:
		break;
	}
	*value = f->value;
	return 0;
}

void future_add_callback(struct future *f, struct future_callback *cb, void (*fn)(struct future_callback *cb))
{
	*cb = (struct future_callback){.future = f, .fn = fn};
	if (future_is_final(f)) {
		queue_callback(cb);
	} else {
		cb->where = CALLBACK_WAITING;
		STAILQ_INSERT_TAIL(&f->callbacks, cb, entry);
	}
}

void future_remove_callback(struct future_callback *cb)
{
	if (cb->where == CALLBACK_WAITING)
		STAILQ_REMOVE(&cb->future->callbacks, cb, future_callback, entry);
	else if (cb->where == CALLBACK_READY)
		ready_remove(&cb->ready);
	cb->where = CALLBACK_IDLE;
}
