/*
 * A daemon that is gone in the middle of an order of three steps: what the next one makes of what is stored, and of what the workers say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/recipe.h"
#include "tests/unit/sched_world.h"

enum { ORDER = 1, MOMENTS_MAX = 40 };

static const char *recipe;     /* of the order */
static int moment;             /* the crash: after so many turns of the loop */
static bool over;              /* the order had ended before that */
static struct fake_order left; /* what was stored then */
static struct worker_claim claim;
static int began[3]; /* how often each step began */

/* Jobs are logged as "1.ATTEMPT" with "/STEP", light steps as "1:NAME", and as "1:NAME." when they end. */
static void count(struct world *w)
{
	char text[1024], *save = NULL;

	snprintf(text, sizeof(text), "%s ", fake_pool_started(w->pools));
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", fake_steps_done());
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		const char *step = strchr(word, '/'), *name = strchr(word, ':');

		if (!name)
			began[step ? atoi(step + 1) : 0]++;
		else if (name[strlen(name) - 1] != '.')
			began[strcmp(name, ":gather") == 0 ? 0 : 1]++;
	}
}

/* Whatever it is in ends. */
static void end_step(struct world *w)
{
	struct job_run *job = fake_pool_job(w->pools, ORDER);

	if (fake_steps_find(ORDER))
		fake_steps_end(ORDER, CAUSE_NONE, "answer");
	else if (job && !future_is_final(&job->ended))
		fake_pool_end(w->pools, ORDER, CAUSE_EXIT, 0, "kept");
}

static int await_first_daemon(struct world *w)
{
	struct job_run *job;
	struct future done;

	await_recovered(w);
	fake_store_submit(w->store, recipe, 0);
	for (int i = 0; i < moment; i++) {
		await_yield();
		count(w);
		if (i % 4 == 3)
			end_step(w);
	}
	left = fake_store_save(w->store, ORDER);
	over = order_state_final(left.state);
	job = fake_pool_job(w->pools, ORDER);
	claim = (struct worker_claim){.order = 0};
	if (job)
		claim = (struct worker_claim){
		    ORDER, job->attempt, job->step, job->try, future_is_final(&job->ended)};
	/* What comes after is only for the sake of order. */
	future_init(&done, "drained");
	sched_drain(w->sched, CLOCK_TRY, &done);
	while (!future_is_final(&done)) {
		end_step(w);
		await_yield();
	}
	(void)fake_steps_done();
	return 0;
}

static int await_second_daemon(struct world *w)
{
	fake_store_load(w->store, recipe, left);
	if (claim.order)
		fake_pool_claim_step(w->pools, claim.step == 0 ? "tables" : "ovens", &claim);
	await_recovered(w);
	for (int i = 0; i < 20; i++) {
		count(w);
		end_step(w);
		await_settled();
	}
	assert_state(w, ORDER, "done");
	ck_assert_mem_eq(fake_store_find(w->store, ORDER)->result, "kept", 4);
	ck_assert_int_eq(fake_steps_held(), 0);
	return 0;
}

static void crash_at_every_moment(const char *name)
{
	recipe = name;
	over = false;
	for (moment = 1; !over; moment++) {
		int stored = 0;

		ck_assert_int_lt(moment, MOMENTS_MAX);
		began[0] = began[1] = began[2] = 0;
		world_run(2, await_first_daemon);
		if (over)
			break;
		while (stored < 3 && left.steps[stored].present)
			stored++;
		world_run(2, await_second_daemon);
		for (int i = 0; i < 3; i++) {
			bool is_job = claim.order && claim.step == i;

			/* Each was done; again only the one that was under way and lost. */
			ck_assert_msg(began[i] >= 1 && began[i] <= (i == stored && !is_job ? 2 : 1),
			    "%s, moment %d: step %d began %d times (%d stored, job of %d)", name, moment, i,
			    began[i], stored, claim.order ? claim.step : -1);
		}
	}
	ck_assert_int_gt(moment, 12);
}

START_TEST (no_step_whose_result_is_stored_is_repeated_after_a_crash) {
	crash_at_every_moment("chain");
	crash_at_every_moment("layer");
}
END_TEST

/* ---- several claims ---- */

static int await_begun(void *arg)
{
	struct world *w = arg;

	w->recovered = await_sched_recover(w->sched) == 0;
	return 0;
}

static struct fake_order *leave_running(struct world *w, int results)
{
	struct fake_order *o = fake_store_leave(w->store, "chain", ORDER_RUNNING, 2);

