/*
 * One libevent base, used for what it does well (epoll, its edge-triggered registrations and a precise wait); the timers are our own heap, so that one
 * clock, which tests can set, rules them all.
 *
 * A turn: the hook runs what is ready; due timers run; then libevent waits for as long as nothing is due and nothing is ready, and runs what
 * descriptors bring, the posts of other threads among it (one eventfd).
 */
#include "daemon/loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/loop/timer.h"

enum { TEST_WAIT_MS = 10 };

struct signal_handler {
	void (*on_signal)(const struct signalfd_siginfo *info, void *arg);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct timer_heap timers;
	struct event *alarm; /* ends the wait when the first timer is due */
	bool stopped;
	bool (*hook)(void *arg);
	void *hook_arg;
	int64_t now_ns;
	uint64_t turns;

	int wake_fd;
	struct event *wake;
	pthread_mutex_t lock; /* of posts */
	STAILQ_HEAD(, loop_post) posts;

	int signal_fd;
	sigset_t signals;
	struct event *signal_event;
	struct signal_handler handlers[_NSIG];
};

static void run_posts(struct loop *loop)
{
	STAILQ_HEAD(, loop_post) posts = STAILQ_HEAD_INITIALIZER(posts);
	pthread_mutex_lock(&loop->lock);
	STAILQ_CONCAT(&posts, &loop->posts);
	pthread_mutex_unlock(&loop->lock);
	struct loop_post *p;
	while ((p = STAILQ_FIRST(&posts))) {
		STAILQ_REMOVE_HEAD(&posts, entry);
		p->fn(p);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	uint64_t count;
	/* The counter is only a bell: emptied before the posts are taken, so that a later post rings again. */
	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	run_posts(arg);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
	/* Ending the wait is all that it is for: the next turn runs the timers. */
	(void)fd;
	(void)what;
	(void)arg;
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return -ENOMEM;
	int r = -ENOMEM;
	loop->wake_fd = loop->signal_fd = -1;
	sigemptyset(&loop->signals);
	STAILQ_INIT(&loop->posts);
	pthread_mutex_init(&loop->lock, NULL);

	struct event_config *config = event_config_new();
	if (!config)
		goto failed;
	event_config_require_features(config, EV_FEATURE_ET);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!loop->base)
		goto failed;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		r = -errno;
		goto failed;
	}
	loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	if (!loop->wake || event_add(loop->wake, NULL) < 0)
		goto failed;
	loop->alarm = evtimer_new(loop->base, on_alarm, NULL);
	if (!loop->alarm)
		goto failed;
	loop->now_ns = clock_mono_ns();
	*out = loop;
	return 0;
failed:
	loop_free(loop);
	return r;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_event)
		event_free(loop->signal_event);
	if (loop->alarm)
		event_free(loop->alarm);
	if (loop->wake)
		event_free(loop->wake);
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->base)
		event_base_free(loop->base);
	timer_heap_clear(&loop->timers);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

void loop_set_hook(struct loop *loop, bool (*hook)(void *arg), void *arg)
{
	loop->hook = hook;
	loop->hook_arg = arg;
}

