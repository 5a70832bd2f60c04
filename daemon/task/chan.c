/*
 * Who sends waits only while nobody waits to receive and no slot is free; who receives, only while there is
 * no value and nobody waits to send. Whoever comes to the other's aid finishes the other's wait for it: the
 * value has changed hands by then, so a cancel that comes later loses nothing.
 */
#include "daemon/task/chan.h"

#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

/* On the stack of who waits: what it sends, or where the other puts what it receives. */
struct place {
	struct future_wait wait;
	void *value;
};

static struct place *first_of(struct future_waits *line)
{
	struct future_wait *w = TAILQ_FIRST(line);
	return w ? task_container(w, struct place, wait) : NULL;
}

static void put(struct chan *c, void *value)
{
	c->slots[(c->first + c->count++) % c->size] = value;
}

static void *take(struct chan *c)
{
	void *value = c->slots[c->first];
	c->first = (c->first + 1) % c->size;
	c->count--;
	return value;
}

void chan_init(struct chan *c, void **slots, size_t size)
{
	*c = (struct chan){.slots = slots, .size = size};
	TAILQ_INIT(&c->senders);
	TAILQ_INIT(&c->receivers);
}

int await_chan_send(struct chan *c, void *value, int64_t deadline_ns)
{
	struct place *receiver = first_of(&c->receivers);
	if (!receiver && !c->closed && c->count == c->size) {
		struct place p = {.value = value};
		return await_in_place(&c->senders, &p.wait, NULL, "room in a channel", deadline_ns);
	}
	int r = wait_begin();
	if (r < 0)
		return r;
	if (c->closed)
		return ERR_CLOSED;
	if (receiver) {
		receiver->value = value;
		task_wake_first(&c->receivers, 0);
	} else {
		put(c, value);
	}
	return 0;
}

int await_chan_receive(struct chan *c, void **value, int64_t deadline_ns)
{
	struct place *sender = first_of(&c->senders);
	if (!sender && !c->closed && c->count == 0) {
		struct place p = {.value = NULL};
		int r = await_in_place(&c->receivers, &p.wait, NULL, "a value from a channel", deadline_ns);
		if (r == 0)
			*value = p.value;
		return r;
	}
	int r = wait_begin();
	if (r < 0)
		return r;
	if (c->count == 0 && !sender)
		return ERR_CLOSED;
	*value = c->count > 0 ? take(c) : sender->value;
	if (sender && c->size > 0)
		put(c, sender->value);
	task_wake_first(&c->senders, 0);
	return 0;
}

void chan_close(struct chan *c)
{
	c->closed = true;
	task_wake_all(&c->senders, ERR_CLOSED);
	task_wake_all(&c->receivers, ERR_CLOSED);
}
