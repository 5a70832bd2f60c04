/*
 * The mailbox: what the serving threads hand back to the loop's thread. Any number of batches that come while the loop is busy cost one wake.
 */
#ifndef BAKERY_STORE_MAILBOX_H
#define BAKERY_STORE_MAILBOX_H

#include <pthread.h>

#include "daemon/loop/loop.h"
#include "daemon/store/batch.h"

STAILQ_HEAD(batches, batch);

struct mailbox {
	struct loop_fd watch; /* an eventfd */
	pthread_mutex_t lock;
	struct batches batches;
	void (*deliver)(struct mailbox *m, struct batch *b); /* on the loop's thread; takes the batch */
};

/* 0 or a negative errno value. */
int mailbox_init(struct mailbox *m, struct loop *loop, void (*deliver)(struct mailbox *m, struct batch *b));
/* Delivers what is there and closes. Nobody may post any more. */
void mailbox_clear(struct mailbox *m);
/* Any thread. */
void mailbox_post(struct mailbox *m, struct batch *b);

#endif
