/*
 * Recipes of several steps: the way of an order through them, what interleaves, who waits for a worker in which order.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/unit/sched_world.h"

#define assert_done(text)              ck_assert_str_eq(fake_steps_done(), (text))
#define assert_results(w, order, text) ck_assert_str_eq(fake_pool_results((w)->pools, (order)), (text))

static void await_step_ends(int64_t order, const char *result)
{
	fake_steps_end(order, CAUSE_NONE, result);
	await_settled();
}

static void await_job_ends(struct world *w, int64_t order, const char *result)
{
	fake_pool_end(w->pools, order, CAUSE_EXIT, 0, result);
	await_settled();
}

/* ---- the way ---- */

static int await_way(struct world *w)
{
	struct fake_order *o;

	await_recovered(w);
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	assert_done("1:gather");
	assert_state(w, 1, "running");
	ck_assert_mem_eq(fake_steps_find(1)->values.payload.data, "{}", 2);
	await_step_ends(1, "flour");
	o = fake_store_find(w->store, 1);
	ck_assert_mem_eq(o->steps[0].bytes, "flour", 5);
	assert_done("1:gather. 1:mix");
	/* Its results are not held: it names none. */
	ck_assert_ptr_null(fake_steps_find(1)->values.results);
	ck_assert_int_eq(fake_steps_held(), 0);
	fake_steps_turn(1);
	await_settled();
	assert_started(w, "");
	await_step_ends(1, NULL);
	assert_done("1:mix 1:mix.");
	assert_started(w, "1.1/2");
	assert_results(w, 1, "0=flour");
	await_job_ends(w, 1, "cake");
	assert_state(w, 1, "done");
	assert_cause(w, 1, "exit");
	ck_assert_mem_eq(o->result, "cake", 4);
	ck_assert(!o->steps[0].present);
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_STEP), 2);
	/* One time for the bake; none to find where to begin. */
	ck_assert_int_eq(fake_store_asked(w->store, FAKE_STEPS), 1);
	assert_events(w, "1:queued 1:running 1:done");
	return 0;
}

START_TEST (an_order_goes_through_its_steps) {
	world_run(1, await_way);
}
END_TEST

static int await_mixed(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "chain", 0);
	await_settled();
	assert_started(w, "1.1");
	fake_store_hold(w->store, FAKE_STEP, true);
	await_job_ends(w, 1, "slices");
	/* The result is with the worker only. */
	ck_assert_int_eq(fake_pool_released(w->pools), 0);
	assert_done("");
	fake_store_hold(w->store, FAKE_STEP, false);
	await_settled();
	ck_assert_int_eq(fake_pool_released(w->pools), 1);
	assert_done("1:ask");
	ck_assert_mem_eq(fake_steps_find(1)->values.results[0].bytes.data, "slices", 6);
	ck_assert(fake_steps_find(1)->values.results[0].present);
	ck_assert(!fake_steps_find(1)->values.results[1].present);
	await_step_ends(1, "yes");
	assert_started(w, "1.1/2");
	assert_results(w, 1, "0=slices 1=yes");
	await_job_ends(w, 1, NULL);
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_pool_released(w->pools), 2);
	return 0;
}

START_TEST (heavy_and_light_steps_alternate) {
	world_run(1, await_mixed);
}
END_TEST

static int await_only_light(struct world *w)
{
	w->recipes[RECIPE_LAYER].step_count = 2;
	w->steps[RECIPE_LAYER][1].kind = CONF_STEP_HTTP;
	await_recovered(w);
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	await_step_ends(1, "flour");
	await_step_ends(1, "answer");
	assert_state(w, 1, "done");
	assert_cause(w, 1, "");
	ck_assert_mem_eq(fake_store_find(w->store, 1)->result, "answer", 6);
	ck_assert_int_eq(fake_steps_held(), 0);
	w->recipes[RECIPE_LAYER].result = CONF_RESULT_NONE;
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	await_step_ends(2, "flour");
	ck_assert_uint_eq(fake_store_find(w->store, 2)->steps[0].len, 5);
	await_step_ends(2, "answer");
	assert_state(w, 2, "done");
	ck_assert_uint_eq(fake_store_find(w->store, 2)->result_len, 0);
	return 0;
}

