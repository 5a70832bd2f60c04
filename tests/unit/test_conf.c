/* Configurations, good and bad: what is read, what is said, what is printed. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/unit/unit.h"

static struct conf_report report;

/* A directory of our own is home and runtime directory. */
static void be_a_person(void)
{
	setenv("HOME", unit_dir(), 1);
	setenv("XDG_RUNTIME_DIR", unit_dir(), 1);
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("STATE_DIRECTORY");
	unsetenv("BAKERY_CONF");
}

static int parse_as(const char *path, const char *text, struct conf **out)
{
	char *name = strdup(path), *bytes = strdup(text);
	struct conf_source source = {.path = name, .bytes = bytes, .len = strlen(text)};
	const struct conf_sources sources = {.items = &source, .count = 1};
	conf_report_clear(&report);
	int r = conf_parse(&sources, out, &report);
	free(name);
	free(bytes);
	return r;
}

/* What is right, with all errors in the message when it is not. */
static struct conf *parse(const char *text)
{
	struct conf *c = NULL;
	int r = parse_as("t", text, &c);
	ck_assert_msg(r == 0, "%d: %s", r, report.error_count ? report.errors[0] : "");
	return c;
}

/* All errors, a line each. */
static const char *errors(const char *text)
{
	static char all[8192];
	struct conf *c = NULL;
	int r = parse_as("t", text, &c);
	all[0] = 0;
	for (size_t i = 0, n = 0; i < report.error_count; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? "\n" : "", report.errors[i]);
	ck_assert_int_eq(r, report.error_count ? -EINVAL : 0);
	conf_free(c);
	return all;
}

/* ---- what is wrong ---- */

