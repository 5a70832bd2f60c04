/*
 * One lock for what the threads and the loop share: the line, and the calls that have returned. Those come back by an eventfd of the executor's
 * own and not by loop_post(), so that executor_free() can hand back the last of them itself: nothing is left in a loop that runs no more.
 */
#include "daemon/task/executor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/err.h"
#include "daemon/task/runtime.h"

/*
 * getaddrinfo(3) is the hungriest: the C library takes up to 64 KiB at once on the stack, never more than a quarter of it, and name services that
 * administrators install come on top. scrypt has its memory from the heap. Pages that nobody touches cost nothing.
 */
enum { THREAD_STACK_BYTES = 256 << 10 };

STAILQ_HEAD(calls, executor_call);

struct executor {
	char name[16];
	size_t line_most;
	int threads_most, threads;
	struct loop_fd watch; /* the eventfd */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	struct calls line, returned;
	size_t line_count;
	int busy;
	uint64_t begun;
	bool ended;

	pthread_t ids[]; /* the loop's again */
};

/* ---- in the threads ---- */

/* Cannot fail: the counter would have to overflow first. */
static void tell_loop(struct executor *e)
{
	const uint64_t one = 1;
	while (write(e->watch.fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* With the lock held, which is free while fn runs. */
static void run_first(struct executor *e)
{
	struct executor_call *c = STAILQ_FIRST(&e->line);
	STAILQ_REMOVE_HEAD(&e->line, entry);
	e->line_count--;
	e->busy++;
	e->begun++;
	c->where = EXECUTOR_BEGUN;
	pthread_mutex_unlock(&e->lock);
	c->result = c->fn(c->arg);
	pthread_mutex_lock(&e->lock);
	e->busy--;
	bool tell = STAILQ_EMPTY(&e->returned);
	STAILQ_INSERT_TAIL(&e->returned, c, entry);
	if (tell)
		tell_loop(e);
}

static void *run(void *arg)
{
	struct executor *e = arg;
	pthread_setname_np(pthread_self(), e->name);
	pthread_mutex_lock(&e->lock);
	while (!e->ended) {
		if (STAILQ_EMPTY(&e->line))
			pthread_cond_wait(&e->work, &e->lock);
		else
			run_first(e);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- on the loop's thread ---- */

/* Whoever waits runs in a later turn, so c is there until we return; given_up ends it. */
static void finish(struct executor_call *c)
{
	future_set_result(&c->done, NULL);
	if (c->given_up)
		c->given_up(c);
}

static void finish_returned(struct executor *e)
{
	struct calls returned = STAILQ_HEAD_INITIALIZER(returned);
	pthread_mutex_lock(&e->lock);
	STAILQ_CONCAT(&returned, &e->returned);
	pthread_mutex_unlock(&e->lock);
	struct executor_call *c;
	while ((c = STAILQ_FIRST(&returned))) {
		STAILQ_REMOVE_HEAD(&returned, entry);
		finish(c);
	}
}

/* Edge-triggered: every write is an event of its own, and the eventfd need not be read. */
static void on_returned(struct loop_fd *watch, int what)
{
	if (what & LOOP_READ)
		finish_returned(task_container(watch, struct executor, watch));
}

int executor_new(const char *name, int threads_most, size_t line_most, struct executor **out)
{
	assert(threads_most > 0);
	struct executor *e = calloc(1, sizeof *e + (size_t)threads_most * sizeof e->ids[0]);
	if (!e)
		return -ENOMEM;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = fd < 0 ? -errno : loop_fd_add(task_loop(), &e->watch, fd, on_returned);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		free(e);
		return r;
	}
	snprintf(e->name, sizeof e->name, "%s", name);
	e->threads_most = threads_most;
	e->line_most = line_most;
	STAILQ_INIT(&e->line);
	STAILQ_INIT(&e->returned);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	*out = e;
	return 0;
}

static void end_threads(struct executor *e)
{
	pthread_mutex_lock(&e->lock);
	e->ended = true;
	pthread_cond_broadcast(&e->work);
	pthread_mutex_unlock(&e->lock);
	for (int i = 0; i < e->threads; i++)
		pthread_join(e->ids[i], NULL);
}

static struct executor_call *first_in_line(struct executor *e)
{
	pthread_mutex_lock(&e->lock);
	struct executor_call *c = STAILQ_FIRST(&e->line);
	pthread_mutex_unlock(&e->lock);
	return c;
}

void executor_free(struct executor *e)
{
	if (!e)
		return;
	struct executor_call *c;
	while ((c = first_in_line(e)))
		executor_cancel(c); /* or a thread has just taken it */
	end_threads(e);
	finish_returned(e);
	loop_fd_remove(&e->watch);
	close(e->watch.fd);
	pthread_cond_destroy(&e->work);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static int start_thread(struct executor *e)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&e->ids[e->threads], &attr, run, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r == 0)
		e->threads++;
	return -r;
}

int executor_start(struct executor *e, struct executor_call *c, int (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&e->lock);
	size_t open = e->line_count + (size_t)e->busy;
	pthread_mutex_unlock(&e->lock);
	/* What threads have yet to take is counted as theirs: how many calls are accepted does not depend on how fast they wake. */
	if (open >= e->line_most + (size_t)e->threads_most)
		return -EAGAIN;
	if (open >= (size_t)e->threads && e->threads < e->threads_most) {
		int r = start_thread(e);
		if (r < 0 && e->threads == 0)
			return r;
	}
	*c = (struct executor_call){.executor = e, .fn = fn, .arg = arg, .where = EXECUTOR_IN_LINE};
	future_init(&c->done, e->name);
	pthread_mutex_lock(&e->lock);
	STAILQ_INSERT_TAIL(&e->line, c, entry);
	e->line_count++;
	pthread_cond_signal(&e->work);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

bool executor_cancel(struct executor_call *c)
{
	/* Also the executor may be gone then. */
	if (future_is_final(&c->done))
		return false;
	struct executor *e = c->executor;
	pthread_mutex_lock(&e->lock);
	bool waits = c->where == EXECUTOR_IN_LINE;
	if (waits) {
		STAILQ_REMOVE(&e->line, c, executor_call, entry);
		e->line_count--;
	}
	pthread_mutex_unlock(&e->lock);
	if (waits)
		future_cancel(&c->done);
	return waits;
}

void executor_stats_get(struct executor *e, struct executor_stats *out)
{
	pthread_mutex_lock(&e->lock);
	*out = (struct executor_stats){
	    .threads = e->threads, .busy = e->busy, .line = e->line_count, .calls = e->begun};
	pthread_mutex_unlock(&e->lock);
}

/* ---- a task that waits for a call ---- */

/* A call that can outlive the task that made it. */
struct lent {
	struct executor_call call;
	void (*discard)(void *arg);
};

static void discard_lent(struct executor_call *c)
{
	struct lent *l = task_container(c, struct lent, call);
	l->discard(c->arg);
	free(l);
}

int await_executor(
    struct executor *e, int (*fn)(void *arg), void *arg, void (*discard)(void *arg), int64_t deadline_ns)
{
	/* Nothing begins for who would not wait for it. */
	int r = wait_begin();
	if (r == 0 && deadline_ns <= loop_now_ns(runtime.loop))
		r = ERR_TIMEOUT;
	if (r < 0) {
		discard(arg);
		return r;
	}
	struct lent *l = malloc(sizeof *l);
	if (!l)
		return -ENOMEM;
	r = executor_start(e, &l->call, fn, arg);
	if (r < 0) {
		free(l);
		return r;
	}
	l->discard = discard;
	r = await_future(&l->call.done, deadline_ns);
	if (r == 0) {
		r = l->call.result;
		assert(r != ERR_CANCELLED && r != ERR_TIMEOUT && "who reads these discards nothing");
		free(l);
	} else if (future_is_final(&l->call.done) || executor_cancel(&l->call)) {
		discard_lent(&l->call);
	} else {
		l->call.given_up = discard_lent;
	}
	return r;
}
