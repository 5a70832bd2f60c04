/*
 * What clients see when they look: the step that a running order is in, why it waits, what can be ordered, and what the daemon's tasks do.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/session/shared.h"
#include "daemon/task/task.h"
#include "proto/value.h"
#include "tests/unit/session_world.h"
#include "tests/unit/unit.h"

static struct value *answer(struct client *c, const char *request)
{
	struct value_parser *p;
	struct value *v = NULL;
	struct buf in = {0};
	int r = 0;
	ck_assert_int_eq(value_parser_new(&p), 0);
	send_bytes(c, request);
	send_bytes(c, "\r\n");
	for (int i = 0; r == 0 && i < 100000; i++) {
		run_turns(1);
		read_some(c);
		ck_assert_int_eq(buf_append(&in, c->got, c->len), 0);
		c->len = 0;
		r = value_parse(p, &in, &v);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(in.len, 0);
	buf_clear(&in);
	value_parser_free(p);
	return v;
}

/* A member of a map, as text: "null" for none, numbers in decimal. */
static const char *member(const struct value *map, const char *name)
{
	static char number[24];
	const struct value *v = value_get(map, name);
	ck_assert_msg(v, "no %s", name);
	if (v->type == VALUE_NULL)
		return "null";
	if (v->type != VALUE_INT)
		return v->text;
	snprintf(number, sizeof number, "%lld", (long long)v->number);
	return number;
}

static void set_up_resp3(void)
{
	set_up();
	value_free(answer(&one, "HELLO 3"));
	ask(&one, "ORDER cake {}", "$1\r\n1\r\n");
}

static void run_in(const char *step, int number, int try, const char *waits_for, const char *pool)
{
	tell(1, ORDER_RUNNING);
	fake_doing = (struct sched_doing){
	    .step = step, .number = number, .count = 2, .try = try, .waits_for = waits_for, .pool = pool};
}

START_TEST (status_tells_the_step) {
	struct value *v = answer(&one, "STATUS 1");
	ck_assert_str_eq(member(v, "step"), "null");
	ck_assert_str_eq(member(v, "waits_for"), "null");
	ck_assert_str_eq(member(v, "pool"), "null"); /* its first step needs no worker */
	ck_assert_str_eq(member(v, "retries"), "3");
	value_free(v);
	run_in("bake", 2, 1, "job", "ovens");
	v = answer(&one, "STATUS 1");
	ck_assert_str_eq(member(v, "step"), "bake");
	ck_assert_str_eq(member(v, "waits_for"), "job");
	ck_assert_str_eq(member(v, "pool"), "ovens");
	value_free(v);
	v = answer(&one, "LIST");
	ck_assert_str_eq(member(&v->items[1].items[0], "step"), "bake");
	value_free(v);
	/* The store says that it is done: whatever the scheduler still knows is over. */
	tell(1, ORDER_DONE);
	v = answer(&one, "STATUS 1");
	ck_assert_str_eq(member(v, "step"), "null");
	value_free(v);
}
END_TEST

START_TEST (status_of_one_that_nothing_is_known_of) {
	tell(1, ORDER_RUNNING);
	struct value *v = answer(&one, "STATUS 1");
	ck_assert_str_eq(member(v, "state"), "running");
	ck_assert_str_eq(member(v, "step"), "null");
	ck_assert_str_eq(member(v, "waits_for"), "null");
	value_free(v);
	v = answer(&one, "EXPLAIN 1");
	ck_assert_str_eq(member(v, "waits_for"), "job");
	value_free(v);
}
END_TEST

static int sleep_long(void *arg)
{
	(void)arg;
	return await_sleep_ms(1000000);
}