static const struct {
	const char *text, *errors;
} wrong[] = {
    /* YAML itself */
    {"a: [", "t:2:1: not YAML: while parsing a flow node: did not find expected node content"},
    {"a: &x 1\nb: *x\n", "t:1:4: anchors and aliases are not taken here: write it out"},
    {"b: *x\n", "t:1:4: anchors and aliases are not taken here: write it out"},
    {"log: !!map {}\n", "t:1:6: tags are not taken here: leave it out"},
    {"log: {}\n---\nlog: {}\n", "t:2:1: a second document is not taken here"},
    {"state_dir: \"/a\\0b\"\n", "t:1:12: byte 0 is not taken here"},
    {"? [a]\n: b\n", "t:1:3: a key is a word"},
    {"- a\n", "t:1:1: expected a map of keys"},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	"t:1:42: nested too deeply"},
    {"log: {level: info, level: warn}\n", "t:1:20: level: is there twice, first at t:1:7"},
    {"pools:\n  a: {}\nrecipes: {}\npools: {b: {}}\n", "t:4:1: pools: is there twice, first at t:1:1"},
    /* keys */
    {"listn: []\n", "t:1:1: listn: unknown key; did you mean listen?"},
    {"zebra: 1\n", "t:1:1: zebra: unknown key"},
    {"log: {levle: info}\n", "t:1:7: log.levle: unknown key; did you mean level?"},
    {"history: {keep: 7d}\n", "t:1:1: history: unknown key"},
    {"secrets: {}\n", "t:1:1: secrets: unknown key"},
    {"recipes: {r: {run: [x], rate: 10/1s}}\n", "t:1:25: recipes.r.rate: unknown key"},
    {"listen: [{tcp: \"a:1\", tls: {}}]\nusers: [{name: a, password: \"…\"}]\n",
	"t:1:23: listen[0].tls: unknown key"},
    /* values */
    {"log: {level: loud}\n", "t:1:14: log.level: loud: expected one of error, warn, info, debug"},
    {"log: 7\n", "t:1:6: log: 7: expected a map"},
    {"store: {engine: postgres}\n", "t:1:17: store.engine: postgres: expected sqlite"},
    {"shutdown: {grace: 300}\n", "t:1:19: shutdown.grace: 300: say 300s or 300ms"},
    {"shutdown: {grace: soon}\n",
	"t:1:19: shutdown.grace: soon: expected a duration (500ms, 30s, 5m, 2h, 7d)"},
    {"shutdown: {grace: [1s]}\n",
	"t:1:19: shutdown.grace: expected a duration (500ms, 30s, 5m, 2h, 7d), not a list"},
    {"log: {slow_task: 2m}\n", "t:1:18: log.slow_task: 2m: expected 1ms to 1m"},
    {"limits: {payload: 1MB}\n", "t:1:19: limits.payload: 1MB: expected a size (65536, 64KiB, 1MiB, 4GiB)"},
    {"limits: {payload: 1}\n", "t:1:19: limits.payload: 1: expected 1KiB to 512MiB"},
    {"limits: {connections: \"99\"}\n", "t:1:23: limits.connections: 99: expected a whole number"},
    {"limits: {connections: 3}\n", "t:1:23: limits.connections: 3: expected 16 to 1000000"},
    {"limits: {payload: 32MiB}\n", "t:1:19: limits.payload: is more than limits.request"},
    {"limits: {request: 512MiB}\n", "t:1:19: limits.request: is more than limits.buffers"},
    {"state_dir: state\n", "t:1:12: state_dir: state: expected an absolute path"},
    {"state_dir:\n", "t:1:11: state_dir: expected an absolute path, not nothing"},
    /* listen */
    {"listen: {unix: /x}\n", "t:1:9: listen: expected a list of maps, not a map"},
    {"listen: [{}]\n", "t:1:10: listen[0]: expected one of unix: PATH and tcp: HOST:PORT"},
    {"listen: [{unix: x}]\n", "t:1:17: listen[0].unix: x: expected an absolute path"},
    {"listen: [{unix: /x, mode: 999}]\n",
	"t:1:27: listen[0].mode: 999: expected the mode of a file in octal, such as 0660"},
    {"listen: [{unix: /x, group: no-such-group-here}]\n",
	"t:1:10: listen: no group no-such-group-here on this machine"},
    {"listen: [{unix: /x}, {unix: /x}]\n", "t:1:22: listen: is there twice, first at line 1"},
    {"listen: [{unix: "
     "/012345678901234567890123456789012345678901234566789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456"
     "}]\n",
	"t:1:17: listen[0].unix: too long: at most 107 bytes"},
    {"listen: [{tcp: \"::1:2253\"}]\nusers: [{name: a, password: \"…\"}]\n",
	"t:1:16: listen[0].tcp: ::1:2253: expected HOST:PORT or [IPV6]:PORT"},
    {"listen: [{tcp: \"127.0.0.1:0\", mode: 0600}]\nusers: [{name: a, password: \"…\"}]\n",
	"t:1:31: listen[0]: mode is for unix only"},
    {"listen: [{tcp: \"127.0.0.1:0\"}]\nusers: [{name: a, unix: [b]}]\n",
	"t:1:10: listen: nobody could use tcp: clients there have to authenticate, and no user has a "
	"password (users: "
	"[{name, password, allow}])"},
    /* pools */
    {"pools: {a b: {}}\n", "t:1:9: pools.a b: a name has letters, digits, - _ . and at most 64 of them"},
    {"pools: {a: {workers: 0}}\n", "t:1:22: pools.a.workers: 0: expected 1 to 4096"},
    {"pools: {a: {user: no-such-user-here}}\nwork_dir: /w\n",
	"t:1:19: pools.a.user: no user no-such-user-here on this machine"},
    {"daemon: {user: no-such-user-here}\nrecipes: {}\npools: {}\n",
	"t:1:16: daemon.user: no user no-such-user-here on this machine"},
    /* recipes */
    {"recipes: {r: {}}\n", "t:1:14: recipes.r: run is missing: the command, as a list of texts (or steps)"},
    {"recipes: {r: {run: ls}}\n", "t:1:20: recipes.r.run: ls: expected a list of texts in [ ]"},
    {"recipes: {r: {run: []}}\n", "t:1:20: recipes.r.run: expected a list with something in it"},
    {"recipes: {r: {run: [[x]]}}\n", "t:1:21: recipes.r.run: expected a text, not a list"},
    {"recipes: {r: {run: [\"\"]}}\n", "t:1:21: recipes.r.run: the program has no name"},
    {"recipes: {r: {run: [x], steps: [{run: [y]}]}}\n",
	"t:1:15: recipes.r: run and steps exclude each other"},
    {"recipes: {r: {stdin: x, steps: [{run: [y]}]}}\n", "t:1:15: recipes.r: stdin belongs into the step"},
    {"recipes: {r: {run: [x], pool: defualt}}\n",
	"t:1:31: recipes.r.pool: no pool defualt; did you mean default?"},
    {"recipes: {r: {run: [x], pool: stove}}\npools: {ovens: {}}\n",
	"t:1:31: recipes.r.pool: no pool stove in pools"},
    {"recipes: {r: {run: [x], delivery: at-most-once, retries: 1}}\n",
	"t:1:58: recipes.r: retries: delivery at-most-once repeats nothing: say 0"},
    {"recipes: {r: {run: [x], delivery: exactly-once}}\n",
	"t:1:35: recipes.r.delivery: exactly-once: expected one of at-least-once, at-most-once"},
    {"recipes: {r: {run: [x], priority: 101}}\n", "t:1:35: recipes.r.priority: 101: expected -100 to 100"},
    {"recipes: {r: {run: [x], timeout: 0}}\n", "t:1:34: recipes.r.timeout: 0: expected 1ms to 36500d"},
    {"recipes: {r: {run: [x], no_retry: [256]}}\n", "t:1:36: recipes.r.no_retry: 256: expected 1 to 255"},
    {"recipes: {r: {run: [x], backoff: {jitter: 10}}}\n",
	"t:1:43: recipes.r.backoff.jitter: 10: expected 0% to 100%"},
    {"recipes: {r: {run: [x], backoff: {factor: 0.5}}}\n",
	"t:1:43: recipes.r.backoff.factor: 0.5: expected 1 to 100"},
    {"recipes: {r: {run: [x], result_max: 2MiB}}\n",
	"t:1:37: recipes.r.result_max: is more than limits.result, 1MiB"},
    {"recipes: {r: {run: [x], stop_signal: STOP}}\n",
	"t:1:38: recipes.r.stop_signal: STOP: expected one of TERM, INT, HUP, QUIT, USR1, USR2, WINCH, KILL"},
    {"recipes: {r: {run: [x], env: {1A: x}}}\n", "t:1:31: recipes.r.env.1A: a variable's name has letters, "
						 "digits and _ and does not begin with a digit"},
    {"recipes: {r: {run: [x], env: {BAKERY_ORDER: x}}}\n",
	"t:1:45: recipes.r.env.BAKERY_ORDER: names that begin with BAKERY_ are the daemon's"},
    {"recipes: {r: {run: [x], chdir: tmp}}\n", "t:1:32: recipes.r.chdir: expected an absolute path"},
    /* placeholders */
    {"recipes: {r: {run: [x, \"{fiel}\"], params: {file: {type: path}}}}\n",
	"t:1:24: recipes.r.run: {fiel}: no such parameter; did you mean {file}?; for a brace write {{"},
    {"recipes: {r: {run: [x, \"{\"]}}\n",
	"t:1:24: recipes.r.run: a placeholder is {NAME}; for a brace write {{"},
    {"recipes: {r: {run: [x, \"{step.a}\"]}}\n",
	"t:1:24: recipes.r.run: {step.a}: no such step; for a brace write {{"},
    {"recipes: {r: {run: [x, \"{payload}\"], params: {}}}\n",
	"t:1:24: recipes.r.run: {payload} is for recipes without params; name a parameter"},
    {"recipes: {r: {run: [x, \"a{l}\"], params: {l: {type: list}}}}\n",
	"t:1:24: recipes.r.run: {l} is a list: it can only be a whole argument of run, or a whole text in "
	"json"},
    {"recipes: {r: {run: [x], stdin: \"{l}\", params: {l: {type: list}}}}\n",
	"t:1:32: recipes.r.stdin: {l} is a list: it can only be a whole argument of run, or a whole text in "
	"json"},
    {"recipes: {r: {run: [x], env: {A: \"{l}\"}, params: {l: {type: list}}}}\n",
	"t:1:34: recipes.r.env.A: {l} is a list: it can only be a whole argument of run, or a whole text in "
	"json"},
    /* parameters */
    {"recipes: {r: {run: [x], params: {a: {}}}}\n",
	"t:1:37: recipes.r.params.a: type is missing: string, integer, number, boolean, path or list"},
    {"recipes: {r: {run: [x], params: {a.b: {type: path}}}}\n",
	"t:1:34: recipes.r.params.a.b: a parameter has no dot in its name and is not called payload or "
	"worker"},
    {"recipes: {r: {run: [x], params: {a: {type: string, min: 1}}}}\n",
	"t:1:52: recipes.r.params.a: min is for integer and number only"},
    {"recipes: {r: {run: [x], params: {a: {type: integer, min: 1.5}}}}\n",
	"t:1:58: recipes.r.params.a.min: expected a whole number"},
    {"recipes: {r: {run: [x], params: {a: {type: integer, min: 2, max: 1}}}}\n",
	"t:1:66: recipes.r.params.a: max is less than min"},
    {"recipes: {r: {run: [x], params: {a: {type: integer, max: 9007199254740993}}}}\n",
	"t:1:58: recipes.r.params.a.max: expected a whole number"},
    {"recipes: {r: {run: [x], params: {a: {type: integer, default: x}}}}\n",
	"t:1:62: recipes.r.params.a: default: expected a whole number"},
    {"recipes: {r: {run: [x], params: {a: {type: integer, max: 3, default: 4}}}}\n",
	"t:1:70: recipes.r.params.a: default: expected a number from min to max"},
    {"recipes: {r: {run: [x], params: {a: {type: string, one_of: [x], default: y}}}}\n",
	"t:1:74: recipes.r.params.a: default: expected one of one_of"},
    {"recipes: {r: {run: [x], params: {a: {type: string, pattern: '[0-9]', default: y}}}}\n",
	"t:1:79: recipes.r.params.a: default: expected what the pattern describes"},
    {"recipes: {r: {run: [x], params: {a: {type: boolean, default: yes}}}}\n",
	"t:1:62: recipes.r.params.a: default: expected true or false"},
    {"recipes: {r: {run: [x], params: {a: {type: list, default: x}}}}\n",
	"t:1:59: recipes.r.params.a: default: expected a list of texts"},
    {"recipes: {r: {run: [x], params: {a: {type: path, default: x}}}}\n",
	"t:1:59: recipes.r.params.a: default: expected an absolute path"},
    {"recipes: {r: {run: [x], params: {a: {type: path, default: /x, required: true}}}}\n",
	"t:1:50: recipes.r.params.a: a required parameter has no default"},
    {"recipes: {r: {run: [x], params: {a: {type: path, under: [x]}}}}\n",
	"t:1:58: recipes.r.params.a: under: expected absolute paths"},
    {"recipes: {r: {run: [x], params: {a: {type: string, pattern: '('}}}}\n",
	"t:1:61: recipes.r.params.a: pattern: not a POSIX extended regular expression (regex(7))"},
    {"recipes: {r: {run: [x], params: {a: {type: path, required: yes}}}}\n",
	"t:1:60: recipes.r.params.a.required: yes: expected true or false"},
    /* users */
    {"users: [{password: \"…\"}]\n", "t:1:9: users[0]: name is missing"},
    {"users: [{name: a, password: secret}]\n",
	"t:1:29: users[0]: password: expected what bakeryd --hash-password prints, scrypt$…"},
    {"users: [{name: a, unix: [a]}, {name: a, unix: [b]}]\n",
	"t:1:31: users: a is there twice, first at t:1:9"},
    {"users: [{name: a, unix: [a], allow: [read]}]\n",
	"t:1:38: users[0]: allow: read: expected order GLOB, read|payload|cancel|retry|events own|all, "
	"pause, recycle, "
	"reload, drain, backup or *"},
    {"users: [{name: a, unix: [a], allow: [order]}]\n",
	"t:1:38: users[0]: allow: order: expected order GLOB, read|payload|cancel|retry|events own|all, "
	"pause, recycle, "
	"reload, drain, backup or *"},
};

