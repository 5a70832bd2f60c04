/* The store as the rooms above use it: requests handed over on a loop, answers after the commit, events before answers. */
#include "daemon/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/failpoint.h"
#include "daemon/task/task.h"
#include "tests/unit/store_world.h"
#include "tests/unit/task_world.h"
#include "tests/unit/unit.h"

static int64_t before_ms;

static void arm(const char *what)
{
	const char *why;

	setenv("BAKERY_FAIL", what, 1);
	ck_assert_int_eq(failpoint_init(&why), 0);
}

static void whole_life(void)
{
	struct store_finish finish;
	const struct store_event *events;
	struct store_order o;
	int64_t id = await_order("flour");

	/* Ids of a store that was wiped are below those of the next one. */
	ck_assert_int_gt(id, before_ms);
	ck_assert_uint_eq(store_world_events(&events), 1);
	ck_assert_int_eq(events[0].id, id);
	ck_assert_int_eq(events[0].state, ORDER_QUEUED);
	ck_assert_ptr_eq(events[0].recipe, world_recipe);
	ck_assert_ptr_nonnull(events[0].head);
	ck_assert(events[0].head->has_payload);
	ck_assert_uint_eq(events[0].head->payload_len, 5);
	ck_assert_int_eq(memcmp(events[0].head->payload, "flour", 5), 0);

	ck_assert_int_eq(await_start(id, 1), 0);
	finish = a_finish(id, 1, ORDER_DONE);
	finish.outcome.result = "a cake";
	finish.outcome.result_len = finish.outcome.result_total = 6;
	finish.outcome.message = "crumbs";
	finish.outcome.message_len = 6;
	ck_assert_int_eq(await_finish(&finish), 0);

	ck_assert_int_eq(await_get(id, &o), 0);
	ck_assert_int_eq(o.state, ORDER_DONE);
	ck_assert_int_eq(o.cause, CAUSE_EXIT);
	ck_assert_int_eq(o.attempt, 1);
	ck_assert(o.has_result);
	ck_assert_uint_eq(o.result_bytes, 6);
	ck_assert_str_eq(o.message, "crumbs");
	ck_assert_uint_eq(store_world_events(&events), 3);
	ck_assert_uint_eq(o.seq, events[2].seq);
	ck_assert_uint_eq(events[2].seq, events[0].seq + 2);
	store_order_clear(&o);
}

START_TEST (lives_a_whole_life) {
	before_ms = clock_wall_ms();
	store_world_run(whole_life);
}
END_TEST

/* ---- keys ---- */

static void same_key_same_order(void)
{
	struct store_submit first = a_submit("flour", "k1"), again = a_submit("flour", "k1");
	struct store_submit other = a_submit("sugar", "k1"), bread = a_submit("flour", "k1");

	ck_assert_int_eq(await_submit(&first), 0);
	ck_assert(!first.existed);
	ck_assert_int_eq(await_submit(&again), 0);
	ck_assert(again.existed);
	ck_assert_int_eq(again.id, first.id);
	ck_assert_int_eq(await_submit(&other), ERR_KEYCONFLICT);
	ck_assert_int_eq(other.id, first.id);
	/* A key belongs to its recipe. */
	bread.recipe = store_intern(world_store, "bread", 5);
	ck_assert_int_eq(await_submit(&bread), 0);
	ck_assert_int_ne(bread.id, first.id);
}

START_TEST (same_key_gives_the_same_order) {
	store_world_run(same_key_same_order);
}
END_TEST

static void twenty_at_once(void)
{
	struct store_submit r[20];
	int made = 0;

	for (int i = 0; i < 20; i++) {
		r[i] = a_submit("flour", "once");
		store_submit(world_store, &r[i]);
	}
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(await_future_shielded(&r[i].op.done), 0);
		ck_assert_int_eq(r[i].id, r[0].id);
		made += !r[i].existed;
	}
	ck_assert_int_eq(made, 1);
}

START_TEST (twenty_submissions_with_one_key_make_one_order) {
	store_world_run(twenty_at_once);
}
END_TEST

/* ---- refusals ---- */

