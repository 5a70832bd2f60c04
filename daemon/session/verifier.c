#include "daemon/session/verifier.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/base/err.h"
#include "daemon/net/password.h"

enum { WAITING_MOST = 32 };

struct verifier {
	struct loop *loop;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	STAILQ_HEAD(, verification) waiting;
	size_t count;
	bool stopped, ended;
};

/* On the loop's thread. */
static void on_verified(struct loop_post *p)
{
	struct verification *job = (struct verification *)((char *)p - offsetof(struct verification, post));
	if (job->verdict == ERR_CANCELLED)
		future_cancel(&job->done);
	else
		future_set_result(&job->done, NULL);
}

static void *run(void *arg)
{
	struct verifier *v = arg;
	pthread_mutex_lock(&v->lock);
	while (!v->ended) {
		struct verification *job = STAILQ_FIRST(&v->waiting);
		if (!job) {
			pthread_cond_wait(&v->work, &v->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&v->waiting, entry);
		v->count--;
		bool stopped = v->stopped;
		pthread_mutex_unlock(&v->lock);
		job->verdict = stopped ? ERR_CANCELLED : password_verify(job->password, job->len, job->hash);
		loop_post(v->loop, &job->post, on_verified);
		pthread_mutex_lock(&v->lock);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

int verifier_new(struct loop *loop, struct verifier **out)
{
	struct verifier *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->loop = loop;
	STAILQ_INIT(&v->waiting);
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->work, NULL);
	int r = pthread_create(&v->thread, NULL, run, v);
	if (r != 0) {
		pthread_cond_destroy(&v->work);
		pthread_mutex_destroy(&v->lock);
		free(v);
		return -r;
	}
	*out = v;
	return 0;
}

static void set_flag(struct verifier *v, bool *flag)
{
	pthread_mutex_lock(&v->lock);
	*flag = true;
	pthread_cond_signal(&v->work);
	pthread_mutex_unlock(&v->lock);
}

void verifier_stop(struct verifier *v)
{
	set_flag(v, &v->stopped);
}

void verifier_free(struct verifier *v)
{
	if (!v)
		return;
	set_flag(v, &v->ended);
	pthread_join(v->thread, NULL);
	pthread_cond_destroy(&v->work);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

int verifier_submit(struct verifier *v, struct verification *job)
{
	int r = -EAGAIN;
	pthread_mutex_lock(&v->lock);
	if (v->count < WAITING_MOST) {
		job->verdict = ERR_PENDING;
		future_init(&job->done, "a password's verification");
		STAILQ_INSERT_TAIL(&v->waiting, job, entry);
		v->count++;
		pthread_cond_signal(&v->work);
		r = 0;
	}
	pthread_mutex_unlock(&v->lock);
	return r;
}
