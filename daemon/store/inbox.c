#include "daemon/store/inbox.h"

void inbox_init(struct inbox *in)
{
	*in = (struct inbox){.sleeping = false};
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->changed, NULL);
	STAILQ_INIT(&in->ops);
}

void inbox_clear(struct inbox *in)
{
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->changed);
}

void inbox_put(struct inbox *in, struct store_ops *ops)
{
	bool wake;

	pthread_mutex_lock(&in->lock);
	STAILQ_CONCAT(&in->ops, ops);
	wake = in->sleeping;
	in->sleeping = false;
	pthread_mutex_unlock(&in->lock);
	/* After the lock is free, so that whoever wakes does not wait for it. */
	if (wake)
		pthread_cond_signal(&in->changed);
}

void inbox_close(struct inbox *in)
{
	pthread_mutex_lock(&in->lock);
	in->closed = true;
	pthread_mutex_unlock(&in->lock);
	pthread_cond_signal(&in->changed);
}

bool inbox_take(struct inbox *in, struct store_ops *ops)
{
	pthread_mutex_lock(&in->lock);
	while (STAILQ_EMPTY(&in->ops) && !in->closed) {
		in->sleeping = true;
		pthread_cond_wait(&in->changed, &in->lock);
	}
	in->sleeping = false;
	STAILQ_CONCAT(ops, &in->ops);
	pthread_mutex_unlock(&in->lock);
	return !STAILQ_EMPTY(ops);
}
