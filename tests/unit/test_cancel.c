/*
 * A cancel wherever it can come: a crowd of tasks that waits in every way there is, in which the n-th wait
 * finds its task cancelled, for every n; and in which a task is cancelled after the k-th turn, for every k.
 * Whenever it was, nothing is lost and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/task/chan.h"
#include "daemon/task/executor.h"
#include "daemon/task/gather.h"
#include "daemon/task/semaphore.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

enum { PERMITS = 2, SLOTS = 2, VALUES = 5, HELPERS = 3 };

/* Everything that the crowd shares, anew for each run. */
static struct {
	struct task *user;
	struct scope *scope; /* the user's, with its helpers */
	struct condition condition;
	int pipe[2];
	struct task_fd reading, writing;
	struct future answer, sure, several[HELPERS];
	struct semaphore semaphore;
	struct chan wide, narrow;
	void *slots[SLOTS];
	struct executor *executor;
	/* What must come out even. */
	int clean_ups, values, permits_held;
	int late; /* waits of the user that had been over when it was cancelled */
	bool ended;
} w;

/* ---- what all of them do ---- */

/* Each wait passes here: ERR_CANCELLED for who has been cancelled, else 0. That the other side was, which may
 * be a deadline too, is fine. */
static int waited(int r)
{
	if (task_cancelled()) {
		w.late += r != ERR_CANCELLED && task_current() == w.user;
		return ERR_CANCELLED;
	}
	ck_assert(r == 0 || r == ERR_CANCELLED || r == ERR_TIMEOUT || r == ERR_CLOSED || r == ERR_NOTFOUND);
	return 0;
}

static void count_down(void *arg)
{
	--*(int *)arg;
}

static void count_clean_up(void)
{
	w.clean_ups++;
	ck_assert_int_eq(task_defer(count_down, &w.clean_ups), 0);
}

static int64_t soon(void)
{
	return clock_deadline_ms(60 * 1000);
}

static struct task *help(int (*fn)(void *arg), void *arg)
{
	struct task *t;
	struct task_spec spec = {.name = "helper", .fn = fn, .arg = arg, .scope = w.scope};
	ck_assert_int_eq(task_spawn(&spec, &t), 0);
	return t;
}

/* ---- yield, sleep, join ---- */

static int doze(void *arg)
{
	(void)arg;
	count_clean_up();
	int r = waited(await_yield());
	return r < 0 ? r : waited(await_sleep_ms(20));
}

static int rest(void)
{
	int r = waited(await_yield());
	if (r == 0)
		r = waited(await_sleep_ms(0));
	if (r == 0)
		r = waited(await_sleep_ms(20));
	struct task *t = help(doze, NULL);
	if (r == 0)
		r = waited(await_task(t, soon()));
	return r;
}

/* ---- conditions, futures ---- */

static int signal_later(void *arg)
{
	int r = waited(await_yield());
	condition_signal(arg);
	return r;
}

static int set_later(void *arg)
{
	int r = waited(await_sleep_ms(20));
	ck_assert_int_eq(future_set_result(arg, NULL), 0);
	return r;
}

static int be_told(void)
{
	help(signal_later, &w.condition);
	int r = waited(await_condition(&w.condition, soon()));
	help(set_later, &w.answer);
	if (r == 0)
		r = waited(await_future(&w.answer, CLOCK_NEVER));
	if (r == 0)
		r = waited(await_future(&w.answer, CLOCK_NEVER)); /* final */
	help(set_later, &w.sure);
	ck_assert_int_eq(await_future_shielded(&w.sure), 0);
	return r;
}

/* ---- several ---- */

static int wait_for_several(void)
{
	struct future *futures[HELPERS], *ends[HELPERS];
	struct completion_mark marks[HELPERS];
	struct completions c;
	struct task *tasks[HELPERS];
	size_t which;
	for (int i = 0; i < HELPERS; i++) {
		futures[i] = &w.several[i];
		tasks[i] = help(set_later, futures[i]);
		ends[i] = task_ended(tasks[i]);
	}
	int r = waited(await_any(futures, marks, HELPERS, &which, soon()));
	if (r == 0)
		r = waited(await_all(ends, marks, HELPERS, GATHER_ALL, soon()));
	for (int i = 0; i < HELPERS && r == 0; i++)
		r = waited(await_task(tasks[i], CLOCK_TRY));
	completions_init(&c, futures, marks, HELPERS);
	for (int i = 0; i <= HELPERS && r == 0; i++)
		r = waited(await_next(&c, &which, soon()));
	completions_clear(&c);
	return r;
}

