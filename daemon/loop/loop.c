/*
 * libevent as our clockwork: it looks after epoll(7), one persistent edge-triggered event for each
 * descriptor. Timers are ours: a heap over clock_mono_ns(), so that a test's clock moves them, behind one
 * timerfd that is set again only when the earliest deadline comes before what it is set to. So most turns
 * cost one system call.
 */
#include "daemon/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/loop/timer.h"
#include "daemon/loop/watch.h"

/* With a test's clock, timers are looked at this often. */
#define TEST_POLL_NS (10 * NS_PER_MS)

/* So many descriptors are told of in one turn; the rest is first in the next, after timers and tasks. */
enum { TOLD_MOST = 256 };

struct loop {
	struct event_base *base;
	bool (*hook)(void *arg);
	void *hook_arg;
	bool stop;
	uint64_t turns;
	int64_t now_ns; /* 0: not asked since the last wait */
	unsigned told;  /* descriptors in this turn */

	struct loop_watches watches;

	struct timer_heap timers;
	struct loop_fd timer_watch;
	int64_t armed_ns; /* what the timerfd is set to; CLOCK_NEVER: nothing */

	/* What other threads have posted, the last first. */
	struct loop_post *_Atomic posts;
	struct loop_fd post_watch;

	struct loop_fd signal_watch;
	sigset_t signals;
	struct {
		void (*fn)(const struct signalfd_siginfo *info, void *arg);
		void *arg;
	} handlers[_NSIG];
};

/* ---- descriptors ---- */

static void fd_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	struct loop_fd *w = arg;
	/* What libevent has not called yet stays in its line, which is first in, first out. */
	if (++w->loop->told == TOLD_MOST)
		event_base_loopbreak(w->loop->base);
	w->on_ready(w, (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0));
}

int loop_fd_add(struct loop *loop, struct loop_fd *w, int fd, void (*on_ready)(struct loop_fd *w, int what))
{
	struct event *event = event_new(loop->base, fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, fd_event, w);
	if (!event)
		return -ENOMEM;
	errno = 0;
	if (event_add(event, NULL) < 0) {
		int e = errno;
		event_free(event);
		return e ? -e : -ENOMEM;
	}
	*w = (struct loop_fd){.loop = loop, .event = event, .fd = fd, .on_ready = on_ready};
	return 0;
}

void loop_fd_remove(struct loop_fd *w)
{
	if (w->event)
		event_free(w->event);
	w->event = NULL;
}

/* ---- timers ---- */

int loop_timer_reserve(struct loop *loop, struct loop_timer *t)
{
	return timer_heap_reserve(&loop->timers, t);
}

void loop_timer_release(struct loop *loop, struct loop_timer *t)
{
	timer_heap_release(&loop->timers, t);
}

int loop_timer_set(
    struct loop *loop, struct loop_timer *t, int64_t due_ns, void (*on_due)(struct loop_timer *t))
{
	int r = timer_heap_set(&loop->timers, t, due_ns);
	if (r == 0)
		t->on_due = on_due;
	return r;
}

void loop_timer_clear(struct loop *loop, struct loop_timer *t)
{
	timer_heap_remove(&loop->timers, t);
}

/* The timerfd has gone off. Edge-triggered: it need not be read. The next turn runs what is due. */
static void timer_ready(struct loop_fd *w, int what)
{
	(void)what;
	w->loop->armed_ns = CLOCK_NEVER;
}

static void run_timers(struct loop *loop)
{
	int64_t now = loop_now_ns(loop);
	struct loop_timer *t;
	/* A callback may set timers that are due at once: as many as there were at first is enough for one
	 * turn. */
	for (uint32_t n = loop->timers.count; n > 0; n--) {
		t = timer_heap_first(&loop->timers);
		if (!t || t->due_ns > now)
			break;
		timer_heap_remove(&loop->timers, t);
		t->on_due(t);
	}
}

/* Makes the kernel wake us for the earliest deadline. False when that is now. */
static bool arm_timer(struct loop *loop)
{
	struct loop_timer *first = timer_heap_first(&loop->timers);
	if (!first || first->due_ns == CLOCK_NEVER)
		return true;
	int64_t now = loop->now_ns, due = first->due_ns;
	if (due <= now)
		return false;
	struct itimerspec when = {0};
	int flags = 0;
	if (clock_is_test()) {
		/* The test's clock may jump at any time: look often, by the kernel's own. */
		int64_t rest = due - now < TEST_POLL_NS ? due - now : TEST_POLL_NS;
		when.it_value.tv_nsec = rest;
	} else {
		/* A later deadline than before is left: the wake-up that comes too early sets the next. */
		if (due >= loop->armed_ns)
			return true;
		flags = TFD_TIMER_ABSTIME;
		when.it_value.tv_sec = due / NS_PER_S;
		when.it_value.tv_nsec = due % NS_PER_S;
	}
	/* Fails for a bad argument only. */
	int r = timerfd_settime(loop->timer_watch.fd, flags, &when, NULL);
	assert(r == 0);
	(void)r;
	loop->armed_ns = due;
	return true;
}

/* ---- posts ---- */

void loop_post(struct loop *loop, struct loop_post *p, void (*fn)(struct loop_post *p))
{
	p->fn = fn;
	/* Once it is in the list, p and, when p ends the program, the loop are not ours any more: the number
	 * is read before. */
	int wake = loop->post_watch.fd;
	struct loop_post *first = atomic_load_explicit(&loop->posts, memory_order_relaxed);
	do {
		p->entry.stqe_next = first;
	} while (!atomic_compare_exchange_weak_explicit(
	    &loop->posts, &first, p, memory_order_release, memory_order_relaxed));
	if (!first) {
		uint64_t one = 1;
		ssize_t n;
		do {
			n = write(wake, &one, sizeof one);
		} while (n < 0 && errno == EINTR);
	}
}