START_TEST (errors_say_where_and_what) {
	be_a_person();
	ck_assert_str_eq(errors(wrong[_i].text), wrong[_i].errors);
}
END_TEST

START_TEST (all_errors_come_at_once_in_order) {
	be_a_person();
	ck_assert_str_eq(errors("recipes:\n"
				"  b: {run: [x], timeout: 5}\n"
				"  a:\n"
				"    run: [x, \"{y}\"]\n"
				"    retires: 1\n"
				"log: {level: x}\n"),
	    "t:2:26: recipes.b.timeout: 5: say 5s or 5ms\n"
	    "t:4:14: recipes.a.run: {y}: no such parameter; for a brace write {{\n"
	    "t:5:5: recipes.a.retires: unknown key; did you mean retries?\n"
	    "t:6:14: log.level: x: expected one of error, warn, info, debug");
}
END_TEST

START_TEST (control_characters_do_not_reach_the_terminal) {
	be_a_person();
	ck_assert_str_eq(errors("\"a\\e[31m\\nb\": 1\n"), "t:1:1: a?[31m?b: unknown key");
}
END_TEST

static bool warned(const char *text)
{
	for (size_t i = 0; i < report.warning_count; i++) {
		if (strcmp(report.warnings[i], text) == 0)
			return true;
	}
	return false;
}

