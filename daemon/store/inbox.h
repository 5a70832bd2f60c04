/*
 * An inbox: requests handed from the loop's thread to one serving thread, any number at once for one lock, and one wake only when it sleeps.
 */
#ifndef BAKERY_STORE_INBOX_H
#define BAKERY_STORE_INBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "daemon/store/batch.h"

struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct store_ops ops;
	bool sleeping, closed;
};

void inbox_init(struct inbox *in);
void inbox_clear(struct inbox *in);

/* Moves all requests from *ops to the end of the inbox. */
void inbox_put(struct inbox *in, struct store_ops *ops);
/* No more will come: the server ends when it has served what is there. */
void inbox_close(struct inbox *in);
/* Waits until there is something, and moves all of it to *ops (empty before). False when the inbox is closed and empty. */
bool inbox_take(struct inbox *in, struct store_ops *ops);

#endif
