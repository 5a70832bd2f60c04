/*
 * The reader: a thread that serves reads on a connection of its own, so that they wait for no commit and no commit waits for them.
 */
#ifndef BAKERY_STORE_READER_H
#define BAKERY_STORE_READER_H

#include <pthread.h>

#include "daemon/store/inbox.h"
#include "daemon/store/mailbox.h"
#include "daemon/store/reads.h"

struct reader {
	struct reads reads;
	struct inbox inbox;
	struct mailbox *mailbox;
	pthread_t thread;
};

/* reads must be open. 0 or a negative errno value: then reads is still the caller's. */
int reader_start(struct reader *r, struct mailbox *mailbox);
/* Serves what is in the inbox, ends the thread, closes reads. */
void reader_stop(struct reader *r);

#endif
