/* Configurations that are right: what is read, what is printed. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/conf_text.h"
#include "tests/unit/unit.h"

/* ---- what is read ---- */

START_TEST (nothing_at_all_serves_a_person) {
	conf_text_be_a_person();
	struct conf *c = NULL;
	char want[512];
	conf_report_clear(&conf_text_report);
	ck_assert_int_eq(conf_parse(&(struct conf_sources){0}, &c, &conf_text_report), 0);
	ck_assert_ptr_null(c->file);
	ck_assert(c->personal);
	ck_assert_uint_eq(c->listen_count, 1);
	snprintf(want, sizeof want, "%s/bakery/bakery.sock", unit_dir());
	ck_assert_str_eq(c->listens[0].path, want);
	snprintf(want, sizeof want, "%s/.local/state/bakery", unit_dir());
	ck_assert_str_eq(c->state_dir, want);
	ck_assert_uint_eq(c->pool_count, 1);
	ck_assert_str_eq(c->pools[0].name, "default");
	ck_assert_int_ge(c->pools[0].workers, 1);
	ck_assert_uint_eq(c->recipe_count, 1);
	ck_assert_str_eq(c->recipes[0].name, "run");
	ck_assert_ptr_eq(conf_recipe_find(c, "run", 3), &c->recipes[0]);
	ck_assert_ptr_null(conf_recipe_find(c, "ru", 2));
	ck_assert_uint_eq(c->limits.payload, 1 << 20);
	ck_assert_int_eq(c->shutdown_grace_ms, 30000);
	conf_free(c);
}
END_TEST

START_TEST (the_pool_default_need_not_be_declared) {
	conf_text_be_a_person();
	struct conf *c = conf_text_parse("pools: {ovens: {}}\nrecipes: {a: {run: [x], pool: ovens}}\n");
	ck_assert_uint_eq(c->pool_count, 1);
	conf_free(c);
	c = conf_text_parse("pools: {ovens: {}}\nrecipes: {a: {run: [x]}}\n");
	ck_assert_uint_eq(c->pool_count, 2);
	ck_assert_ptr_nonnull(conf_pool_find(c, "default"));
	conf_free(c);
	c = conf_text_parse("pools: {default: {workers: 9}}\n");
	ck_assert_uint_eq(c->pool_count, 1);
	ck_assert_int_eq(c->pools[0].workers, 9);
	conf_free(c);
}
END_TEST

START_TEST (the_machine_s_daemon_runs_no_commands_of_its_own) {
	conf_text_be_a_person();
	struct conf *c = NULL;
	ck_assert_int_eq(conf_text_parse_as("/etc/bakery/bakery.yaml", "", &c), 0);
	ck_assert(!c->personal);
	ck_assert_str_eq(c->listens[0].path, "/run/bakery/bakery.sock");
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery");
	ck_assert_str_eq(c->work_dir, "/var/tmp/bakery");
	ck_assert_uint_eq(c->recipe_count, 0);
	conf_free(c);
	setenv("STATE_DIRECTORY", "/var/lib/bakery-two:/var/lib/x", 1);
	c = conf_text_parse("");
	ck_assert(!c->personal);
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery-two");
	conf_free(c);
}
END_TEST

START_TEST (a_daemon_with_a_user_of_its_own_is_the_machine_s) {
	conf_text_be_a_person();
	char text[200];
	if (geteuid() == 0)
		snprintf(text, sizeof text, "daemon: {user: nobody}\npools: {default: {user: daemon}}\n");
	else
		snprintf(text, sizeof text, "daemon: {user: %s}\n", getpwuid(geteuid())->pw_name);
	struct conf *c = conf_text_parse(text);
	ck_assert(!c->personal);
	ck_assert_str_eq(c->listens[0].path, "/run/bakery/bakery.sock");
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery");
	ck_assert_uint_eq(c->recipe_count, 0);
	conf_free(c);
	c = conf_text_parse("daemon: {}\n");
	ck_assert(c->personal);
	ck_assert_uint_eq(c->recipe_count, 1);
	conf_free(c);
}
END_TEST

