/*
 * The kernel tells of each change (edge-triggered, as for all others); whether a descriptor is still ready after its owner has been told is asked of
 * poll(2). The line of those that are ready is ours: libevent's would be before the clients' of the next turn, and level-triggered events would
 * be told by the kernel again in every turn that they wait.
 */
#include "daemon/loop/watch.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include "daemon/base/clock.h"

/* Of each turn, at most (and one more). */
#define SLICE_NS (2 * NS_PER_MS)

static void leave_line(struct loop_watch *w)
{
	if (w->queued)
		TAILQ_REMOVE(&loop_watches(w->fd.loop)->line, w, entry);
	w->queued = false;
}

static void stand_in_line(struct loop_watch *w)
{
	if (w->queued || !(w->ready & w->wanted))
		return;
	TAILQ_INSERT_TAIL(&loop_watches(w->fd.loop)->line, w, entry);
	w->queued = true;
}

static void on_change(struct loop_fd *fd, int what)
{
	struct loop_watch *w = (struct loop_watch *)(void *)((char *)fd - offsetof(struct loop_watch, fd));
	w->ready |= what;
	stand_in_line(w);
}

/* What it is ready for now. When the kernel cannot say, what is wanted: to be told in vain does no harm. */
static void ask(struct loop_watch *w)
{
	struct pollfd p = {.fd = w->fd.fd,
	    .events = (short)((w->wanted & LOOP_READ ? POLLIN : 0) | (w->wanted & LOOP_WRITE ? POLLOUT : 0))};
	w->ready = 0;
	if (!w->wanted)
		return;
	if (poll(&p, 1, 0) < 0 || (p.revents & (POLLHUP | POLLERR | POLLNVAL)))
		w->ready = w->wanted;
	else
		w->ready = (p.revents & POLLIN ? LOOP_READ : 0) | (p.revents & POLLOUT ? LOOP_WRITE : 0);
}

int loop_watch(struct loop *loop, struct loop_watch *w, int fd, int wanted,
    void (*on_ready)(struct loop_watch *w, int what))
{
	w->on_ready = on_ready;
	if (!w->fd.event) {
		w->ready = 0;
		w->queued = false;
		w->wanted = wanted;
		/* The kernel begins by telling what there is already. */
		return loop_fd_add(loop, &w->fd, fd, on_change);
	}
	leave_line(w);
	w->wanted = wanted;
	ask(w);
	stand_in_line(w);
	return 0;
}

void loop_watch_remove(struct loop_watch *w)
{
	if (!w->fd.event)
		return;
	leave_line(w);
	if (loop_watches(w->fd.loop)->telling == w)
		loop_watches(w->fd.loop)->telling = NULL;
	loop_fd_remove(&w->fd);
}

bool loop_watches_run(struct loop_watches *all)
{
	/* Those that become ready while others are told have their turn in the next. */
	struct loop_watch *last = TAILQ_LAST(&all->line, loop_watch_line), *w;
	if (!last)
		return false;
	int64_t until = clock_mono_ns() + SLICE_NS;
	bool more = true;
	while (more && (w = TAILQ_FIRST(&all->line))) {
		more = w != last;
		leave_line(w);
		all->telling = w;
		w->on_ready(w, w->ready & w->wanted);
		if (all->telling && !w->queued) {
			ask(w);
			stand_in_line(w);
		}
		more = more && clock_mono_ns() < until;
	}
	all->telling = NULL;
	return true;
}