START_TEST (explain_tells_the_step) {
	static const struct {
		const char *step, *waits_for, *pool, *text;
		int number, try;
	} rows[] = {
	    {"mix", "sleep", NULL, "Attempt 0 is in step 1 of 2, 'mix': it sleeps.", 1, 1},
	    {"mix", "", NULL, "Attempt 0 is in step 1 of 2, 'mix'.", 1, 1},
	    {"mix", "backoff", NULL,
		"Attempt 0 is in step 1 of 2, 'mix', try 3: it failed and waits to be tried again.", 1, 3},
	    {"bake", "job", "ovens",
		"Attempt 0 is in step 2 of 2, 'bake': its job runs in pool 'ovens' (3 of its 4 workers are "
		"busy).",
		2, 1},
	    {"bake", "worker", "ovens",
		"Attempt 0 is in step 2 of 2, 'bake': it waits for a worker in pool 'ovens' (3 of its 4 "
		"workers "
		"are busy).",
		2, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		run_in(rows[i].step, rows[i].number, rows[i].try, rows[i].waits_for, rows[i].pool);
		struct value *v = answer(&one, "EXPLAIN 1");
		ck_assert_str_eq(member(v, "waits_for"), *rows[i].waits_for ? rows[i].waits_for : "null");
		ck_assert_str_eq(member(v, "text"), rows[i].text);
		value_free(v);
	}
}
END_TEST

START_TEST (explain_tells_since_when_it_waits) {
	run_in("mix", 1, 1, "sleep", NULL);
	fake_doing.since_ns = clock_mono_ns();
	char when[25], text[100];
	clock_format_utc(clock_wall_ms(), when);
	struct value *v = answer(&one, "EXPLAIN 1");
	/* To the hour: what follows is the clock's. */
	snprintf(text, sizeof text, "Attempt 0 is in step 1 of 2, 'mix': it sleeps, since %.11s", when);
	ck_assert_msg(strncmp(member(v, "text"), text, strlen(text)) == 0, "%s", member(v, "text"));
	value_free(v);
}
END_TEST

/* ---- TASKS ---- */

START_TEST (tasks_tells_what_they_wait_for) {
	struct task *t;
	struct task_spec spec = {.name = "order", .id = 41, .fn = sleep_long};
	ck_assert_int_eq(task_spawn(&spec, &t), 0);
	run_turns(5);
	clock_test_advance(2 * NS_PER_S, 2000);
	struct value *v = answer(&one, "TASKS");
	ck_assert_int_eq(v->type, VALUE_ARRAY);
	ck_assert_uint_eq(
	    v->count, 2); /* the other one is the errand itself: its connection's task has ended */
	const struct value *row = &v->items[0];
	ck_assert_uint_eq(row->count, 2 * 9);
	ck_assert_str_eq(member(row, "name"), "order");
	ck_assert_str_eq(member(row, "about"), "order");
	ck_assert_str_eq(member(row, "id"), "41");
	ck_assert_str_eq(member(row, "state"), "waiting");
	ck_assert_str_ne(member(row, "waits_for"), "null");
	ck_assert_int_ge(value_get(row, "age")->number, 2000);
	ck_assert_int_ge(value_get(row, "since")->number, 2000);
	ck_assert_int_le(value_get(row, "since")->number, value_get(row, "age")->number);
	ck_assert_str_eq(member(row, "stack"), "16384");
	row = &v->items[1];
	ck_assert_str_eq(member(row, "name"), "tasks");
	ck_assert_str_eq(member(row, "about"), "client");
	ck_assert_str_eq(member(row, "state"), "running");
	ck_assert_str_eq(member(row, "waits_for"), "null");
	value_free(v);
	v = answer(&one, "TASKS COUNT 1");
	ck_assert_uint_eq(v->count, 1);
	ck_assert_str_eq(member(&v->items[0], "id"), "41"); /* the oldest */
	value_free(v);
	task_cancel(t);
	run_turns(5);
}
END_TEST

START_TEST (tasks_is_for_who_may_read_all) {
	value_free(answer(&one, "RESET"));
	ask(&one, "TASKS COUNT 0", "-BADARG COUNT: expected 1 to 100000\r\n");
	ask(&one, "TASKS COUNT 100001", "-BADARG COUNT: expected 1 to 100000\r\n");
	ask(&one, "TASKS ALL", "-ERR unknown option 'ALL'\r\n");
	ask(&one, "AUTH shop sesame", "+OK\r\n");
	ask(&one, "TASKS", "-NOPERM 'tasks' needs the right 'read all'\r\n");
}
END_TEST

enum { MANY = 20000 };

static int count_turns(void *arg)
{
	for (int *n = arg; await_yield() == 0;)
		++*n;
	return 0;
}

static int end_crowd(void *arg)
{
	await_scope_close(arg);
	return 0;
}

START_TEST (many_tasks_do_not_hold_the_loop) {
	struct scope *crowd;
	struct task *other;
	int turns = 0;
	ck_assert_int_eq(scope_new(&crowd, "crowd"), 0);
	for (int i = 0; i < MANY; i++) {
		struct task_spec spec = {.name = "sleeper", .fn = sleep_long, .scope = crowd};
		ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	}
	struct task_spec spec = {.name = "other", .fn = count_turns, .arg = &turns};
	ck_assert_int_eq(task_spawn(&spec, &other), 0);
	struct value *v = answer(&one, "TASKS");
	ck_assert_uint_eq(v->count, 1000);
	ck_assert_str_eq(member(&v->items[0], "id"), "null");
	ck_assert_str_eq(member(&v->items[0], "about"), "null");
	value_free(v);
	turns = 0;
	v = answer(&one, "TASKS COUNT 100000");
	ck_assert_uint_eq(v->count, MANY + 2);
	value_free(v);
	ck_assert_int_ge(turns, MANY / 500); /* others ran between the pieces */
	task_cancel(other);
	spec = (struct task_spec){.name = "end", .fn = end_crowd, .arg = crowd};
	ck_assert_int_eq(task_spawn(&spec, NULL), 0);
	run_turns(10);
}
END_TEST

/* ---- RECIPES, STATS ---- */

START_TEST (recipes_tell_all_that_a_form_needs) {
	struct value *v = answer(&one, "RECIPES cake");
	ck_assert_str_eq(member(v, "pool"), "null");
	const struct value *steps = value_get(v, "steps");
	ck_assert_uint_eq(steps->count, 2);
	ck_assert_str_eq(member(&steps->items[0], "name"), "gather");
	ck_assert_str_eq(member(&steps->items[0], "kind"), "http");
	ck_assert_str_eq(member(&steps->items[0], "pool"), "null");
	ck_assert_str_eq(member(&steps->items[1], "kind"), "run");
	ck_assert_str_eq(member(&steps->items[1], "pool"), "ovens");
	const struct value *params = value_get(v, "params"), *flavour = &params->items[0],
			   *weight = &params->items[1];
	ck_assert_str_eq(member(flavour, "max"), "20");
	ck_assert_str_eq(member(flavour, "min"), "null");
	ck_assert_str_eq(member(flavour, "pattern"), "[a-z]+");
	ck_assert_uint_eq(value_get(flavour, "one_of")->count, 2);
	ck_assert_str_eq(value_get(flavour, "one_of")->items[1].text, "madeira");
	ck_assert_str_eq(member(flavour, "under"), "null");
	ck_assert_str_eq(member(weight, "max"), "0.8");
	ck_assert_str_eq(member(weight, "min"), "null");
	ck_assert_str_eq(member(weight, "one_of"), "null");
	value_free(v);
	v = answer(&one, "RECIPES bytes");
	ck_assert_str_eq(member(v, "pool"), "ovens");
	value_free(v);
}
END_TEST

START_TEST (stats_tell_of_the_loop) {
	struct value *v = answer(&one, "STATS");
	const struct value *group = value_get(v, "loop");
	ck_assert_ptr_nonnull(group);
	for (size_t i = 0; i + 1 < group->count; i += 2)
		if (strcmp(group->items[i].text, "longest_hold") != 0)
			ck_assert_int_eq(group->items[i + 1].type, VALUE_INT);
	ck_assert_int_ge(value_get(group, "spawned")->number, 1);
	ck_assert_int_ge(value_get(group, "tasks")->number, 1);
	ck_assert_int_ge(value_get(group, "stacks_used")->number, 1);
	ck_assert_str_ne(member(group, "longest_hold"), "");
	member(group, "ready");
	member(group, "stacks_cached");
	ck_assert_ptr_null(value_get(v, "steps")); /* where there are none */
	value_free(v);
	world_sessions->steps = (struct steps *)&fake_seq; /* only to be given back */
	v = answer(&one, "STATS");
	ck_assert_str_eq(member(value_get(v, "steps"), "requests"), "7");
	ck_assert_str_eq(member(value_get(v, "steps"), "waiting"), "2");
	value_free(v);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("session-looks");
	tcase_add_checked_fixture(t, set_up_resp3, tear_down);
	tcase_add_test(t, status_tells_the_step);
	tcase_add_test(t, status_of_one_that_nothing_is_known_of);
	tcase_add_test(t, explain_tells_the_step);
	tcase_add_test(t, explain_tells_since_when_it_waits);
	tcase_add_test(t, tasks_tells_what_they_wait_for);
	tcase_add_test(t, tasks_is_for_who_may_read_all);
	tcase_add_test(t, many_tasks_do_not_hold_the_loop);
	tcase_add_test(t, recipes_tell_all_that_a_form_needs);
	tcase_add_test(t, stats_tell_of_the_loop);
	return unit_run();
}