START_TEST (warnings_do_not_refuse) {
	be_a_person();
	conf_free(parse(
	    "recipes: {r: {run: [/no/such/program]}}\n"
	    "users:\n  - {name: a, password: \"…\", allow: [order r, order x, order r*]}\n  - {name: b}\n"));
	ck_assert(warned("t:1:11: recipes.r.timeout: is not set: a job that hangs keeps its worker; say how "
			 "long, or none"));
	ck_assert(warned("t:1:21: recipes.r.run: /no/such/program: No such file or directory"));
	ck_assert(warned("t:3:5: a: allow: order x: there is no such recipe"));
	ck_assert(warned("t:4:5: users[1]: nobody can be this user: give it a password or unix: names"));
	conf_free(parse("recipes: {r: {run: [x], timeout: none}}\n"));
	for (size_t i = 0; i < report.warning_count; i++)
		ck_assert_ptr_null(strstr(report.warnings[i], "timeout"));
}
END_TEST

/* ---- what is read ---- */

START_TEST (nothing_at_all_serves_a_person) {
	be_a_person();
	struct conf *c = NULL;
	char want[512];
	conf_report_clear(&report);
	ck_assert_int_eq(conf_parse(&(struct conf_sources){0}, &c, &report), 0);
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
	be_a_person();
	struct conf *c = parse("pools: {ovens: {}}\nrecipes: {a: {run: [x], pool: ovens}}\n");
	ck_assert_uint_eq(c->pool_count, 1);
	conf_free(c);
	c = parse("pools: {ovens: {}}\nrecipes: {a: {run: [x]}}\n");
	ck_assert_uint_eq(c->pool_count, 2);
	ck_assert_ptr_nonnull(conf_pool_find(c, "default"));
	conf_free(c);
	c = parse("pools: {default: {workers: 9}}\n");
	ck_assert_uint_eq(c->pool_count, 1);
	ck_assert_int_eq(c->pools[0].workers, 9);
	conf_free(c);
}
END_TEST