int64_t loop_now_ns(struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_turns(const struct loop *loop)
{
	return loop->turns;
}

/* What is due now, but not what these set anew: a timer that is set to the past again and again must not hold the turn. */
static void run_timers(struct loop *loop)
{
	int64_t now = loop->now_ns;
	uint32_t most = loop->timers.count;
	struct loop_timer *t;
	while (most-- && (t = timer_heap_first(&loop->timers)) && t->due_ns <= now) {
		timer_heap_remove(&loop->timers, t);
		t->on_due(t);
	}
}

/* Makes the wait end ns from now; CLOCK_NEVER: not by time. 0 or -ENOMEM. */
static int set_alarm(struct loop *loop, int64_t ns)
{
	if (ns == CLOCK_NEVER) {
		event_del(loop->alarm);
		return 0;
	}
	/* Up to the next microsecond: a wait that ends before the timer is due would be another turn. */
	int64_t us = (ns + 999) / 1000;
	struct timeval wait = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
	return event_add(loop->alarm, &wait) < 0 ? -ENOMEM : 0;
}

/* Waits for descriptors, no longer than until the next timer. 0, or a negative errno value when the poll itself failed. */
static int poll_descriptors(struct loop *loop, bool ready)
{
	int64_t ns = 0;
	const struct loop_timer *first = timer_heap_first(&loop->timers);
	if (!ready) {
		ns = !first                         ? CLOCK_NEVER
		     : first->due_ns == CLOCK_NEVER ? CLOCK_NEVER
						    : first->due_ns - clock_mono_ns();
		if (clock_is_test() && ns > TEST_WAIT_MS * NS_PER_MS)
			ns = TEST_WAIT_MS * NS_PER_MS;
	}
	if (ns > 0) {
		int r = set_alarm(loop, ns);
		if (r < 0)
			return r;
	}
	errno = 0;
	if (event_base_loop(loop->base, EVLOOP_ONCE | (ns > 0 ? 0 : EVLOOP_NONBLOCK)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int loop_run(struct loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped) {
		loop->turns++;
		loop->now_ns = clock_mono_ns();
		run_timers(loop);
		bool ready = loop->hook && loop->hook(loop->hook_arg);
		if (loop->stopped)
			break;
		int r = poll_descriptors(loop, ready);
		if (r < 0)
			return r;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

/* ---- descriptors ---- */

static void on_descriptor(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	struct loop_fd *w = arg;
	w->on_ready(w, (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0));
}

int loop_fd_add(struct loop *loop, struct loop_fd *w, int fd, void (*on_ready)(struct loop_fd *w, int what))
{
	struct event *e = event_new(
	    loop->base, fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_descriptor, w);
	if (!e)
		return -ENOMEM;
	errno = 0;
	if (event_add(e, NULL) < 0) {
		int r = errno ? -errno : -EIO;
		event_free(e);
		return r;
	}
	*w = (struct loop_fd){.loop = loop, .event = e, .fd = fd, .on_ready = on_ready};
	return 0;
}

void loop_fd_remove(struct loop_fd *w)
{
	if (!w->event)
		return;
	event_free(w->event);
	w->event = NULL;
}

/* ---- timers ---- */

int loop_timer_set(
    struct loop *loop, struct loop_timer *t, int64_t due_ns, void (*on_due)(struct loop_timer *t))
{
	t->on_due = on_due;
	return timer_heap_set(&loop->timers, t, due_ns);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *t)
{
	timer_heap_remove(&loop->timers, t);
}

/* ---- posts ---- */

void loop_post(struct loop *loop, struct loop_post *p, void (*fn)(struct loop_post *p))
{
	p->fn = fn;
	pthread_mutex_lock(&loop->lock);
	bool first = STAILQ_EMPTY(&loop->posts);
	STAILQ_INSERT_TAIL(&loop->posts, p, entry);
	pthread_mutex_unlock(&loop->lock);
	/* Only the first rings: whoever answers takes all. EAGAIN would mean that it rings already. */
	uint64_t one = 1;
	while (first && write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* ---- signals ---- */

static void on_signals(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	struct loop *loop = arg;
	struct signalfd_siginfo info;
	for (;;) {
		ssize_t n = read(fd, &info, sizeof info);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof info)
			return;
		const struct signal_handler *h = info.ssi_signo < _NSIG ? &loop->handlers[info.ssi_signo]
									: NULL;
		if (h && h->on_signal)
			h->on_signal(&info, h->arg);
	}
}

int loop_signal(struct loop *loop, int signo,
    void (*on_signal)(const struct signalfd_siginfo *info, void *arg), void *arg)
{
	if (signo <= 0 || signo >= _NSIG)
		return -EINVAL;
	sigset_t signals = loop->signals;
	sigaddset(&signals, signo);
	int fd = signalfd(loop->signal_fd, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signal_fd = fd;
	if (!loop->signal_event) {
		loop->signal_event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_signals, loop);
		if (!loop->signal_event)
			return -ENOMEM;
		if (event_add(loop->signal_event, NULL) < 0)
			return -EIO;
	}
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, signo);
	int r = pthread_sigmask(SIG_BLOCK, &one, NULL);
	if (r)
		return -r;
	loop->signals = signals;
	loop->handlers[signo] = (struct signal_handler){.on_signal = on_signal, .arg = arg};
	return 0;
}