static void full_queue(void)
{
	struct store_submit keyed = a_submit("flour", "k"), over = a_submit("flour", NULL),
			    again = a_submit("flour", "k");
	struct store_cancel cancel = {.by = "shop"};

	ck_assert_int_eq(await_submit(&keyed), 0);
	for (int i = 1; i < 1000; i++)
		cancel.id = await_order("flour");
	ck_assert_int_eq(await_submit(&over), ERR_QUEUEFULL);
	/* Who asks again for what is there is not refused. */
	ck_assert_int_eq(await_submit(&again), 0);
	ck_assert_int_eq(again.id, keyed.id);
	ck_assert_int_eq(await_cancel(&cancel), 0);
	ck_assert_int_eq(await_submit(&over), 0);
}

START_TEST (a_full_queue_refuses) {
	store_world_run(full_queue);
}
END_TEST

static void late_results(void)
{
	int64_t id = await_order("flour");
	struct store_finish late = a_finish(id, 1, ORDER_DONE), again = a_finish(id, 1, ORDER_QUEUED);
	struct store_stats stats;
	struct store_order o;

	ck_assert_int_eq(await_finish(&late), ERR_STATE); /* it has not begun */
	ck_assert_int_eq(await_start(id, 2), ERR_STATE);  /* not the next attempt */
	ck_assert_int_eq(await_start(id, 1), 0);
	ck_assert_int_eq(await_start(id, 2), ERR_STATE);
	again.charge = again.lost = true;
	again.outcome.message = "too hot";
	again.outcome.message_len = 7;
	ck_assert_int_eq(await_finish(&again), 0);
	ck_assert_int_eq(await_get(id, &o), 0);
	ck_assert_int_eq(o.state, ORDER_QUEUED);
	ck_assert_str_eq(o.message, "too hot");
	store_order_clear(&o);
	ck_assert_int_eq(await_start(id, 2), 0);
	ck_assert_int_eq(await_finish(&late), ERR_STATE); /* of the attempt before */
	ck_assert_int_eq(await_get(id, &o), 0);
	ck_assert_int_eq(o.state, ORDER_RUNNING);
	ck_assert_int_eq(o.attempt, 2);
	ck_assert_int_eq(o.charged, 1);
	ck_assert_ptr_null(o.message);
	store_order_clear(&o);
	store_stats_get(world_store, &stats);
	ck_assert_uint_eq(stats.stale_finishes, 2);
}

START_TEST (a_result_of_an_earlier_attempt_changes_nothing) {
	store_world_run(late_results);
}
END_TEST

static void strangers(void)
{
	struct store_cancel cancel = {.id = 5, .by = "shop"};
	struct store_read read = {.id = 5, .limit = 10};
	struct store_place place = {.id = 5, .limit = 10};
	struct store_steps steps = {.id = 5};
	struct store_step step = {.id = 5, .attempt = 1};
	struct store_order o;

	ck_assert_int_eq(await_get(5, &o), ERR_NOTFOUND);
	ck_assert_int_eq(await_get(INT64_MAX, &o), ERR_NOTFOUND);
	ck_assert_int_eq(await_get(-1, &o), ERR_NOTFOUND);
	ck_assert_int_eq(await_cancel(&cancel), ERR_NOTFOUND);
	ck_assert_int_eq(await_read(&read), ERR_NOTFOUND);
	ck_assert_int_eq(await_start(5, 1), ERR_STATE);
	ck_assert_int_eq(await_step(&step), ERR_STATE);
	ck_assert_int_eq(await_steps(&steps), ERR_NOTFOUND);
	store_place(world_store, &place);
	ck_assert_int_eq(await_future_shielded(&place.op.done), ERR_NOTFOUND);
}

START_TEST (an_id_that_was_never_given_is_not_found) {
	store_world_run(strangers);
}
END_TEST

/* ---- cancel ---- */