START_TEST (an_order_may_need_no_worker_at_all) {
	world_run(0, await_only_light);
}
END_TEST

static int await_start_first(struct world *w)
{
	await_recovered(w);
	fake_store_hold(w->store, FAKE_START, true);
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	assert_done("");
	fake_store_hold(w->store, FAKE_START, false);
	await_settled();
	assert_done("1:gather");
	await_step_ends(1, NULL);
	await_step_ends(1, NULL);
	await_job_ends(w, 1, NULL);
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_light_step_begins_when_its_start_is_durable) {
	world_run(1, await_start_first);
}
END_TEST

/* ---- three cakes: what interleaves ---- */

/* The lines of the log since the file was emptied that begin with "step", as "order:step=word …". */
static const char *steps_logged(FILE *f)
{
	static char out[4096];
	char line[512], event[16], step[16], word[16];
	long long order;
	size_t len = 0;

	rewind(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "step "), *what = strstr(line, "for="), *cause;

		cause = strstr(line, "cause=");
		if (!at || sscanf(at, "step %15s", event) != 1 || !strstr(line, "order="))
			continue;
		if (sscanf(strstr(line, "order="), "order=%lld", &order) != 1 || !strstr(line, "step=") ||
		    sscanf(strstr(line, "step="), "step=%15s", step) != 1)
			continue;
		word[0] = '\0';
		if (what)
			sscanf(what, "for=%15s", word);
		else if (cause)
			sscanf(cause, "cause=%15s", word);
		else
			strcpy(word, event);
		len += (size_t)snprintf(
		    out + len, sizeof(out) - len, "%s%lld:%s=%s", len ? " " : "", order, step, word);
	}
	ck_assert_int_eq(ftruncate(fileno(f), 0), 0);
	return out;
}

static FILE *log_to_file(void)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	/* Each writes at its end. */
	ck_assert_int_eq(fcntl(fileno(f), F_SETFL, O_APPEND), 0);
	log_init("test", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	return f;
}

static int await_cakes(struct world *w)
{
	FILE *f = log_to_file();

	await_recovered(w);
	for (int i = 0; i < 3; i++)
		fake_store_submit(w->store, "layer", 0);
	await_settled();
	ck_assert_str_eq(steps_logged(f),
	    "1:gather=begins 1:gather=http 2:gather=begins 2:gather=http 3:gather=begins 3:gather=http");
	/* Their gathering ends in this order: */
	fake_steps_end(2, CAUSE_NONE, "b");
	fake_steps_end(3, CAUSE_NONE, "c");
	fake_steps_end(1, CAUSE_NONE, "a");
	await_settled();
	ck_assert_str_eq(steps_logged(f), "2:gather=none 3:gather=none 1:gather=none "
					  "2:mix=begins 2:mix=sleep 3:mix=begins 3:mix=sleep 1:mix=begins "
					  "1:mix=sleep");
	/* They mix by turns. */
	for (int i = 0; i < 2; i++) {
		fake_steps_turn(1);
		fake_steps_turn(3);
		fake_steps_turn(2);
		await_settled();
		ck_assert_str_eq(steps_logged(f), "1:mix=sleep 3:mix=sleep 2:mix=sleep");
	}
	fake_steps_end(3, CAUSE_NONE, NULL);
	fake_steps_end(1, CAUSE_NONE, NULL);
	fake_steps_end(2, CAUSE_NONE, NULL);
	await_settled();
	ck_assert_str_eq(steps_logged(f), "3:mix=none 1:mix=none 2:mix=none 3:bake=begins 1:bake=begins "
					  "2:bake=begins 2:bake=worker 3:bake=job 1:bake=job");
	assert_started(w, "3.1/2 1.1/2");
	/* The bakes overlap, and each comes out when its oven is done. */
	await_job_ends(w, 1, "cake");
	ck_assert_str_eq(steps_logged(f), "1:bake=exit 2:bake=job");
	assert_state(w, 1, "done");
	await_job_ends(w, 2, "cake");
	await_job_ends(w, 3, "cake");
	ck_assert_str_eq(steps_logged(f), "2:bake=exit 3:bake=exit");
	assert_events(w, "1:queued 2:queued 3:queued 1:running 2:running 3:running 1:done 2:done 3:done");
	fclose(f);
	return 0;
}