START_TEST (defaults_of_a_recipe) {
	conf_text_be_a_person();
	struct conf *c = conf_text_parse("recipes: {r: {run: [cat, a]}}\nlimits: {result: 2MiB}\n");
	const struct conf_recipe *r = &c->recipes[0];
	ck_assert_str_eq(r->description, "");
	ck_assert(!r->has_params);
	ck_assert_uint_eq(r->step_count, 1);
	ck_assert_str_eq(r->steps[0].name, "run");
	ck_assert_str_eq(r->steps[0].run[1], "a");
	ck_assert_ptr_null(r->steps[0].run[2]);
	ck_assert_ptr_null(r->steps[0].stdin_text);
	ck_assert_str_eq(r->pool, "default");
	ck_assert_int_eq(r->timeout_ms, CONF_NONE);
	ck_assert_int_eq(r->kill_after_ms, 5000);
	ck_assert_int_eq(r->stop_signal, SIGTERM);
	ck_assert_int_eq(r->retries, 0);
	ck_assert_int_eq(r->backoff.first_ms, 1000);
	ck_assert_int_eq(r->backoff.max_ms, 600000);
	ck_assert(r->backoff.factor == 2);
	ck_assert_int_eq(r->backoff.jitter_percent, 10);
	for (int i = 0; i < 256; i++)
		ck_assert(!r->no_retry[i]);
	ck_assert_int_eq(r->poison_after, 3);
	ck_assert(!r->at_most_once);
	ck_assert_int_eq(r->concurrency, CONF_NONE);
	ck_assert_int_eq(r->result, CONF_RESULT_STDOUT);
	ck_assert_uint_eq(r->result_max, 2 << 20);
	ck_assert_ptr_null(r->chdir);
	conf_free(c);
}
END_TEST

static const char everything[] =
    "listen: [{unix: /tmp/s, mode: 0600}, {tcp: \"[::1]:2253\"}]\n"
    "state_dir: \"/tmp/state \\\"x\\\"\"\n"
    "work_dir: /tmp/work\n"
    "log: {level: debug, format: json, slow_task: 1s}\n"
    "store: {engine: sqlite, sync: off}\n"
    "limits: {connections: 100, payload: 2KiB, request: 64KiB, buffers: 2MiB, result: 0, queued: 5, running: "
    "6}\n"
    "shutdown: {grace: 0}\n"
    "pools: {p.1: {workers: 7}, q: {}}\n"
    "recipes:\n"
    "  r-1:\n"
    "    description: \"a: {b} # \\u00fc\\n\\t\"\n"
    "    params:\n"
    "      s: {type: string, max: 5, pattern: 'a\\b|\"', one_of: [x, 'true', '1'], allow_dash: true}\n"
    "      i: {type: integer, min: -9007199254740992, max: 9007199254740992, default: -7}\n"
    "      n: {type: number, min: 1e-3, max: 1e300, default: 0.1}\n"
    "      b: {type: boolean, default: false}\n"
    "      f: {type: path, required: true, under: [/a, /b]}\n"
    "      l: {type: list, default: [a, '', \"\\\"\"]}\n"
    "      e: {type: string, default: ''}\n"
    "    steps: [{name: st, run: [x, \"{l}\", '-', ''], stdin: \"{s}\"}]\n"
    "    pool: q\n"
    "    timeout: 90s\n"
    "    kill_after: 0\n"
    "    stop_signal: INT\n"
    "    retries: 0\n"
    "    backoff: {first: 10ms, factor: 1.5, max: 1h, jitter: 0%}\n"
    "    no_retry: [2, 255]\n"
    "    poison_after: 1\n"
    "    delivery: at-most-once\n"
    "    priority: -100\n"
    "    concurrency: 1\n"
    "    result: none\n"
    "    env: {A: '', B_2: \"{worker}\"}\n"
    "    chdir: \"{f}\"\n"
    "  opaque: {run: [x, \"{payload}\"], timeout: none}\n"
    "users:\n"
    "  - {name: u, password: \"scrypt$14$8$1$AAAA$BBBB\", unix: [a, \"@b\"], allow: [order *, read own, "
    "events all, pause]}\n"
    "  - {name: v, unix: [c], allow: ['*']}\n";