/* Edge-triggered: each write is an event of its own, and the eventfd need not be read. */
static void posts_ready(struct loop_fd *w, int what)
{
	(void)what;
	struct loop_post *last = atomic_exchange_explicit(&w->loop->posts, NULL, memory_order_acquire);
	struct loop_post *first = NULL;
	while (last) {
		struct loop_post *before = last->entry.stqe_next;
		last->entry.stqe_next = first;
		first = last;
		last = before;
	}
	while (first) {
		struct loop_post *p = first;
		first = p->entry.stqe_next;
		p->fn(p);
	}
}

/* ---- signals ---- */

static void signals_ready(struct loop_fd *w, int what)
{
	(void)what;
	struct loop *loop = w->loop;
	struct signalfd_siginfo info;
	for (;;) {
		ssize_t n = read(w->fd, &info, sizeof info);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof info)
			return;
		if (info.ssi_signo < _NSIG && loop->handlers[info.ssi_signo].fn)
			loop->handlers[info.ssi_signo].fn(&info, loop->handlers[info.ssi_signo].arg);
	}
}

int loop_signal(struct loop *loop, int signo,
    void (*on_signal)(const struct signalfd_siginfo *info, void *arg), void *arg)
{
	sigset_t wanted = loop->signals, one;
	if (sigaddset(&wanted, signo) < 0)
		return -errno;
	sigemptyset(&one);
	sigaddset(&one, signo);
	int r = pthread_sigmask(SIG_BLOCK, &one, NULL);
	if (r != 0)
		return -r;
	bool is_new = loop->signal_watch.event == NULL;
	int fd = signalfd(is_new ? -1 : loop->signal_watch.fd, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (is_new) {
		r = loop_fd_add(loop, &loop->signal_watch, fd, signals_ready);
		if (r < 0) {
			close(fd);
			return r;
		}
	}
	loop->signals = wanted;
	loop->handlers[signo].fn = on_signal;
	loop->handlers[signo].arg = arg;
	return 0;
}

/* ---- the loop ---- */

/* Takes fd: it is closed with the loop, or at once when it cannot be watched. */
static int watch_own(
    struct loop *loop, struct loop_fd *w, int fd, void (*on_ready)(struct loop_fd *w, int what))
{
	if (fd < 0)
		return -errno;
	int r = loop_fd_add(loop, w, fd, on_ready);
	if (r < 0)
		close(fd);
	return r;
}

static void unwatch_own(struct loop_fd *w)
{
	if (!w->event)
		return;
	loop_fd_remove(w);
	close(w->fd);
}

/* What it warns of is returned as an error too. */
static void libevent_says(int severity, const char *text)
{
	log_at(severity >= EVENT_LOG_ERR ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "libevent",
	    log_str("message", text));
}

/* libevent ends the process when there is none left for its signal pair, so they are asked for before. */
static int try_descriptors(void)
{
	int fds[3]; /* epoll, and the pair */
	int n = 0, r = 0;
	while (n < 3 && (fds[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
		n++;
	if (n < 3)
		r = -errno;
	while (n > 0)
		close(fds[--n]);
	return r;
}

static int open_base(struct loop *loop)
{
	int r = try_descriptors();
	if (r < 0)
		return r;
	event_set_log_callback(libevent_says);
	struct event_config *config = event_config_new();
	if (!config)
		return -ENOMEM;
	/* No locks and no timers of libevent's: the loop is one thread's, and has its own. */
	r = event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	if (r == 0)
		r = event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1);
	errno = 0;
	if (r == 0)
		loop->base = event_base_new_with_config(config);
	int e = errno;
	event_config_free(config);
	return loop->base ? 0 : e ? -e : -ENOMEM;
}

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return -ENOMEM;
	loop->armed_ns = CLOCK_NEVER;
	sigemptyset(&loop->signals);
	TAILQ_INIT(&loop->watches.line);
	timer_heap_init(&loop->timers);
	int r = open_base(loop);
	if (r == 0)
		r = watch_own(loop, &loop->post_watch, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), posts_ready);
	if (r == 0)
		r = watch_own(loop, &loop->timer_watch,
		    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), timer_ready);
	if (r < 0) {
		loop_free(loop);
		return r;
	}
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	unwatch_own(&loop->signal_watch);
	unwatch_own(&loop->timer_watch);
	unwatch_own(&loop->post_watch);
	timer_heap_clear(&loop->timers);
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}

void loop_set_hook(struct loop *loop, bool (*hook)(void *arg), void *arg)
{
	loop->hook = hook;
	loop->hook_arg = arg;
}

int64_t loop_now_ns(struct loop *loop)
{
	if (loop->now_ns == 0)
		loop->now_ns = clock_mono_ns();
	return loop->now_ns;
}

struct loop_watches *loop_watches(struct loop *loop)
{
	return &loop->watches;
}

uint64_t loop_turns(const struct loop *loop)
{
	return loop->turns;
}

int loop_run(struct loop *loop)
{
	int r = 0;
	/* What was asked before it ran is long ago. */
	loop->now_ns = 0;
	while (r == 0 && !loop->stop) {
		loop->turns++;
		run_timers(loop);
		bool more = loop->hook && loop->hook(loop->hook_arg);
		more = loop_watches_run(&loop->watches) || more;
		bool wait = !more && !loop->stop && arm_timer(loop);
		/* Whoever asks after the wait wants the time after the wait. */
		loop->now_ns = 0;
		loop->told = 0;
		errno = 0;
		if (event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK) < 0)
			r = errno ? -errno : -EIO;
	}
	loop->stop = false;
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