/* ---- descriptors ---- */

static int write_later(void *arg)
{
	(void)arg;
	int r = waited(await_fd(&w.writing, LOOP_WRITE, soon()));
	if (write(w.pipe[1], "x", 1) < 0)
		ck_assert_int_eq(errno, EAGAIN);
	return r;
}

static int read_one(void)
{
	char byte;
	int r = 0;
	struct task *t = help(write_later, NULL);
	while (r == 0 && read(w.pipe[0], &byte, 1) < 0)
		r = waited(await_fd(&w.reading, LOOP_READ, soon()));
	/* It uses the same descriptor: gone before anybody else does. */
	return r == 0 ? waited(await_task(t, soon())) : r;
}

/* ---- permits ---- */

static int take_turns(void *arg)
{
	int priority = *(const int *)arg;
	int r = 0, got;
	for (int i = 0; i < 2 && r == 0; i++) {
		got = await_semaphore(&w.semaphore, priority, soon());
		r = waited(got);
		if (got == 0) {
			ck_assert_int_le(++w.permits_held, PERMITS);
			r = waited(await_yield());
			w.permits_held--;
			semaphore_give(&w.semaphore);
		}
	}
	return r;
}

static int share(void)
{
	static const int priorities[] = {1, 2, 1};
	for (int i = 0; i < HELPERS; i++)
		help(take_turns, (void *)&priorities[i]);
	return take_turns((void *)&priorities[0]);
}

/* ---- values ---- */

static int send_values(void *arg)
{
	struct chan *c = arg;
	int r = 0;
	for (int i = 0; i < VALUES && r == 0; i++) {
		void *value = malloc(1);
		w.values++;
		int sent = await_chan_send(c, value, soon());
		r = waited(sent);
		if (sent < 0) {
			free(value);
			w.values--;
		}
	}
	/* The last closes: what is in it is received all the same. */
	chan_close(c);
	return r;
}

static int receive_values(void *arg)
{
	struct chan *c = arg;
	int r = 0, got = 0;
	while (r == 0 && got != ERR_CLOSED && got != ERR_TIMEOUT) {
		void *value;
		got = await_chan_receive(c, &value, soon());
		r = waited(got);
		if (got == 0) {
			free(value);
			w.values--;
		}
	}
	return r;
}

static int pass_values(void)
{
	help(send_values, &w.wide);
	int r = receive_values(&w.wide);
	help(receive_values, &w.narrow);
	if (r == 0)
		r = send_values(&w.narrow);
	return r;
}

static void drain(struct chan *c)
{
	for (; c->count > 0; c->count--, w.values--) {
		free(c->slots[c->first]);
		c->first = (c->first + 1) % c->size;
	}
}

/* ---- a thread ---- */

static int touch(void *arg)
{
	*(char *)arg = 1;
	return 0;
}

static void discard(void *arg)
{
	free(arg);
	w.values--;
}

static int call_thread(void)
{
	void *value = malloc(1);
	w.values++;
	int got = await_executor(w.executor, touch, value, discard, CLOCK_NEVER);
	if (got == 0)
		discard(value);
	return waited(got);
}

/* ---- the crowd ---- */

static int use_everything(void *arg)
{
	(void)arg;
	static int (*const parts[])(void) = {
	    rest, be_told, wait_for_several, read_one, share, pass_values, call_thread};
	int r = 0;
	count_clean_up();
	ck_assert_int_eq(scope_new(&w.scope, "helpers"), 0);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0] && r == 0; i++)
		r = parts[i]();
	if (r == ERR_CANCELLED) {
		ck_assert_int_eq(waited(await_yield()), ERR_CANCELLED);
		/* It answers, which needs waiting. */
		ck_assert(task_uncancel());
		ck_assert(!task_uncancel());
		waited(await_sleep_ms(1));
	}
	await_scope_close(w.scope);
	w.scope = NULL;
	w.ended = true;
	return r;
}

