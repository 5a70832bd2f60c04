/* Memory is refused to light steps, to libcurl and to libevent: each try ends with an outcome that says so, the service goes on, nothing leaks. */
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "tests/unit/refuse.h"
#include "tests/unit/step_world.h"
#include "tests/unit/unit.h"

static char *duplicate(const char *text)
{
	char *copy = malloc(strlen(text) + 1);
	return copy ? strcpy(copy, text) : NULL;
}

/* The libraries ask us for memory, so that we can refuse it. The first to set libcurl up decides. */
static void setup(void)
{
	event_set_mem_functions(malloc, realloc, free);
	ck_assert_int_eq(
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc, duplicate, calloc), CURLE_OK);
	step_world_setup();
}

static void clear(void)
{
	step_world_clear();
	curl_global_cleanup();
}

static const struct {
	const char *path;
	int redirects;
	const char *body;
} kinds[] = {{"/bytes/3", 0, NULL}, {"/to/302?/chunked/70000", 1, NULL}, {"/status/503?5", 0, "eggs"}};

static void init(struct trial *x, size_t kind)
{
	char url[256];
	snprintf(url, sizeof url, "http://localhost:%u%s", step_server_port(world_server), kinds[kind].path);
	trial_init(x, url);
	x->step.http.redirects = kinds[kind].redirects;
	if (kinds[kind].body) {
		x->step.http.method = (char *)"POST";
		x->step.http.body = (char *)kinds[kind].body;
	}
}

/* It ended as it does with memory, or for want of it. */
static void check_outcome(const struct trial *x, size_t kind)
{
	const struct order_outcome *o = &x->try.outcome;
	ck_assert_int_eq(x->r, 0);
	if (o->cause == CAUSE_NONE)
		ck_assert_uint_eq(o->result_len, kind == 0 ? 3 : 70000);
	else
		ck_assert_msg(!o->permanent && (o->cause == CAUSE_SPAWN || o->cause == CAUSE_HTTP),
		    "%s: %.*s", order_cause_word(o->cause), (int)o->message_len, o->message);
}

/* A fresh name, and a fresh connection: as at the first time. */
static void start_afresh(void)
{
	steps_free(world_steps);
	ck_assert_int_eq(steps_new(&world_conf, &world_steps), 0);
}

static void refuse_each(void (*refuse)(long n))
{
	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
		bool refused = true;
		for (long n = 0; refused; n++) {
			struct trial x;
			init(&x, kind);
			trial_spawn(&x);
			refuse(n);
			world_run();
			refused = refuse_was_done();
			refuse_memory_never();
			check_outcome(&x, kind);
			ck_assert_int_lt(n, 5000);
			trial_clear(&x);
			start_afresh();
		}
	}
}

START_TEST (one_allocation_is_refused) {
	refuse_each(refuse_memory_once);
}
END_TEST

START_TEST (all_are_refused_from_then_on) {
	refuse_each(refuse_memory_after);
}
END_TEST

START_TEST (what_they_share_is_refused) {
	steps_free(world_steps);
	world_steps = NULL;
	int r = -ENOMEM;
	long n = 0;
	for (; r < 0; n++) {
		refuse_memory_after(n);
		r = steps_new(&world_conf, &world_steps);
		refuse_memory_never();
		ck_assert(r == 0 || r == -ENOMEM);
	}
	ck_assert_int_gt(n, 3);
	struct trial x;
	trial_init(&x, "/bytes/3");
	expect_result(&x, 3);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("memory");
	tcase_add_checked_fixture(t, setup, clear);
	tcase_set_timeout(t, 240);
	tcase_add_test(t, one_allocation_is_refused);
	tcase_add_test(t, all_are_refused_from_then_on);
	tcase_add_test(t, what_they_share_is_refused);
	return unit_run();
}