START_TEST (the_steps_of_three_orders_interleave_by_readiness_alone) {
	world_run(2, await_cakes);
}
END_TEST

/* ---- who is next ---- */

static int await_line(struct world *w)
{
	await_recovered(w);
	for (int i = 0; i < 4; i++)
		fake_store_submit(w->store, "layer", i == 2 ? 5 : 0);
	fake_store_submit(w->store, "cake", 100);
	await_settled();
	assert_started(w, "5.1");
	fake_store_submit(w->store, "cake", 100);
	for (int64_t id = 4; id >= 1; id--) {
		await_step_ends(id, NULL);
		await_step_ends(id, NULL);
	}
	assert_started(w, "");
	await_job_ends(w, 5, NULL);
	/* Running orders first: the highest priority, then the oldest; then new ones, however urgent. */
	for (int i = 0; i < 4; i++) {
		static const int64_t line[] = {3, 1, 2, 4};

		await_job_ends(w, line[i], NULL);
	}
	assert_started(w, "3.1/2 1.1/2 2.1/2 4.1/2 6.1");
	await_job_ends(w, 6, NULL);
	return 0;
}

START_TEST (waiting_steps_come_before_new_orders_by_priority_then_age) {
	world_run(1, await_line);
}
END_TEST

static int await_worker_gone(struct world *w)
{
	await_recovered(w);
	fake_store_submit(w->store, "layer", 0);
	await_settled();
	await_step_ends(1, "flour");
	fake_pool_refuse(w->pools, 2);
	await_step_ends(1, NULL);
	assert_started(w, "1.1/2");
	assert_results(w, 1, "0=flour");
	await_job_ends(w, 1, NULL);
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->attempt, 1);
	return 0;
}

START_TEST (a_worker_that_is_gone_before_the_job_came_costs_nothing) {
	world_run(1, await_worker_gone);
}
END_TEST

static int await_limits(struct world *w)
{
	struct sched_stats stats;
	char why[256];

	w->recipes[RECIPE_LAYER].concurrency = 100;
	w->conf.limits.running = 150;
	await_recovered(w);
	for (int i = 0; i < 300; i++)
		fake_store_submit(w->store, i % 2 ? "chain" : "layer", 0);
	await_settled();
	sched_stats_get(w->sched, &stats);
	/* Of the other recipe two: it needs workers to begin. */
	ck_assert_uint_eq(stats.running, 102);
	ck_assert_int_eq(sched_recipe_running(w->sched, "layer"), 100);
	ck_assert_int_eq(sched_why_held(w->sched, "layer", why), SCHED_HOLD_CONCURRENCY);
	ck_assert_int_eq(sched_why_held(w->sched, "chain", why), SCHED_HOLD_WORKERS);
	for (int64_t id = 1; id <= 300; id++) {
		for (int step = 0; step < 3; step++) {
			if (fake_steps_find(id))
				await_step_ends(id, NULL);
			else if (fake_pool_job(w->pools, id))
				await_job_ends(w, id, NULL);
		}
		assert_state(w, id, "done");
		ck_assert_int_le(sched_recipe_running(w->sched, "layer"), 100);
		(void)fake_pool_started(w->pools);
		(void)fake_steps_done();
	}
	return 0;
}

START_TEST (limits_hold_recipes_that_begin_without_a_worker) {
	world_run(2, await_limits);
}
END_TEST

