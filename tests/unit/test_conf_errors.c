/* Configurations that are wrong: every error says where and what. */
#include <string.h>

#include "tests/unit/conf_text.h"
#include "tests/unit/unit.h"

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
	conf_text_be_a_person();
	ck_assert_str_eq(conf_text_errors(wrong[_i].text), wrong[_i].errors);
}
END_TEST

START_TEST (all_errors_come_at_once_in_order) {
	conf_text_be_a_person();
	ck_assert_str_eq(conf_text_errors("recipes:\n"
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
	conf_text_be_a_person();
	ck_assert_str_eq(conf_text_errors("\"a\\e[31m\\nb\": 1\n"), "t:1:1: a?[31m?b: unknown key");
}
END_TEST

START_TEST (warnings_do_not_refuse) {
	conf_text_be_a_person();
	conf_free(conf_text_parse(
	    "recipes: {r: {run: [/no/such/program]}}\n"
	    "users:\n  - {name: a, password: \"…\", allow: [order r, order x, order r*]}\n  - {name: b}\n"));
	ck_assert(conf_text_warned(
	    "t:1:11: recipes.r.timeout: is not set: a job that hangs keeps its worker; say how "
	    "long, or none"));
	ck_assert(conf_text_warned("t:1:21: recipes.r.run: /no/such/program: No such file or directory"));
	ck_assert(conf_text_warned("t:3:5: a: allow: order x: there is no such recipe"));
	ck_assert(
	    conf_text_warned("t:4:5: users[1]: nobody can be this user: give it a password or unix: names"));
	conf_free(conf_text_parse("recipes: {r: {run: [x], timeout: none}}\n"));
	for (size_t i = 0; i < conf_text_report.warning_count; i++)
		ck_assert_ptr_null(strstr(conf_text_report.warnings[i], "timeout"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case("wrong");
	tcase_add_loop_test(t, errors_say_where_and_what, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(t, all_errors_come_at_once_in_order);
	tcase_add_test(t, control_characters_do_not_reach_the_terminal);
	tcase_add_test(t, warnings_do_not_refuse);
	return unit_run();
}