static void cancels(void)
{
	int64_t queued = await_order("flour"), running = await_order("sugar");
	struct store_cancel c = {.id = queued, .by = "baker", .reason = {"no eggs", 7}};
	struct store_finish finish = a_finish(running, 1, ORDER_DONE);
	struct store_order o;

	ck_assert_int_eq(await_cancel(&c), 0);
	ck_assert_int_eq(c.what, STORE_CANCEL_DONE);
	ck_assert_int_eq(c.state, ORDER_CANCELLED);
	ck_assert_int_eq(await_cancel(&c), 0);
	ck_assert_int_eq(c.what, STORE_CANCEL_FINAL);
	ck_assert_int_eq(await_get(queued, &o), 0);
	ck_assert_int_eq(o.cause, CAUSE_CANCELLED);
	ck_assert_str_eq(o.by, "baker");
	ck_assert_str_eq(o.reason, "no eggs");
	store_order_clear(&o);

	ck_assert_int_eq(await_start(running, 1), 0);
	c.id = running;
	ck_assert_int_eq(await_cancel(&c), 0);
	ck_assert_int_eq(c.what, STORE_CANCEL_REQUESTED);
	ck_assert_int_eq(c.state, ORDER_RUNNING);
	/* A job that ends well after that was cancelled all the same. */
	finish.outcome.result = "cake";
	finish.outcome.result_len = 4;
	ck_assert_int_eq(await_finish(&finish), 0);
	ck_assert_int_eq(await_get(running, &o), 0);
	ck_assert_int_eq(o.state, ORDER_CANCELLED);
	ck_assert_int_eq(o.cause, CAUSE_CANCELLED);
	ck_assert_str_eq(o.by, "baker");
	ck_assert(!o.has_result);
	store_order_clear(&o);
}

START_TEST (cancel_of_queued_and_of_running) {
	store_world_run(cancels);
}
END_TEST

/* ---- payloads and results ---- */

static void parts(void)
{
	static char big[100000];
	int64_t id;
	struct store_submit submit = a_submit("", NULL);
	struct store_finish finish;
	struct store_read read = {.payload = true, .offset = 99990, .limit = 100};
	const struct store_event *events;

	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 31);
	submit.payload = (struct slice){big, sizeof big};
	ck_assert_int_eq(await_submit(&submit), 0);
	read.id = id = submit.id;
	/* Too large to travel with the head. */
	ck_assert_uint_eq(store_world_events(&events), 1);
	ck_assert(!events[0].head->has_payload);
	ck_assert_uint_eq(events[0].head->payload_len, sizeof big);
	ck_assert_int_eq(await_read(&read), 0);
	ck_assert_uint_eq(read.len, 10);
	ck_assert_uint_eq(read.kept, sizeof big);
	ck_assert_int_eq(memcmp(read.bytes, big + 99990, 10), 0);
	free(read.bytes);
	read.offset = UINT64_MAX;
	ck_assert_int_eq(await_read(&read), 0);
	ck_assert_uint_eq(read.len, 0);
	free(read.bytes);

	read = (struct store_read){.id = id, .limit = UINT64_MAX};
	ck_assert_int_eq(await_read(&read), ERR_PENDING);
	ck_assert_int_eq(await_start(id, 1), 0);
	finish = a_finish(id, 1, ORDER_FAILED);
	finish.outcome.result = big;
	finish.outcome.result_len = 5000;
	finish.outcome.result_total = 70000;
	finish.outcome.result_cut = true;
	ck_assert_int_eq(await_finish(&finish), 0);
	ck_assert_int_eq(await_read(&read), 0);
	ck_assert_uint_eq(read.len, 5000);
	ck_assert_int_eq(memcmp(read.bytes, big, 5000), 0);
	ck_assert_uint_eq(read.kept, 5000);
	ck_assert_uint_eq(read.total, 70000);
	ck_assert(read.cut);
	free(read.bytes);
}

START_TEST (payload_and_result_by_parts) {
	store_world_run(parts);
}
END_TEST

/* ---- steps ---- */

static struct store_step a_step(int64_t id, int attempt, int step, const char *result)
{
	return (struct store_step){
	    .id = id, .attempt = attempt, .step = step, .digest = 7, .result = {result, strlen(result)}};
}

