#include "daemon/store/reader.h"

#include <signal.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

/* A view is given up after so long: the WAL cannot begin anew while there is one. */
#define VIEW_NS (2 * NS_PER_MS)

/* Moves requests to b and serves them in one view, until time is up. */
static void serve(struct reader *r, struct store_ops *pending, struct batch *b)
{
	int64_t until_ns = clock_mono_ns() + VIEW_NS;
	int err = reads_begin(&r->reads);
	struct store_op *op;

	do {
		op = STAILQ_FIRST(pending);
		STAILQ_REMOVE_HEAD(pending, entry);
		if (err == 0)
			reads_serve(&r->reads, op);
		else
			op->error = ERR_STORAGE;
		STAILQ_INSERT_TAIL(&b->ops, op, entry);
	} while (!STAILQ_EMPTY(pending) && clock_mono_ns() < until_ns);
	reads_end(&r->reads);
}

static void *run(void *arg)
{
	struct reader *r = arg;
	struct store_ops pending = STAILQ_HEAD_INITIALIZER(pending);

	while (inbox_take(&r->inbox, &pending)) {
		while (!STAILQ_EMPTY(&pending)) {
			struct batch *b;

			/* The requests must be answered: when there is no memory even for that, when there is some. */
			while (!(b = batch_new()))
				sched_yield();
			serve(r, &pending, b);
			mailbox_post(r->mailbox, b);
		}
	}
	return NULL;
}

int reader_start(struct reader *r, struct mailbox *mailbox)
{
	sigset_t all, before;
	int err;

	r->mailbox = mailbox;
	inbox_init(&r->inbox);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0)
		inbox_clear(&r->inbox);
	return -err;
}

void reader_stop(struct reader *r)
{
	inbox_close(&r->inbox);
	pthread_join(r->thread, NULL);
	reads_close(&r->reads);
	inbox_clear(&r->inbox);
}
