#include "tests/unit/step_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "tests/unit/unit.h"

struct conf world_conf;
struct steps *world_steps;
struct step_server *world_server;

void step_world_setup(void)
{
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	world_setup();
	world_conf = (struct conf){.limits = {.http_per_host = 64}};
	ck_assert_int_eq(steps_new(&world_conf, &world_steps), 0);
	world_server = step_server_start();
}

void step_world_clear(void)
{
	struct steps_stats stats;
	steps_stats_get(world_steps, &stats);
	ck_assert_uint_eq(stats.active, 0);
	ck_assert_uint_eq(stats.waiting, 0);
	steps_free(world_steps);
	step_server_stop(world_server);
	world_clear();
}

static void on_wait(void *arg, const char *what)
{
	struct trial *x = arg;
	size_t n = strlen(x->waited);
	if (n < sizeof x->waited - 1)
		x->waited[n] = what[0];
}

void trial_init(struct trial *x, const char *path)
{
	*x = (struct trial){.r = 1};
	if (path[0] == '/')
		snprintf(
		    x->url, sizeof x->url, "http://127.0.0.1:%u%s", step_server_port(world_server), path);
	else
		snprintf(x->url, sizeof x->url, "%s", path);
	x->recipe = (struct conf_recipe){.name = (char *)"test", .step_count = 1};
	x->step = (struct conf_step){.name = (char *)"http",
	    .kind = CONF_STEP_HTTP,
	    .timeout_ms = CONF_NONE,
	    .http = {.method = (char *)"GET", .url = x->url, .result_max = 1 << 20}};
	for (int i = 200; i < 300; i++)
		x->step.http.expect[i] = true;
	x->try = (struct step_try){
	    .values = {.order = 7, .attempt = 1}, .budget_ms = CONF_NONE, .on_wait = on_wait};
}

static int carry_out(void *arg)
{
	struct trial *x = arg;
	x->r = await_step(world_steps, &x->try);
	if (x->mark)
		world_mark(x->mark);
	return x->r;
}

void trial_spawn(struct trial *x)
{
	x->recipe.steps = &x->step;
	x->try.recipe = &x->recipe;
	x->try.step = &x->step;
	x->try.arg = x;
	x->task = world_spawn("trial", carry_out, x);
}

void trial_run(struct trial *x)
{
	trial_spawn(x);
	world_run();
}

void trial_clear(struct trial *x)
{
	step_try_clear(&x->try);
}

void expect_result(struct trial *x, size_t len)
{
	const struct order_outcome *o = &x->try.outcome;
	trial_run(x);
	ck_assert_int_eq(x->r, 0);
	ck_assert_msg(o->cause == CAUSE_NONE, "%s: %.*s", x->url, (int)o->message_len, o->message);
	ck_assert(order_outcome_ok(o));
	ck_assert_int_eq(o->exit, -1);
	ck_assert_uint_eq(o->result_len, len);
	ck_assert_uint_eq(o->result_total, len);
	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(o->result[i], 'a' + (int)(i % 26));
	trial_clear(x);
}

void expect_failure(struct trial *x, enum order_cause cause, bool permanent, const char *text)
{
	const struct order_outcome *o = &x->try.outcome;
	trial_run(x);
	ck_assert_int_eq(x->r, 0);
	ck_assert_msg(o->cause == cause, "%s: %s: %.*s", x->url, order_cause_word(o->cause),
	    (int)o->message_len, o->message);
	ck_assert_msg(o->permanent == permanent, "%s: %.*s", x->url, (int)o->message_len, o->message);
	ck_assert_msg(strstr(o->message, text), "%s: %.*s", x->url, (int)o->message_len, o->message);
	ck_assert(!strchr(o->message, '\n'));
	ck_assert_uint_eq(o->result_len, 0);
	trial_clear(x);
}