START_TEST (the_machine_s_daemon_runs_no_commands_of_its_own) {
	be_a_person();
	struct conf *c = NULL;
	ck_assert_int_eq(parse_as("/etc/bakery/bakery.yaml", "", &c), 0);
	ck_assert(!c->personal);
	ck_assert_str_eq(c->listens[0].path, "/run/bakery/bakery.sock");
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery");
	ck_assert_str_eq(c->work_dir, "/var/tmp/bakery");
	ck_assert_uint_eq(c->recipe_count, 0);
	conf_free(c);
	setenv("STATE_DIRECTORY", "/var/lib/bakery-two:/var/lib/x", 1);
	c = parse("");
	ck_assert(!c->personal);
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery-two");
	conf_free(c);
}
END_TEST

START_TEST (a_daemon_with_a_user_of_its_own_is_the_machine_s) {
	be_a_person();
	char text[200];
	if (geteuid() == 0)
		snprintf(text, sizeof text, "daemon: {user: nobody}\npools: {default: {user: daemon}}\n");
	else
		snprintf(text, sizeof text, "daemon: {user: %s}\n", getpwuid(geteuid())->pw_name);
	struct conf *c = parse(text);
	ck_assert(!c->personal);
	ck_assert_str_eq(c->listens[0].path, "/run/bakery/bakery.sock");
	ck_assert_str_eq(c->state_dir, "/var/lib/bakery");
	ck_assert_uint_eq(c->recipe_count, 0);
	conf_free(c);
	c = parse("daemon: {}\n");
	ck_assert(c->personal);
	ck_assert_uint_eq(c->recipe_count, 1);
	conf_free(c);
}
END_TEST