static int await_many(struct world *w)
{
	uint64_t most = 0, before = 0;
	struct sched_stats stats;

	await_recovered(w);
	ck_assert_int_eq(await_sched_pause(w->sched, "layer", true, "me", (struct slice){"", 0}), 0);
	for (int i = 0; i < 900; i++)
		fake_store_submit(w->store, "layer", 0);
	await_settled();
	assert_done("");
	ck_assert_int_eq(await_sched_pause(w->sched, "layer", false, "me", (struct slice){"", 0}), 0);
	for (int i = 0; i < 40; i++) {
		sched_stats_get(w->sched, &stats);
		most = stats.running - before > most ? stats.running - before : most;
		before = stats.running;
		await_yield();
	}
	ck_assert_uint_eq(before, 900);
	ck_assert_uint_le(most, 128);
	w->recipes[RECIPE_LAYER].step_count = 1;
	for (int64_t id = 1; id <= 900; id++)
		fake_steps_end(id, CAUSE_NONE, NULL);
	await_settled();
	sched_stats_get(w->sched, &stats);
	ck_assert_uint_eq(stats.running, 0);
	return 0;
}

START_TEST (many_that_need_no_worker_start_a_few_at_a_time) {
	world_run(1, await_many);
}
END_TEST

/* ---- what is told ---- */

static int await_doing(struct world *w)
{
	struct sched_doing d;
	int64_t since_ns;

	await_recovered(w);
	fake_store_submit(w->store, "cake", 0);
	fake_store_submit(w->store, "layer", 0);
	fake_store_submit(w->store, "cake", 0);
	await_settled();
	ck_assert(sched_doing(w->sched, 2, &d));
	since_ns = d.since_ns;
	await_passed(5000);
	ck_assert(sched_doing(w->sched, 1, &d));
	ck_assert_str_eq(d.step, "run");
	ck_assert_str_eq(d.waits_for, "job");
	ck_assert_str_eq(d.pool, "ovens");
	ck_assert_int_eq(d.number, 1);
	ck_assert_int_eq(d.count, 1);
	ck_assert(sched_doing(w->sched, 2, &d));
	ck_assert_str_eq(d.step, "gather");
	ck_assert_str_eq(d.waits_for, "http");
	ck_assert_int_eq(d.since_ns, since_ns);
	ck_assert_ptr_null(d.pool);
	ck_assert(!sched_doing(w->sched, 3, &d));
	await_step_ends(2, NULL);
	ck_assert(sched_doing(w->sched, 2, &d));
	ck_assert_str_eq(d.waits_for, "sleep");
	ck_assert_int_ge(d.since_ns, since_ns + 5 * NS_PER_S);
	ck_assert_int_eq(d.number, 2);
	fake_store_hold(w->store, FAKE_STEP, true);
	await_step_ends(2, NULL);
	ck_assert(sched_doing(w->sched, 2, &d));
	ck_assert_str_eq(d.waits_for, "disk");
	fake_store_hold(w->store, FAKE_STEP, false);
	await_settled();
	ck_assert(sched_doing(w->sched, 2, &d));
	ck_assert_str_eq(d.waits_for, "worker");
	ck_assert_str_eq(d.step, "bake");
	ck_assert_int_eq(d.number, 3);
	ck_assert_int_eq(d.count, 3);
	ck_assert_int_eq(d.try, 1);
	await_job_ends(w, 1, NULL);
	await_job_ends(w, 2, NULL);
	await_job_ends(w, 3, NULL);
	ck_assert(!sched_doing(w->sched, 2, &d));
	return 0;
}

START_TEST (what_an_order_does_is_told) {
	world_run(1, await_doing);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("way");

	tcase_add_test(t, an_order_goes_through_its_steps);
	tcase_add_test(t, heavy_and_light_steps_alternate);
	tcase_add_test(t, an_order_may_need_no_worker_at_all);
	tcase_add_test(t, a_light_step_begins_when_its_start_is_durable);
	tcase_add_test(t, the_steps_of_three_orders_interleave_by_readiness_alone);
	t = unit_case("next");
	tcase_add_test(t, waiting_steps_come_before_new_orders_by_priority_then_age);
	tcase_add_test(t, a_worker_that_is_gone_before_the_job_came_costs_nothing);
	tcase_add_test(t, limits_hold_recipes_that_begin_without_a_worker);
	tcase_add_test(t, many_that_need_no_worker_start_a_few_at_a_time);
	t = unit_case("told");
	tcase_add_test(t, what_an_order_does_is_told);
	return unit_run();
}