	for (int i = 0; i < results; i++)
		o->steps[i] = (struct fake_result){.present = true,
		    .digest = recipe_digest(&w->recipes[RECIPE_CHAIN]),
		    .bytes = "old",
		    .len = 3};
	return o;
}

static void claims(struct world *w, const struct worker_claim *c)
{
	fake_pool_claim_step(w->pools, "ovens", c);
}

static void await_recovered_with(struct world *w)
{
	struct task_spec spec = {.name = "recover", .fn = await_begun, .arg = w};

	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	await_settled();
	ck_assert(!w->recovered);
	fake_pool_settle(w->pools);
	await_settled();
	ck_assert(w->recovered);
}

static int await_latest(struct world *w)
{
	leave_running(w, 2);
	/* The results of earlier tries and steps, not yet forgotten by their workers, in no order. */
	claims(w, &(struct worker_claim){1, 2, 2, 0, true});
	claims(w, &(struct worker_claim){1, 2, 2, 1, false});
	claims(w, &(struct worker_claim){1, 2, 0, 0, true});
	claims(w, &(struct worker_claim){1, 1, 2, 7, true});
	await_recovered_with(w);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 3);
	ck_assert_int_eq(fake_pool_job(w->pools, 1)->try, 1);
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, "cake");
	await_settled();
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->attempt, 2);
	return 0;
}

START_TEST (of_several_jobs_of_an_attempt_the_latest_is_adopted) {
	world_run(5, await_latest);
}
END_TEST

static int await_stored_already(struct world *w)
{
	leave_running(w, 1);
	claims(w, &(struct worker_claim){1, 2, 0, 0, true});
	await_recovered_with(w);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 1);
	/* It was between two steps, or in a light one: the next attempt goes on there. */
	ck_assert_int_eq(fake_steps_find(1)->values.attempt, 3);
	ck_assert_mem_eq(fake_steps_find(1)->values.results[0].bytes.data, "old", 3);
	fake_steps_end(1, CAUSE_NONE, NULL);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	ck_assert_int_eq(fake_store_find(w->store, 1)->charged, 0);
	return 0;
}

START_TEST (a_job_whose_result_is_stored_is_not_needed) {
	world_run(2, await_stored_already);
}
END_TEST

static int await_beyond(struct world *w)
{
	leave_running(w, 1)->steps[0].digest = 77; /* of another form of the recipe */
	claims(w, &(struct worker_claim){1, 2, 2, 0, false});
	await_recovered_with(w);
	ck_assert_int_eq(fake_pool_discarded(w->pools), 1);
	assert_started(w, "1.3");
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	fake_steps_end(1, CAUSE_NONE, NULL);
	await_settled();
	fake_pool_end(w->pools, 1, CAUSE_EXIT, 0, NULL);
	await_settled();
	assert_state(w, 1, "done");
	return 0;
}

START_TEST (a_job_of_a_form_of_the_recipe_that_is_gone_is_ended) {
	world_run(2, await_beyond);
}
END_TEST

static int await_once_between(struct world *w)
{
	w->recipes[RECIPE_CHAIN].at_most_once = true;
	leave_running(w, 1);
	await_recovered(w);
	assert_state(w, 1, "failed");
	assert_cause(w, 1, "daemon-lost");
	return 0;
}

START_TEST (at_most_once_a_light_step_that_was_lost_is_not_repeated) {
	world_run(2, await_once_between);
}
END_TEST

static int await_unreadable(struct world *w)
{
	leave_running(w, 1);
	fake_store_fail(w->store, FAKE_STEPS, ERR_STORAGE, false, 1);
	claims(w, &(struct worker_claim){1, 2, 1, 0, true});
	fake_pool_settle(w->pools);
	ck_assert_int_eq(await_sched_recover(w->sched), ERR_STORAGE);
	return 0;
}

START_TEST (a_recovery_that_cannot_read_steps_says_so) {
	world_run(2, await_unreadable);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("crash");

	tcase_add_test(t, no_step_whose_result_is_stored_is_repeated_after_a_crash);
	tcase_add_test(t, of_several_jobs_of_an_attempt_the_latest_is_adopted);
	tcase_add_test(t, a_job_whose_result_is_stored_is_not_needed);
	tcase_add_test(t, a_job_of_a_form_of_the_recipe_that_is_gone_is_ended);
	tcase_add_test(t, at_most_once_a_light_step_that_was_lost_is_not_repeated);
	tcase_add_test(t, a_recovery_that_cannot_read_steps_says_so);
	return unit_run();
}