static int stored(int64_t id, int attempt, int step, const char *result)
{
	struct store_step r = a_step(id, attempt, step, result);

	return await_step(&r);
}

static int count_steps(int64_t id, uint64_t digest)
{
	struct store_steps r = {.id = id, .digest = digest};

	ck_assert_int_eq(await_steps(&r), 0);
	ck_assert_ptr_null(r.results);
	return r.count;
}

static void check_step(const struct store_step_result *r, int step, bool cut, const char *bytes)
{
	ck_assert_int_eq(r->step, step);
	ck_assert_int_eq(r->cut, cut);
	ck_assert_uint_eq(r->len, strlen(bytes));
	ck_assert_int_eq(memcmp(r->bytes, bytes, r->len), 0);
}

static void steps_of_attempts(void)
{
	int64_t id = await_order("flour");
	struct store_step cut = a_step(id, 1, 1, "dou");
	struct store_finish again = a_finish(id, 1, ORDER_QUEUED), finish = a_finish(id, 2, ORDER_DONE);
	struct store_steps r = {.id = id, .digest = 7, .wanted = UINT64_MAX & ~1ull};
	const struct store_event *events;

	ck_assert_int_eq(stored(id, 1, 0, "eggs"), ERR_STATE); /* it has not begun */
	ck_assert_int_eq(await_start(id, 1), 0);
	ck_assert_int_eq(count_steps(id, 7), 0);
	ck_assert_int_eq(stored(id, 1, 0, "eggs"), 0);
	cut.cut = true;
	ck_assert_int_eq(await_step(&cut), 0);
	ck_assert_int_eq(stored(id, 1, 2, ""), 0);
	ck_assert_int_eq(stored(id, 2, 3, "cake"), ERR_STATE);
	/* Nothing that anybody is told of: an event comes with a change of state. */
	ck_assert_uint_eq(store_world_events(&events), 2);
	ck_assert_int_eq(await_finish(&again), 0);
	ck_assert_int_eq(stored(id, 1, 3, "cake"), ERR_STATE);
	ck_assert_int_eq(await_start(id, 2), 0);
	ck_assert_int_eq(stored(id, 1, 3, "cake"), ERR_STATE); /* of the attempt before */
	ck_assert_int_eq(count_steps(id, 7), 3);
	ck_assert_int_eq(count_steps(id, 8), 0); /* another form of the recipe */
	ck_assert_int_eq(await_steps(&r), 0);
	ck_assert_int_eq(r.count, 3);
	ck_assert_uint_eq(r.result_count, 2);
	check_step(&r.results[0], 1, true, "dou");
	check_step(&r.results[1], 2, false, "");
	store_steps_clear(&r);
	ck_assert_ptr_null(r.results);
	ck_assert_int_eq(await_finish(&finish), 0);
	ck_assert_int_eq(count_steps(id, 7), 0);
	ck_assert_int_eq(stored(id, 2, 3, "cake"), ERR_STATE);
}

START_TEST (results_of_steps_are_kept_until_the_order_is_done) {
	store_world_run(steps_of_attempts);
}
END_TEST

static void steps_replaced(void)
{
	int64_t id = await_order("flour"), next = await_order("sugar");
	struct store_step other = a_step(id, 1, 1, "bread");
	struct store_steps r = {.id = id, .digest = 7, .wanted = 1 << 1 | 1 << 3};

	ck_assert_int_eq(await_start(id, 1), 0);
	ck_assert_int_eq(await_start(next, 1), 0);
	ck_assert_int_eq(stored(next, 1, 0, "a neighbour"), 0);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(stored(id, 1, i, "dough"), 0);
	ck_assert_int_eq(count_steps(id, 7), 64);
	/* The same again changes nothing but what comes later. */
	ck_assert_int_eq(stored(id, 1, 3, "dough"), 0);
	ck_assert_int_eq(count_steps(id, 7), 4);
	/* The recipe has another form now: what was made by the earlier one ends before it. */
	other.digest = 8;
	ck_assert_int_eq(await_step(&other), 0);
	ck_assert_int_eq(await_steps(&r), 0);
	ck_assert_int_eq(r.count, 1);
	ck_assert_uint_eq(r.result_count, 0);
	store_steps_clear(&r);
	ck_assert_int_eq(stored(id, 1, 3, "cake"), 0); /* a gap */
	ck_assert_int_eq(count_steps(id, 7), 1);
	ck_assert_int_eq(count_steps(next, 7), 1);
}