START_TEST (defaults_of_a_recipe) {
	be_a_person();
	struct conf *c = parse("recipes: {r: {run: [cat, a]}}\nlimits: {result: 2MiB}\n");
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
	be_a_person();
	struct conf *c = parse(everything);
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
	be_a_person();
	static const char *const texts[] = {
	    everything, "", "users: [{name: y, unix: [n]}]\nrecipes: {on: {run: ['null', '1e3']}}\n"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *first, *second;
		struct conf *c = parse(texts[i]);
		ck_assert_int_eq(conf_print(c, &first), 0);
		conf_free(c);
		ck_assert_ptr_null(strstr(first, "scrypt"));
		c = parse(first);
		ck_assert_int_eq(conf_print(c, &second), 0);
		conf_free(c);
		ck_assert_str_eq(first, second);
		free(first);
		free(second);
	}
}
END_TEST

/* ---- files ---- */

static void write_file(const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", unit_dir(), name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Reads and parses "main" in our directory; the errors without the directory's name. */
static const char *load(struct conf **out)
{
	static char all[4096];
	char path[512];
	struct conf_sources sources = {0};
	snprintf(path, sizeof path, "%s/main", unit_dir());
	conf_report_clear(&report);
	int r = conf_read_sources(path, &sources, &report);
	if (!r)
		r = conf_parse(&sources, out, &report);
	conf_sources_clear(&sources);
	all[0] = 0;
	size_t skip = strlen(unit_dir()) + 1, n = 0;
	for (size_t i = 0; i < report.error_count; i++) {
		const char *c = report.errors[i];
		n += (size_t)snprintf(all + n, sizeof all - n, "%s", i ? "\n" : "");
		while (*c && n + 1 < sizeof all) {
			if (strncmp(c, unit_dir(), skip - 1) == 0 && c[skip - 1] == '/')
				c += skip;
			all[n++] = *c++;
		}
		all[n] = 0;
	}
	ck_assert_int_eq(r == 0, report.error_count == 0);
	return all;
}

START_TEST (included_files_add_to_the_first) {
	char path[512];
	struct conf *c = NULL;
	be_a_person();
	snprintf(path, sizeof path, "%s/d", unit_dir());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_file("main", "include: [d/*.yaml, none/*.yaml]\nrecipes: {a: {run: [x]}}\n");
	write_file("d/1.yaml", "recipes: {b: {run: [x], pool: p}}\nusers: [{name: u, unix: [u]}]\n");
	write_file("d/2.yaml", "include: [\"*.yaml\", more]\npools: {p: {}, default: {}}\n");
	write_file("d/more", "recipes: {c: {run: [x]}}\n");
	ck_assert_str_eq(load(&c), "");
	ck_assert_uint_eq(c->recipe_count, 3);
	ck_assert_str_eq(c->recipes[2].name, "c");
	ck_assert_uint_eq(c->pool_count, 2);
	ck_assert_uint_eq(c->user_count, 1);
	conf_free(c);
}
END_TEST

START_TEST (duplicates_name_both_places) {
	struct conf *c = NULL;
	be_a_person();
	write_file("main", "include: [one, two]\nrecipes:\n  a: {run: [x]}\nusers: [{name: u, unix: [u]}]\n");
	write_file("one", "recipes:\n  a: {run: [y]}\npools: {p: {}}\n");
	write_file("two", "pools:\n  p: {}\n  default: {}\nlog: {}\nusers: [{name: u, unix: [u]}]\n");
	ck_assert_str_eq(load(&c), "one:2:3: recipes.a: is there twice, first at main:3:3\n"
				   "two:2:3: pools.p: is there twice, first at one:3:9\n"
				   "two:4:1: log: belongs into the main file: an included one has include, "
				   "pools, recipes and users\n"
				   "two:5:9: users: u is there twice, first at main:4:9");
}
END_TEST

START_TEST (files_that_cannot_be_read) {
	struct conf *c = NULL;
	be_a_person();
	ck_assert_str_eq(load(&c), "main: cannot be read: No such file or directory");
	write_file("main", "include: [nothing, .]\n");
	ck_assert_str_eq(load(&c), "main:1:11: include: nothing cannot be read: No such file or directory\n"
				   "main:1:20: include: . cannot be read: Is a directory");
}
END_TEST

START_TEST (a_file_is_found) {
	be_a_person();
	setenv("BAKERY_CONF", "/some/where", 1);
	char *path = conf_find_file();
	ck_assert_str_eq(path, "/some/where");
	free(path);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("wrong");
	tcase_add_loop_test(t, errors_say_where_and_what, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(t, all_errors_come_at_once_in_order);
	tcase_add_test(t, control_characters_do_not_reach_the_terminal);
	tcase_add_test(t, warnings_do_not_refuse);
	t = unit_case("read");
	tcase_add_test(t, nothing_at_all_serves_a_person);
	tcase_add_test(t, the_pool_default_need_not_be_declared);
	tcase_add_test(t, the_machine_s_daemon_runs_no_commands_of_its_own);
	tcase_add_test(t, a_daemon_with_a_user_of_its_own_is_the_machine_s);
	tcase_add_test(t, defaults_of_a_recipe);
	tcase_add_test(t, every_key_is_read);
	t = unit_case("printed");
	tcase_add_test(t, what_is_printed_means_the_same);
	t = unit_case("files");
	tcase_add_test(t, included_files_add_to_the_first);
	tcase_add_test(t, duplicates_name_both_places);
	tcase_add_test(t, files_that_cannot_be_read);
	tcase_add_test(t, a_file_is_found);
	return unit_run();
}
