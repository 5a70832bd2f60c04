/*
 * The event loop: libevent wrapped. The only room that includes <event2/…>. One loop a thread; all functions
 * but loop_post() belong to the loop's thread. Callbacks run on the loop's own (big) stack, one at a time,
 * never inside the function that caused them.
 *
 * A turn of the loop: run the timers that are due, what the turn hook has ready (tasks), then what
 * descriptors and posts bring, and wait only when the hook has nothing ready. Each part of it is bounded (256
 * descriptors a turn, what was posted and due at its beginning), so however much there is to do, the others
 * have their turn. Sources: epoll(7), eventfd(2), signalfd(2), libevent's event(3).
 */
#ifndef BAKERY_LOOP_LOOP_H
#define BAKERY_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/signalfd.h>

struct loop;
struct event;

/* 0, or a negative errno value. */
int loop_new(struct loop **out);
/* Everything registered must have been removed. NULL is fine. */
void loop_free(struct loop *loop);

/* Runs until loop_stop(). 0, or a negative errno value when the kernel's poll itself fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * The turn hook: called once at the beginning of each turn. Returns true when it still has something ready,
 * so that the turn does not wait. Owned by daemon/task.
 */
void loop_set_hook(struct loop *loop, bool (*hook)(void *arg), void *arg);

/* Monotonic nanoseconds as of this turn, or of the end of its wait: one clock call for each. */
int64_t loop_now_ns(struct loop *loop);

/* Turns so far, for STATS. */
uint64_t loop_turns(const struct loop *loop);

/* ---- descriptors ----
 * One persistent, edge-triggered registration for each descriptor. on_ready is told LOOP_READ and/or
 * LOOP_WRITE (an error or hang-up counts as both) when the descriptor *becomes* ready; so read or write until
 * EAGAIN before you wait. The storage is the caller's, and must stay until loop_fd_remove(). Remove before
 * close(2).
 */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_fd {
	struct loop *loop;
	struct event *event; /* in one allocation by loop_fd_add */
	int fd;
	void (*on_ready)(struct loop_fd *w, int what);
};

int loop_fd_add(struct loop *loop, struct loop_fd *w, int fd, void (*on_ready)(struct loop_fd *w, int what));
void loop_fd_remove(struct loop_fd *w);

/* ---- timers ----
 * One shot. Storage is the caller's; start from {0}. Setting again moves it. Set and clear are O(log n), and
 * do not allocate after the heap has grown. Deadlines are clock_mono_ns() times; accuracy is the kernel's
 * timer, not a millisecond.
 */
struct loop_timer {
	void (*on_due)(struct loop_timer *t);
	int64_t due_ns;
	uint32_t place;    /* in the heap, 1 …; 0: not set */
	bool reserved;     /* its place is kept while it is not set */
	uint32_t sequence; /* those of the same deadline run in the order in which they were set */
};

/*
 * Keeps a place for this timer: from now until loop_timer_release(), loop_timer_set() of it cannot fail.
 * Whoever sets a timer where it could not answer a refusal of memory reserves it when it is made. 0 or
 * -ENOMEM. Again: a no-op.
 */
int loop_timer_reserve(struct loop *loop, struct loop_timer *t);
/* Clears it too. Fine when it was not reserved. */
void loop_timer_release(struct loop *loop, struct loop_timer *t);
/* 0 or -ENOMEM (never for one that is reserved). */
int loop_timer_set(
    struct loop *loop, struct loop_timer *t, int64_t due_ns, void (*on_due)(struct loop_timer *t));
void loop_timer_clear(struct loop *loop, struct loop_timer *t);

/* ---- posts from other threads ----
 * fn runs on the loop's thread in a later turn, in the order of posting. Storage is the caller's and is free
 * again when fn is called. Thread-safe, never blocks, never fails. One eventfd write wakes the loop for any
 * number of posts.
 */
struct loop_post {
	STAILQ_ENTRY(loop_post) entry;
	void (*fn)(struct loop_post *p);
};

void loop_post(struct loop *loop, struct loop_post *p, void (*fn)(struct loop_post *p));

/* ---- signals ----
 * Blocks the signal in this thread and reports it through a signalfd. One handler a signal. Call before threads
 * are started and before tasks are spawned: with ucontext(3) each has a mask of its own, made at its birth.
 */
int loop_signal(struct loop *loop, int signo,
    void (*on_signal)(const struct signalfd_siginfo *info, void *arg), void *arg);

#endif