static int count_descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void begin(void)
{
	world_setup();
	clock_test_hold(true);
	memset(&w, 0, sizeof w);
	condition_init(&w.condition);
	future_init(&w.answer, "answer");
	future_init(&w.sure, "sure");
	for (int i = 0; i < HELPERS; i++)
		future_init(&w.several[i], "one of several");
	semaphore_init(&w.semaphore, PERMITS);
	chan_init(&w.wide, w.slots, SLOTS);
	chan_init(&w.narrow, NULL, 0);
	ck_assert_int_eq(pipe2(w.pipe, O_NONBLOCK | O_CLOEXEC), 0);
	ck_assert_int_eq(task_fd_init(&w.reading, w.pipe[0]), 0);
	ck_assert_int_eq(task_fd_init(&w.writing, w.pipe[1]), 0);
	ck_assert_int_eq(executor_new("test", 1, 1, &w.executor), 0);
}

/* Lets time pass until all have ended. */
static void finish(void)
{
	struct task_stats stats;
	for (task_stats_get(&stats); stats.alive > 0; task_stats_get(&stats)) {
		world_turns(1);
		clock_test_advance(10 * NS_PER_MS, 10);
	}
	world_turns(3); /* and given back their stacks */
}

static void end(void)
{
	struct task_stats stats;
	executor_free(w.executor);
	world_turns(1);
	drain(&w.wide);
	task_fd_clear(&w.reading);
	task_fd_clear(&w.writing);
	close(w.pipe[0]);
	close(w.pipe[1]);
	task_stats_get(&stats);
	ck_assert_uint_eq(stats.stacks_used, 0);
	ck_assert_uint_eq(stats.ready, 0);
	ck_assert(w.ended);
	ck_assert_int_eq(w.clean_ups, 0);
	ck_assert_int_eq(w.values, 0);
	ck_assert_int_eq(w.permits_held, 0);
	ck_assert_int_eq(w.semaphore.permits, PERMITS);
	ck_assert(TAILQ_EMPTY(&w.condition.waits) && TAILQ_EMPTY(&w.semaphore.waits));
	ck_assert(TAILQ_EMPTY(&w.wide.senders) && TAILQ_EMPTY(&w.narrow.senders));
	ck_assert(TAILQ_EMPTY(&w.wide.receivers) && TAILQ_EMPTY(&w.narrow.receivers));
	for (int i = 0; i < HELPERS; i++)
		ck_assert(TAILQ_EMPTY(&w.several[i].waits));
	world_clear();
}

START_TEST (at_the_nth_wait) {
	int before = count_descriptors();
	uint64_t waits, n = 0;
	do {
		begin();
		w.user = world_spawn("user", use_everything, NULL);
		task_cancel_at_wait(n);
		finish();
		waits = task_count_waits();
		task_cancel_at_wait(0);
		end();
		/* The wait that found its task cancelled said so. */
		ck_assert_int_eq(w.late, 0);
		ck_assert_int_eq(count_descriptors(), before);
		if (n == 0)
			ck_assert_uint_gt(waits, 60);
	} while (n++ < waits);
}
END_TEST

/* After k turns the user is cancelled, in the midst of a wait or just woken; or all of its helpers are. */
START_TEST (after_the_kth_turn) {
	bool was_there = true;
	for (unsigned k = 0; was_there; k++) {
		begin();
		w.user = world_spawn("user", use_everything, NULL);
		for (unsigned i = 0; i < k && !w.ended; i++) {
			world_turns(1);
			clock_test_advance(10 * NS_PER_MS, 10);
		}
		was_there = !w.ended;
		if (was_there && _i)
			task_cancel(w.user);
		else if (was_there && w.scope)
			scope_cancel(w.scope);
		finish();
		end();
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("cancel");
	tcase_add_test(t, at_the_nth_wait);
	tcase_add_loop_test(t, after_the_kth_turn, 0, 2);
	return unit_run();
}
