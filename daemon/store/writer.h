/*
 * The writer: a thread that takes all requests that are pending, has the engine apply them in one transaction, and posts the batch when it is on the disk.
 * While that commit is on its way, the next batch gathers: group commit without a timer. Between commits it copies the WAL back into the database, and opens
 * the store again after a commit that failed.
 */
#ifndef BAKERY_STORE_WRITER_H
#define BAKERY_STORE_WRITER_H

#include <pthread.h>
#include <stdint.h>

#include "daemon/store/engine.h"
#include "daemon/store/inbox.h"
#include "daemon/store/mailbox.h"

struct writer_stats {
	uint64_t seq, commits, ops, stale_finishes, storage_errors;
	uint64_t commit_ops[16], commit_us[24]; /* by power of two */
};

struct writer {
	struct engine engine;
	struct inbox inbox;
	struct mailbox *mailbox;
	pthread_t thread;
	pthread_mutex_t lock; /* of stats */
	struct writer_stats stats;
};

/* engine must be open. 0 or a negative errno value: then the engine is still the caller's. */
int writer_start(struct writer *w, struct mailbox *mailbox);
/* Serves what is in the inbox, ends the thread, checkpoints and closes the engine. */
void writer_stop(struct writer *w);
void writer_stats_get(struct writer *w, struct writer_stats *out);

#endif
