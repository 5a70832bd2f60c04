/*
 * TASKS: what the front does at this moment, task by task, the oldest first. There may be a hundred thousand: one walk takes a picture of them, and
 * it is told in pieces, between which others have their turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/sched/sched.h"
#include "daemon/session/errand.h"
#include "daemon/session/identity.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"
#include "daemon/task/task.h"

enum { COUNT_USUAL = 1000, COUNT_MOST = 100000, PIECE = 500, NAME_BYTES = 32 };

/* A task as it was; it may be gone when this is told, and its texts with it. */
struct picture {
	char name[NAME_BYTES], on[NAME_BYTES];
	const char *state;
	int64_t id, age_ms, since_ms;
	uint32_t stack_bytes, used_bytes;
};

struct album {
	struct picture *pictures;
	size_t count, most;
	int64_t now_ns;
	const struct sched *sched;
};

static const struct option options[] = {
    {"COUNT", OPTION_INT, 0, 1, COUNT_MOST},
};

static void copy(char to[static NAME_BYTES], const char *text)
{
	size_t len = strnlen(text, NAME_BYTES - 1);
	memcpy(to, text, len);
	to[len] = '\0';
}

/* What it waits for: of an order what STATUS says too, which is more than the task itself knows; NULL: for nothing. */
static const char *wait_of(const struct album *a, const struct task_view *v)
{
	struct sched_doing doing;
	if (v->on && v->id && !errand_is_of_client(v->name) && sched_doing(a->sched, v->id, &doing) &&
	    *doing.waits_for)
		return doing.waits_for;
	return v->on;
}

static void take(void *arg, const struct task_view *v)
{
	struct album *a = arg;
	const char *on = wait_of(a, v);
	if (a->count == a->most)
		return;
	struct picture *p = &a->pictures[a->count++];
	p->state = v->state;
	p->id = v->id;
	p->age_ms = (a->now_ns - v->created_ns) / NS_PER_MS;
	p->since_ms = (a->now_ns - v->since_ns) / NS_PER_MS;
	p->stack_bytes = v->stack_bytes;
	p->used_bytes = v->used_bytes;
	copy(p->name, v->name);
	copy(p->on, on ? on : "");
}

static int reply_picture(struct reply_writer *w, const struct picture *p)
{
	const char *about = !p->id ? NULL : errand_is_of_client(p->name) ? "client" : "order";
	int r = reply_map(w, 9);
	r = r ? r : reply_text(w, "name");
	r = r ? r : reply_text(w, p->name);
	r = r ? r : reply_text(w, "about");
	r = r ? r : about ? reply_text(w, about) : reply_null(w);
	r = r ? r : reply_text(w, "id");
	r = r ? r : about ? reply_id(w, p->id) : reply_null(w);
	r = r ? r : reply_text(w, "state");
	r = r ? r : reply_text(w, p->state);
	r = r ? r : reply_text(w, "waits_for");
	r = r ? r : *p->on ? reply_text(w, p->on) : reply_null(w);
	r = r ? r : reply_text(w, "age");
	r = r ? r : reply_int(w, p->age_ms);
	r = r ? r : reply_text(w, "since");
	r = r ? r : reply_int(w, p->since_ms);
	r = r ? r : reply_text(w, "stack");
	r = r ? r : reply_int(w, p->stack_bytes);
	r = r ? r : reply_text(w, "stack_used");
	return r ? r : p->used_bytes ? reply_int(w, p->used_bytes) : reply_null(w);
}

/* Tells the album; a client that has gone is told to the end, into the void, as by every errand. */
static int await_told(struct reply_writer *w, const struct album *a)
{
	int r = reply_array(w, (uint32_t)a->count);
	for (size_t i = 0; r == 0 && i < a->count; i++) {
		r = reply_picture(w, &a->pictures[i]);
		if (r == 0 && (i + 1) % PIECE == 0)
			r = await_yield();
	}
	return r;
}

static int errand(struct errand *e)
{
	int64_t count = COUNT_USUAL;
	int r = options_parse(
	    options, sizeof options / sizeof *options, e->argv + 1, e->argc - 1, &count, &e->w);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Ids of everybody's orders are in it. */
	if (rights_reach(&e->user->rights, RIGHT_READ) != REACH_ALL)
		return reply_error(&e->w, "NOPERM", "'tasks' needs the right 'read all'");
	struct task_stats stats;
	task_stats_get(&stats);
	struct album a = {.most = stats.alive < count ? stats.alive : (size_t)count,
	    .now_ns = clock_mono_ns(),
	    .sched = e->all->sched};
	a.pictures = calloc(a.most, sizeof *a.pictures);
	if (!a.pictures)
		return -ENOMEM;
	task_each(take, &a);
	r = await_told(&e->w, &a);
	free(a.pictures);
	return r;
}

const struct command command_tasks = {
    .name = "tasks",
    .least = 0,
    .most = 2,
    .right = RIGHT_READ,
    .errand = errand,
    .room = ROOM_TASKS,
    .syntax = "[COUNT count]",
    .summary = "Tells what the daemon's tasks do and wait for, the oldest first",
};
