/* Pools of real worker processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/worker/worker.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/unit.h"

struct hand { /* a worker process, as its supervisor has it */
	pid_t pid;
	int index;
	struct channel control;
};

static void introduce(struct hand *h, bool fresh)
{
	int fds[2];
	ck_assert_int_eq(channel_pair(fds), 0);
	ck_assert_int_eq(channel_send(&h->control, MESSAGE_FRONT, fds[0]), 0);
	ck_assert_int_eq(channel_flush(&h->control), 0);
	ck_assert_int_eq(pools_add_worker(pools, "ovens", h->index, h->pid, fds[1], fresh), 0);
}

static void start_worker(struct hand *h, int index)
{
	int fds[2];
	const char *dir = unit_dir();
	ck_assert_int_eq(channel_pair(fds), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct worker_options o = {.conf = &pool_conf,
		    .generation = 1,
		    .pool = &pool_conf.pools[0],
		    .index = index,
		    .control_fd = fds[1],
		    .lock_fd = -1,
		    .instance = "0123456789abcdef",
		    .server = "unix:/s",
		    .work_dir = dir};
		getrlimit(RLIMIT_NOFILE, &o.nofile);
		_exit(worker_main(&o));
	}
	close(fds[1]);
	*h = (struct hand){.pid = pid, .index = index};
	ck_assert_int_eq(channel_init(&h->control, fds[0]), 0);
}

static void end_worker(struct hand *h)
{
	channel_clear(&h->control);
	int status;
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_int_eq(status, 0);
}

/* ---- jobs ---- */

START_TEST (a_worker_takes_one_job_after_the_other) {
	struct hand h;
	set_up();
	ck_assert_int_eq(start_job(0, "true"), -EAGAIN);
	start_worker(&h, 0);
	introduce(&h, true);
	struct pool_stats s;
	pool_stats_get(ovens, &s);
	ck_assert_int_eq(s.starting, 1);
	run_until(one_idle);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(start_job(0, "echo hello; echo warned >&2"), 0);
		ck_assert_int_eq(pool_busy_count(ovens), 1);
		ck_assert_int_eq(start_job(1, "true"), -EAGAIN);
		run_until(first_ended);
		expect_result(0, "hello\n");
		ck_assert_mem_eq(runs[0].outcome.message, "warned\n", 7);
		/* It could go on, but for what has not been released. */
		ck_assert_int_eq(pool_idle_count(ovens), 1);
		job_run_release(&runs[0]);
		ck_assert_int_eq(pool_idle_count(ovens), 1);
	}
	pool_stats_get(ovens, &s);
	ck_assert_int_eq(s.workers, 1);
	ck_assert_uint_eq(s.jobs, 20);
	ck_assert_uint_eq(s.lost, 0);
	take_down();
	end_worker(&h);
}
END_TEST

static int last;

static bool last_ended(void)
{
	return future_is_final(&runs[last].ended);
}

START_TEST (a_worker_goes_on_until_it_holds_too_many_outcomes) {
	struct hand h;
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	for (last = 0; last < WORKER_HELD_MAX; last++) {
		ck_assert_int_eq(start_job(last, "echo $BAKERY_ORDER"), 0);
		run_until(last_ended);
	}
	ck_assert_int_eq(pool_idle_count(ovens), 0);
	ck_assert_int_eq(pool_busy_count(ovens), 1);
	ck_assert_int_eq(start_job(last, "true"), -EAGAIN);
	/* In any order. */
	job_run_release(&runs[1]);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	ck_assert_int_eq(start_job(last, "echo $BAKERY_ORDER"), 0);
	run_until(last_ended);
	for (int i = 0; i <= last; i++) {
		if (i == 1)
			continue;
		char expected[20];
		snprintf(expected, sizeof expected, "%d\n", 100 + i);
		expect_result(i, expected);
		job_run_release(&runs[i]);
	}
	take_down();
	end_worker(&h);
}
END_TEST

START_TEST (workers_work_at_the_same_time) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	/* Each waits for the other. */
	char script[400];
	snprintf(script, sizeof script,
	    "cd %s; echo > $BAKERY_WORKER; while ! test -e 0 -a -e 1; do sleep 0.01; done", unit_dir());
	ck_assert_int_eq(start_job(0, script), 0);
	ck_assert_int_eq(start_job(1, script), 0);
	ck_assert_ptr_ne(runs[0].worker, runs[1].worker);
	run_until(two_ended);
	job_run_release(&runs[0]);
	job_run_release(&runs[1]);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

START_TEST (a_job_is_stopped) {
	struct hand h;
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	job_run_stop(&runs[0], JOB_STOP_CANCEL);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_CANCELLED);
	job_run_stop(&runs[0], JOB_STOP_CANCEL); /* too late is fine */
	job_run_release(&runs[0]);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	job_run_stop(&runs[0], JOB_STOP_DRAIN);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_DRAINED);
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h);
}
END_TEST

/* ---- big ones ---- */