START_TEST (every_key_is_read) {
	conf_text_be_a_person();
	struct conf *c = conf_text_parse(everything);
	const struct conf_recipe *r = &c->recipes[0];
	ck_assert_int_eq(c->listens[0].mode, 0600);
	ck_assert_int_eq(c->listens[1].kind, CONF_LISTEN_TCP);
	ck_assert_str_eq(c->listens[1].host, "::1");
	ck_assert_int_eq(c->listens[1].port, 2253);
	ck_assert_str_eq(c->state_dir, "/tmp/state \"x\"");
	ck_assert_int_eq(c->log.level, 3);
	ck_assert_int_eq(c->log.format, 1);
	ck_assert_int_eq(c->log.slow_task_ms, 1000);
	ck_assert_int_eq(c->store.sync, CONF_SYNC_OFF);
	ck_assert_int_eq(c->limits.running, 6);
	ck_assert_uint_eq(c->limits.result, 0);
	ck_assert_int_eq(c->shutdown_grace_ms, 0);
	ck_assert_int_eq(c->pools[0].workers, 7);
	ck_assert_uint_eq(r->param_count, 7);
	ck_assert_int_eq(r->params[0].max, 5);
	ck_assert_str_eq(r->params[0].one_of[1], "true");
	ck_assert_ptr_null(r->params[0].one_of[3]);
	ck_assert(r->params[0].allow_dash);
	ck_assert(r->params[1].has_minimum && r->params[1].minimum == -9007199254740992.0);
	ck_assert_str_eq(r->params[1].default_json, "-7");
	ck_assert_str_eq(r->params[3].default_json, "false");
	ck_assert(r->params[4].required);
	ck_assert_str_eq(r->params[4].under[1], "/b");
	ck_assert_str_eq(r->params[5].default_json, "[\"a\",\"\",\"\\\"\"]");
	ck_assert_str_eq(r->steps[0].name, "st");
	ck_assert_int_eq(r->timeout_ms, 90000);
	ck_assert_int_eq(r->stop_signal, SIGINT);
	ck_assert(r->no_retry[2] && r->no_retry[255] && !r->no_retry[1]);
	ck_assert(r->at_most_once);
	ck_assert_int_eq(r->priority, -100);
	ck_assert_int_eq(r->result, CONF_RESULT_NONE);
	ck_assert_str_eq(r->env[1].name, "B_2");
	ck_assert_str_eq(c->users[0].unix_names[1], "@b");
	ck_assert_str_eq(c->users[0].allow[3], "pause");
	ck_assert_ptr_null(c->users[1].password);
	conf_free(c);
}
END_TEST

/* ---- what is printed ---- */

START_TEST (what_is_printed_means_the_same) {
	conf_text_be_a_person();
	static const char *const texts[] = {everything, "",
	    "users: [{name: y, unix: [n]}]\nrecipes: {on: {run: ['null', '1e3']}}\n",
	    /* what YAML would not take as it is, or take for the end of a line */
	    "recipes: {a: {run: [\"\\x01\\x7f\\x80\\x85\\xa0\\u2028\\u2029\\ufeff\\ufffe\\uffff "
	    "\\U0001F370\"]}}\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *text = conf_text_print(texts[i]);
		ck_assert_ptr_null(strstr(text, "scrypt"));
		free(text);
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("read");
	tcase_add_test(t, nothing_at_all_serves_a_person);
	tcase_add_test(t, the_pool_default_need_not_be_declared);
	tcase_add_test(t, the_machine_s_daemon_runs_no_commands_of_its_own);
	tcase_add_test(t, a_daemon_with_a_user_of_its_own_is_the_machine_s);
	tcase_add_test(t, defaults_of_a_recipe);
	tcase_add_test(t, every_key_is_read);
	t = unit_case("printed");
	tcase_add_test(t, what_is_printed_means_the_same);
	return unit_run();
}