START_TEST (a_result_of_a_step_replaces_it_and_later_ones) {
	store_world_run(steps_replaced);
}
END_TEST

static int64_t kept_failed, kept_cancelled;
static char dough[3 << 20];

static void big_steps(void)
{
	struct store_step r[4];
	struct store_finish finish;
	struct store_cancel cancel = {.by = "shop"};
	struct store_stats before, after;

	for (size_t i = 0; i < sizeof dough; i++)
		dough[i] = (char)(i * 31);
	kept_failed = await_order("flour");
	kept_cancelled = cancel.id = await_order("sugar");
	ck_assert_int_eq(await_start(kept_failed, 1), 0);
	ck_assert_int_eq(await_start(kept_cancelled, 1), 0);
	store_stats_get(world_store, &before);
	for (int i = 0; i < 4; i++) {
		r[i] = a_step(i < 3 ? kept_failed : kept_cancelled, 1, i < 3 ? i : 0, "");
		r[i].result = (struct slice){dough, sizeof dough - (size_t)i};
		store_step(world_store, &r[i]);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(await_future_shielded(&r[i].op.done), 0);
	store_stats_get(world_store, &after);
	/* A transaction has 8 MiB at most. */
	ck_assert_uint_ge(after.commits - before.commits, 2);
	finish = a_finish(kept_failed, 1, ORDER_FAILED);
	ck_assert_int_eq(await_finish(&finish), 0);
	/* A cancel was asked for, and the order ends well: it is cancelled all the same. */
	ck_assert_int_eq(await_cancel(&cancel), 0);
	ck_assert_int_eq(cancel.what, STORE_CANCEL_REQUESTED);
	finish = a_finish(kept_cancelled, 1, ORDER_DONE);
	ck_assert_int_eq(await_finish(&finish), 0);
}

static void big_steps_after_restart(void)
{
	struct store_steps r = {.id = kept_failed, .digest = 7, .wanted = 1 << 0 | 1 << 2 | 1 << 5};

	ck_assert_int_eq(await_steps(&r), 0);
	ck_assert_int_eq(r.count, 3);
	ck_assert_uint_eq(r.result_count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(r.results[i].step, (int)(2 * i));
		ck_assert_uint_eq(r.results[i].len, sizeof dough - 2 * i);
		ck_assert_int_eq(memcmp(r.results[i].bytes, dough, r.results[i].len), 0);
	}
	store_steps_clear(&r);
	ck_assert_int_eq(count_steps(kept_cancelled, 7), 1);
}

START_TEST (large_results_of_steps_and_a_restart) {
	store_world_run(big_steps);
	store_world_run(big_steps_after_restart);
}
END_TEST

static void failed_step(void)
{
	int64_t id = await_order("flour");

	ck_assert_int_eq(await_start(id, 1), 0);
	ck_assert_int_eq(stored(id, 1, 0, "eggs"), 0);
	arm("store.before_commit:1:ENOSPC,store.after_commit:1:EIO");
	ck_assert_int_eq(stored(id, 1, 0, "dough"), ERR_STORAGE);
	/* What is there and what comes after it are as they were. */
	ck_assert_int_eq(count_steps(id, 7), 1);
	ck_assert_int_eq(stored(id, 1, 1, "dough"), ERR_UNCERTAIN);
	ck_assert_int_eq(stored(id, 1, 1, "dough"), 0);
	ck_assert_int_eq(count_steps(id, 7), 2);
}

static int64_t failed_at;

static const char *await_step_of(int64_t id)
{
	struct store_order o;

	ck_assert_int_eq(await_get(id, &o), 0);
	store_order_clear(&o);
	return o.step;
}

static void failed_in_a_step(void)
{
	int64_t id = await_order("flour");
	struct store_finish again = a_finish(id, 1, ORDER_QUEUED), failed = a_finish(id, 2, ORDER_FAILED);

	failed_at = id;
	again.step = store_intern(world_store, "mix", 3);
	failed.step = store_intern(world_store, "bake", 4);
	ck_assert_int_eq(await_start(id, 1), 0);
	ck_assert_ptr_null(await_step_of(id));
	ck_assert_int_eq(await_finish(&again), 0);
	ck_assert_str_eq(await_step_of(id), "mix");
	ck_assert_int_eq(await_start(id, 2), 0);
	ck_assert_ptr_null(await_step_of(id));
	ck_assert_int_eq(await_finish(&failed), 0);
	ck_assert_str_eq(await_step_of(id), "bake");
}

static void failed_in_a_step_after_restart(void)
{
	ck_assert_str_eq(await_step_of(failed_at), "bake");
}

START_TEST (the_step_that_failed_is_known) {
	store_world_run(failed_in_a_step);
	store_world_run(failed_in_a_step_after_restart);
}
END_TEST

START_TEST (a_result_of_a_step_that_cannot_be_stored) {
	store_world_run(failed_step);
}
END_TEST

/* ---- time ---- */

static void delayed(void)
{
	struct store_submit later = a_submit("flour", NULL), soon = a_submit("sugar", NULL);
	struct store_promote promote = {.limit = 10};
	const struct store_event *events;

	later.delay_ms = 60000;
	soon.delay_ms = 30000;
	ck_assert_int_eq(await_submit(&later), 0);
	ck_assert_int_eq(await_submit(&soon), 0);
	ck_assert_uint_eq(store_world_events(&events), 2);
	ck_assert_int_eq(events[0].state, ORDER_SCHEDULED);
	ck_assert_ptr_null(events[0].head);
	store_world_forget();
	clock_test_advance(0, 40000);
	store_promote(world_store, &promote);
	ck_assert_int_eq(await_future_shielded(&promote.op.done), 0);
	ck_assert_int_eq(promote.promoted, 1);
	ck_assert_uint_eq(store_world_events(&events), 1);
	ck_assert_int_eq(events[0].id, soon.id);
	ck_assert_int_eq(events[0].state, ORDER_QUEUED);
	ck_assert_ptr_nonnull(events[0].head);
	clock_test_advance(0, promote.next_due_ms - clock_wall_ms());
	store_promote(world_store, &promote);
	ck_assert_int_eq(await_future_shielded(&promote.op.done), 0);
	ck_assert_int_eq(promote.promoted, 1);
	ck_assert_int_eq(promote.next_due_ms, INT64_MAX);
}

START_TEST (delayed_orders_are_queued_when_due) {
	store_world_run(delayed);
}
END_TEST

/* ---- across a restart ---- */

static int64_t kept_running, kept_queued;

static void before_restart(void)
{
	struct store_pause pause = {
	    .recipe = world_recipe, .paused = true, .by = "baker", .reason = {"flour", 5}};

	kept_running = await_order("flour");
	kept_queued = await_order("sugar");
	ck_assert_int_eq(await_start(kept_running, 1), 0);
	store_pause(world_store, &pause);
	ck_assert_int_eq(await_future_shielded(&pause.op.done), 0);
}

static void after_restart(void)
{
	struct store_recover r = {.running = NULL};
	struct store_pause resume = {.recipe = world_recipe};
	struct store_place place = {.id = kept_queued, .limit = 10}, resumed = place;
	uint64_t by_state[ORDER_STATES];

	store_recover(world_store, &r);
	ck_assert_int_eq(await_future_shielded(&r.op.done), 0);
	ck_assert_uint_eq(r.running_count, 1);
	ck_assert_int_eq(r.running[0]->id, kept_running);
	ck_assert_int_eq(r.running[0]->attempts, 1);
	ck_assert_int_eq(memcmp(r.running[0]->payload, "flour", 5), 0);
	ck_assert_uint_eq(r.recipe_count, 1);
	ck_assert_ptr_eq(r.recipes[0], world_recipe);
	ck_assert_uint_eq(r.paused_count, 1);
	ck_assert_ptr_eq(r.paused[0], world_recipe);
	ck_assert_int_eq(r.next_due_ms, INT64_MAX);
	store_head_free(r.running[0]);
	free(r.running);
	free(r.recipes);
	free(r.paused);
	store_recipe_counts(world_store, world_recipe, by_state);
	ck_assert_uint_eq(by_state[ORDER_QUEUED], 1);
	ck_assert_uint_eq(by_state[ORDER_RUNNING], 1);
	store_place(world_store, &place);
	ck_assert_int_eq(await_future_shielded(&place.op.done), 0);
	ck_assert_str_eq(place.paused_by, "baker");
	ck_assert_str_eq(place.paused_reason, "flour");
	store_pause(world_store, &resume);
	ck_assert_int_eq(await_future_shielded(&resume.op.done), 0);
	store_place(world_store, &resumed);
	ck_assert_int_eq(await_future_shielded(&resumed.op.done), 0);
	ck_assert_str_eq(resumed.paused_by, "");
	store_recover(world_store, &r);
	ck_assert_int_eq(await_future_shielded(&r.op.done), 0);
	ck_assert_uint_eq(r.paused_count, 0);
	store_head_free(r.running[0]);
	free(r.running);
	free(r.recipes);
	free(r.paused);
}

START_TEST (a_restart_finds_all_of_it) {
	store_world_run(before_restart);
	store_world_run(after_restart);
}
END_TEST

/* ---- what fails ---- */

/* Five submissions of one turn, so of one commit; their errors. */
static void submit_five(int errors[5])
{
	struct store_submit r[5];

	for (int i = 0; i < 5; i++) {
		r[i] = a_submit("flour", NULL);
		store_submit(world_store, &r[i]);
	}
	for (int i = 0; i < 5; i++)
		errors[i] = await_future_shielded(&r[i].op.done);
}

static void failed_commit(void)
{
	const struct store_event *events;
	struct store_stats stats;
	int errors[5];
	int64_t id;

	await_order("flour");
	store_world_forget();
	arm("store.after_commit:1:EIO");
	submit_five(errors);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(errors[i], ERR_UNCERTAIN);
	/* The store is opened again and goes on; ids and numbers do not come twice. */
	id = await_order("sugar");
	store_stats_get(world_store, &stats);
	ck_assert_uint_eq(stats.storage_errors, 5);
	/* This commit had reached the disk, and so it counts, and is told of before what came later. */
	ck_assert_uint_eq(store_world_events(&events), 6);
	for (int i = 1; i < 6; i++)
		ck_assert_uint_eq(events[i].seq, events[0].seq + (uint64_t)i);
	ck_assert_str_eq(events[0].recipe, "cake");
	ck_assert_int_eq(events[0].state, ORDER_QUEUED);
	ck_assert_int_eq(events[5].id, id);
	ck_assert_uint_eq(stats.by_state[ORDER_QUEUED], 7);
}

START_TEST (a_failed_commit_is_uncertain_and_the_store_goes_on) {
	store_world_run(failed_commit);
}
END_TEST

static void late_failure(void)
{
	int errors[5];

	/* Only what COMMIT itself says of a full disk is certain. */
	arm("store.after_commit:1:ENOSPC");
	submit_five(errors);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(errors[i], ERR_UNCERTAIN);
}

START_TEST (what_fails_after_the_commit_is_uncertain_whatever_it_is) {
	store_world_run(late_failure);
}
END_TEST

static void failed_write(void)
{
	struct store_stats stats;
	int errors[5];

	arm("store.before_commit:1:ENOSPC");
	submit_five(errors);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(errors[i], ERR_STORAGE);
	submit_five(errors);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(errors[i], 0);
	store_stats_get(world_store, &stats);
	ck_assert_uint_eq(stats.by_state[ORDER_QUEUED], 5);
	ck_assert_uint_eq(stats.seq, 5);
}

START_TEST (what_fails_before_the_commit_is_certainly_not_stored) {
	store_world_run(failed_write);
}
END_TEST

static void bad_request(void)
{
	struct store_stats stats;
	int errors[5], refused = 0;

	/* The third fails, so they are applied one by one; there another fails, and only that. */
	arm("store.statement:3:EINVAL,store.statement:6:EINVAL");
	submit_five(errors);
	for (int i = 0; i < 5; i++) {
		ck_assert(errors[i] == 0 || errors[i] == ERR_STORAGE);
		refused += errors[i] < 0;
	}
	ck_assert_int_eq(refused, 1);
	store_stats_get(world_store, &stats);
	ck_assert_uint_eq(stats.by_state[ORDER_QUEUED], 4);
	ck_assert_uint_eq(stats.seq, 4);
}

START_TEST (one_bad_request_fails_alone) {
	store_world_run(bad_request);
}
END_TEST

static void closed_for_now(void)
{
	struct store_order o;
	int errors[5];
	int64_t id = await_order("flour");

	/* It cannot be opened twice: after the failure, and for the next batch. */
	arm("store.after_commit:1:EIO,store.reopen:1:EIO,store.reopen:2:EIO");
	submit_five(errors);
	ck_assert_int_eq(errors[0], ERR_UNCERTAIN);
	submit_five(errors);
	ck_assert_int_eq(errors[0], ERR_STORAGE);
	/* Reads go on meanwhile. */
	ck_assert_int_eq(await_get(id, &o), 0);
	store_order_clear(&o);
	submit_five(errors);
	ck_assert_int_eq(errors[0], 0);
}

START_TEST (a_store_that_cannot_be_opened_again_refuses_until_it_can) {
	store_world_run(closed_for_now);
}
END_TEST

START_TEST (files_are_the_owners_only) {
	static const char *const names[] = {"bakery.db", "bakery.db-wal", "bakery.db-mark"};
	char path[512], why[256];
	struct stat st;

	umask(0);
	ck_assert_int_eq(store_world_open(10, why), 0);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", store_world_dir(), names[i]);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
	store_world_close();
}
END_TEST

START_TEST (open_tells_why_it_cannot) {
	struct store_options o = {.dir = "/nowhere/at/all", .owner = "test", .loop = world_loop};
	struct store *s = NULL;
	char why[256];

	ck_assert_int_eq(store_open(&o, &s, why), -ENOENT);
	ck_assert_ptr_null(s);
	ck_assert_ptr_nonnull(strstr(why, "/nowhere/at/all/bakery.db"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("store");
	tcase_add_checked_fixture(t, world_setup, world_clear);
	tcase_add_test(t, lives_a_whole_life);
	tcase_add_test(t, same_key_gives_the_same_order);
	tcase_add_test(t, twenty_submissions_with_one_key_make_one_order);
	tcase_add_test(t, a_full_queue_refuses);
	tcase_add_test(t, a_result_of_an_earlier_attempt_changes_nothing);
	tcase_add_test(t, an_id_that_was_never_given_is_not_found);
	tcase_add_test(t, cancel_of_queued_and_of_running);
	tcase_add_test(t, payload_and_result_by_parts);
	tcase_add_test(t, results_of_steps_are_kept_until_the_order_is_done);
	tcase_add_test(t, the_step_that_failed_is_known);
	tcase_add_test(t, a_result_of_a_step_replaces_it_and_later_ones);
	tcase_add_test(t, large_results_of_steps_and_a_restart);
	tcase_add_test(t, a_result_of_a_step_that_cannot_be_stored);
	tcase_add_test(t, delayed_orders_are_queued_when_due);
	tcase_add_test(t, a_restart_finds_all_of_it);
	tcase_add_test(t, a_failed_commit_is_uncertain_and_the_store_goes_on);
	tcase_add_test(t, what_fails_after_the_commit_is_uncertain_whatever_it_is);
	tcase_add_test(t, what_fails_before_the_commit_is_certainly_not_stored);
	tcase_add_test(t, one_bad_request_fails_alone);
	tcase_add_test(t, a_store_that_cannot_be_opened_again_refuses_until_it_can);
	tcase_add_test(t, files_are_the_owners_only);
	tcase_add_test(t, open_tells_why_it_cannot);
	return unit_run();
}