START_TEST (big_results_go_both_ways) {
	enum { BIG = 20 << 20 };
	struct hand h;
	char *big = malloc(BIG);
	ck_assert_ptr_nonnull(big);
	for (int i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 256);
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	const struct job_result results[] = {{.step = 0, .bytes = {big, BIG}}};
	const struct job job = {.order = 1,
	    .attempt = 1,
	    .step = 1,
	    .try = 2,
	    .recipe = "cake",
	    .generation = 1,
	    .timeout_ms = CONF_NONE,
	    .payload = {"cat; cat /dev/null", 18},
	    .results = results,
	    .result_count = 1};
	ck_assert_int_eq(start_job_as_it_is(0, &job), 0);
	ck_assert_int_eq(runs[0].step, 1);
	ck_assert_int_eq(runs[0].try, 2);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_EXIT);
	ck_assert(!runs[0].outcome.result_cut);
	ck_assert_uint_eq(runs[0].outcome.result_len, BIG);
	ck_assert_mem_eq(runs[0].outcome.result, big, BIG);
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h);
	free(big);
}
END_TEST

/* More than limits.result is by default, by far: it is a matter of the configuration, not of the messages. */
START_TEST (a_very_big_result) {
	enum { BIG = 70 << 20 };
	struct hand h;
	set_up();
	start_worker(&h, 0);
	introduce(&h, true);
	run_until(one_idle);
	const struct job job = {.order = 1,
	    .attempt = 1,
	    .recipe = "cake",
	    .generation = 1,
	    .timeout_ms = CONF_NONE,
	    .payload = {"head -c 73400320 /dev/zero", 26}};
	ck_assert_int_eq(start_job_as_it_is(0, &job), 0);
	run_until(first_ended);
	ck_assert_int_eq(runs[0].outcome.cause, CAUSE_EXIT);
	ck_assert_uint_eq(runs[0].outcome.result_len, BIG);
	ck_assert(!runs[0].outcome.result_cut);
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h);
}
END_TEST

/* ---- another front ---- */

/* The front dies and another one meets the same workers. */
static void replace_front(struct hand *h, int count)
{
	for (int i = 0; i < count; i++)
		free(runs[i].bytes); /* its memory goes with it */
	pools_free(pools);
	start_front();
	for (int i = 0; i < count; i++)
		introduce(&h[i], false);
	pools_announced(pools);
}

START_TEST (a_new_front_adopts_what_runs_and_what_has_ended) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	char script[400], go[300];
	snprintf(go, sizeof go, "%s/go", unit_dir());
	snprintf(script, sizeof script, "while ! test -e %s; do sleep 0.01; done; echo went on", go);
	ck_assert_int_eq(start_job(0, script), 0);
	ck_assert_int_eq(start_job(1, "echo ended"), 0);
	run_until(second_ended);

	replace_front(h, 2);
	run_until(is_settled);
	ck_assert_int_eq(claims, 2);
	int running = claim[0].order == 100 ? 0 : 1;
	ck_assert_int_eq(claim[running].order, 100);
	ck_assert(!claim[running].ended);
	ck_assert_int_eq(claim[!running].order, 101);
	ck_assert(claim[!running].ended);
	ck_assert_int_eq(pool_idle_count(ovens), 1);
	ck_assert_int_eq(job_run_adopt(claimed[running], &claim[running], &runs[0]), 0);
	ck_assert_int_eq(job_run_adopt(claimed[!running], &claim[!running], &runs[1]), 0);
	watch(0);
	watch(1);
	run_until(second_ended);
	expect_result(1, "ended\n");
	ck_assert(!first_ended());
	close(open(go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	run_until(first_ended);
	expect_result(0, "went on\n");
	job_run_release(&runs[0]);
	job_run_release(&runs[1]);
	ck_assert_int_eq(pool_idle_count(ovens), 2);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

START_TEST (a_new_front_discards_what_is_nobodys) {
	struct hand h[2];
	set_up();
	for (int i = 0; i < 2; i++) {
		start_worker(&h[i], i);
		introduce(&h[i], true);
	}
	run_until(two_idle);
	ck_assert_int_eq(start_job(0, "sleep 1000"), 0);
	ck_assert_int_eq(start_job(1, "echo ended"), 0);
	run_until(second_ended);
	replace_front(h, 2);
	run_until(two_claims);
	job_discard(claimed[0], &claim[0]);
	job_discard(claimed[1], &claim[1]);
	run_until(two_idle);
	ck_assert_int_eq(start_job(0, "echo fresh"), 0);
	run_until(first_ended);
	expect_result(0, "fresh\n");
	job_run_release(&runs[0]);
	take_down();
	end_worker(&h[0]);
	end_worker(&h[1]);
}
END_TEST

int main(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	TCase *t = unit_case("pool");
	tcase_add_test(t, a_worker_takes_one_job_after_the_other);
	tcase_add_test(t, a_worker_goes_on_until_it_holds_too_many_outcomes);
	tcase_add_test(t, workers_work_at_the_same_time);
	tcase_add_test(t, a_job_is_stopped);
	tcase_add_test(t, big_results_go_both_ways);
	tcase_add_test(t, a_very_big_result);
	tcase_add_test(t, a_new_front_adopts_what_runs_and_what_has_ended);
	tcase_add_test(t, a_new_front_discards_what_is_nobodys);
	return unit_run();
}
