/* Steps of recipes that are wrong: every error says where and what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/conf_text.h"
#include "tests/unit/unit.h"

/* ---- what is wrong: each line is a step, or all of a recipe ---- */

#define HTTP(rest) "http: {url: 'http://h', " rest "}"

static const struct {
	const char *steps; /* in "recipes: {r: {steps: [" */
	const char *errors;
} wrong_steps[] = {
    /* how many, of which kind */
    {"", "t:1:22: recipes.r.steps: expected 1 to 64 of them, not 0"},
    {"7", "t:1:23: recipes.r.steps[0]: 7: expected a map"},
    {"{}", "t:1:23: recipes.r.steps[0]: expected one of run: [COMMAND], sleep: DURATION and http: {url}"},
    {"{name: a}",
	"t:1:23: recipes.r.steps[0]: expected one of run: [COMMAND], sleep: DURATION and http: {url}"},
    {"{run: [x], sleep: 1s}",
	"t:1:34: recipes.r.steps[0]: a step is one of run, sleep and http, not run and sleep"},
    {"{sleep: 1s, http: {url: 'http://h'}}",
	"t:1:35: recipes.r.steps[0]: a step is one of run, sleep and http, not sleep and http"},
    {"{slep: 1s}",
	"t:1:23: recipes.r.steps[0]: expected one of run: [COMMAND], sleep: DURATION and http: {url}\n"
	"t:1:24: recipes.r.steps[0].slep: unknown key; did you mean sleep?"},
    {"{call: x, run: [x]}", "t:1:24: recipes.r.steps[0].call: unknown key"},
    /* names */
    {"{sleep: 1s}, {sleep: 1s}",
	"t:1:36: recipes.r: steps: sleep is there twice, first at t:1:23: give each a name of its own"},
    {"{sleep: 1s, name: a}, {run: [x]}, {run: [y], name: a}",
	"t:1:74: recipes.r: steps: a is there twice, first at t:1:41: give each a name of its own"},
    {"{sleep: 1s, name: run}, {run: [x]}",
	"t:1:47: recipes.r: steps: run is there twice, first at t:1:41: give each a name of its own"},
    {"{sleep: 1s, name: a}, {sleep: 1s}, {sleep: 1s, name: ''}",
	"t:1:76: recipes.r.steps[2].name: : expected a name: letters, digits, - _ . and at most 64 of them"},
    {"{sleep: 1s, name: 'a b'}", "t:1:41: recipes.r.steps[0].name: a b: expected a name: letters, digits, - "
				 "_ . and at most 64 of them"},
    /* keys of another kind */
    {"{sleep: 1s, stdin: x}", "t:1:35: recipes.r.steps[0]: stdin is for run steps only"},
    {"{sleep: 1s, pool: default}", "t:1:35: recipes.r.steps[0]: pool is for run steps only"},
    {"{http: {url: 'http://h'}, pool: default}", "t:1:49: recipes.r.steps[0]: pool is for run steps only"},
    {"{http: {url: 'http://h'}, times: 2}", "t:1:49: recipes.r.steps[0]: times is for sleep steps only"},
    {"{run: [x], times: 2}", "t:1:34: recipes.r.steps[0]: times is for sleep steps only"},
    {"{run: [x], url: 'http://h'}", "t:1:34: recipes.r.steps[0].url: unknown key"},
    /* what all have */
    {"{run: [x], retries: 1001}", "t:1:43: recipes.r.steps[0].retries: 1001: expected 0 to 1000"},
    {"{run: [x], retries: -1}", "t:1:43: recipes.r.steps[0].retries: -1: expected 0 to 1000"},
    {"{run: [x], timeout: 5}", "t:1:43: recipes.r.steps[0].timeout: 5: say 5s or 5ms"},
    {"{run: [x], timeout: 0}", "t:1:43: recipes.r.steps[0].timeout: 0: expected 1ms to 36500d"},
    /* run */
    {"{run: []}", "t:1:29: recipes.r.steps[0].run: expected a list with something in it"},
    {"{run: x}", "t:1:29: recipes.r.steps[0].run: x: expected a list of texts in [ ]"},
    {"{run: ['']}", "t:1:30: recipes.r.steps[0].run: the program has no name"},
    {"{run: [x], pool: ovens}", "t:1:40: recipes.r.steps[0].pool: no pool ovens in pools"},
    {"{sleep: 0}, {run: [x], pool: defualt}",
	"t:1:52: recipes.r.steps[1].pool: no pool defualt; did you mean default?"},
    /* sleep */
    {"{sleep: 5}", "t:1:31: recipes.r.steps[0].sleep: 5: say 5s or 5ms"},
    {"{sleep: none}", "t:1:31: recipes.r.steps[0].sleep: none: expected a duration (500ms, 30s, 5m, 2h, 7d)"},
    {"{sleep: 1s, times: -1}",
	"t:1:42: recipes.r.steps[0].times: -1: expected 0 to 1000000, or the placeholder of "
	"an integer parameter: \"{NAME}\""},
    {"{sleep: 1s, times: 1000001}",
	"t:1:42: recipes.r.steps[0].times: 1000001: expected 0 to 1000000, or the "
	"placeholder of an integer parameter: \"{NAME}\""},
    {"{sleep: 1s, times: '3'}",
	"t:1:42: recipes.r.steps[0].times: 3: expected 0 to 1000000, or the placeholder of "
	"an integer parameter: \"{NAME}\""},
    {"{sleep: 1s, times: '{n}1'}", "t:1:42: recipes.r.steps[0].times: {n}1: expected 0 to 1000000, or the "
				   "placeholder of an integer parameter: \"{NAME}\""},
    {"{sleep: 1s, times: '{order.id}'}",
	"t:1:42: recipes.r.steps[0].times: {order.id}: expected 0 to 1000000, or "
	"the placeholder of an integer parameter: \"{NAME}\""},
    {"{sleep: 1s, times: [1]}",
	"t:1:42: recipes.r.steps[0].times: expected 0 to 1000000, or the placeholder of an "
	"integer parameter: \"{NAME}\", not a list"},
    {"{sleep: 1s, times: '{n}'}",
	"t:1:42: recipes.r.steps[0].times: {n}: no such parameter; for a brace write {{"},
    /* http */
    {"{http: {}}", "t:1:30: recipes.r.steps[0].http: url is missing"},
    {"{http: x}", "t:1:30: recipes.r.steps[0].http: x: expected a map"},
    {"{http: {url: 'http://h', times: 2}}", "t:1:48: recipes.r.steps[0].http.times: unknown key"},
    {"{" HTTP("method: 'GE T'") "}",
	"t:1:56: recipes.r.steps[0].http: method: expected a word such as GET, POST, PUT or DELETE"},
    {"{" HTTP("method: get") "}", "t:1:56: recipes.r.steps[0].http: method: get: capitals matter: say GET"},
    {"{" HTTP("method: CONNECT") "}",
	"t:1:56: recipes.r.steps[0].http: method: CONNECT is for proxies, not for a step"},
    {"{" HTTP("method: HEAD, body: x") "}", "t:1:62: recipes.r.steps[0].http: a HEAD request has no body"},
    {"{" HTTP("method: HEAD, json: 1") "}", "t:1:62: recipes.r.steps[0].http: a HEAD request has no body"},
    {"{" HTTP("body: x, json: 1") "}", "t:1:57: recipes.r.steps[0].http: body and json exclude each other"},
    {"{" HTTP("timeout: 1s") ", timeout: 2s}",
	"t:1:48: recipes.r.steps[0]: timeout: is at t:1:62 already: say it once"},
    {"{" HTTP("redirects: 21") "}", "t:1:59: recipes.r.steps[0].http.redirects: 21: expected 0 to 20"},
    {"{" HTTP("result_max: 2MiB") "}",
	"t:1:60: recipes.r.steps[0].http.result_max: is more than limits.result, 1MiB"},
    {"{" HTTP("ca: ca.pem") "}", "t:1:52: recipes.r.steps[0].http.ca: ca.pem: expected an absolute path"},
    {"{" HTTP("expect: 200") "}",
	"t:1:56: recipes.r.steps[0].http: expect: expected a list of statuses in [ ], such "
	"as [200, 404, 3xx]"},
    {"{" HTTP("expect: []") "}",
	"t:1:56: recipes.r.steps[0].http: expect: expected a list of statuses in [ ], such "
	"as [200, 404, 3xx]"},
    {"{" HTTP("expect: [99, 600, 5xx, 2x, '200']") "}",
	"t:1:57: recipes.r.steps[0].http: expect: expected 100 to 599, 2xx, 3xx or 4xx\n"
	"t:1:61: recipes.r.steps[0].http: expect: expected 100 to 599, 2xx, 3xx or 4xx\n"
	"t:1:66: recipes.r.steps[0].http: expect: expected 100 to 599, 2xx, 3xx or 4xx\n"
	"t:1:71: recipes.r.steps[0].http: expect: expected 100 to 599, 2xx, 3xx or 4xx\n"
	"t:1:75: recipes.r.steps[0].http: expect: expected 100 to 599, 2xx, 3xx or 4xx"},
    /* headers */
    {"{" HTTP("headers: [a]") "}",
	"t:1:57: recipes.r.steps[0].http.headers: expected a map of NAME: text, not a list"},
    {"{" HTTP("headers: {'a b': c}") "}",
	"t:1:58: recipes.r.steps[0].http: headers: a b: a name has letters, digits "
	"and !#$%&'*+-.^_`|~"},
    {"{" HTTP("headers: {content-length: '3'}") "}",
	"t:1:58: recipes.r.steps[0].http: headers: Content-Length is the daemon's to say"},
    {"{" HTTP("headers: {Expect: x, TRANSFER-ENCODING: y, Connection: close}") "}",
	"t:1:58: recipes.r.steps[0].http: headers: Expect is the daemon's to say\n"
	"t:1:69: recipes.r.steps[0].http: headers: Transfer-Encoding is the daemon's to say\n"
	"t:1:91: recipes.r.steps[0].http: headers: Connection is the daemon's to say"},
    {"{" HTTP("headers: {te: trailers, Keep-Alive: x, Upgrade: h2c}") "}",
	"t:1:58: recipes.r.steps[0].http: headers: TE is the daemon's to say\n"
	"t:1:72: recipes.r.steps[0].http: headers: Keep-Alive is the daemon's to say\n"
	"t:1:87: recipes.r.steps[0].http: headers: Upgrade is the daemon's to say"},
    {"{" HTTP("headers: {A: \"b\\r\\nC: d\"}") "}",
	"t:1:61: recipes.r.steps[0].http: headers: A: a value has no line "
	"breaks or other control characters"},
    {"{" HTTP("headers: {A: b, a: c}") "}",
	"t:1:64: recipes.r.steps[0].http: headers: a is there twice, first at t:1:58"},
    /* json */
    {"{" HTTP("json: [012]") "}",
	"t:1:55: recipes.r.steps[0].http.json: 012: write a number as JSON does, or a text in quotes"},
    {"{" HTTP("json: {a: +1, b: .5, c: 1., d: -e1, e: 1e}") "}",
	"t:1:58: recipes.r.steps[0].http.json: +1: write a number as JSON does, or a text in quotes\n"
	"t:1:65: recipes.r.steps[0].http.json: .5: write a number as JSON does, or a text in quotes\n"
	"t:1:72: recipes.r.steps[0].http.json: 1.: write a number as JSON does, or a text in quotes"},
    {"{" HTTP("json: ") "}",
	"t:1:54: recipes.r.steps[0].http.json: expected a value; write null to send null"},
    {"{" HTTP("json: {a: 1e999, b: -1e999, c: '1e999'}") "}",
	"t:1:58: recipes.r.steps[0].http.json: 1e999: is more than a number holds: write it in quotes\n"
	"t:1:68: recipes.r.steps[0].http.json: -1e999: is more than a number holds: write it in quotes"},
    {"{" HTTP("json: 9223372036854775808") "}", "t:1:54: recipes.r.steps[0].http.json: 9223372036854775808: "
						"is more than 64 bits hold: write it in quotes"},
    {"{" HTTP("json: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]") "}",
	"t:1:86: recipes.r.steps[0].http.json: nested too deeply: at most 32"},
    {"{" HTTP("json: {a: 1, a: 2}") "}", "t:1:61: a: is there twice, first at t:1:55"},
    /* placeholders */
    {"{run: [x, '{stepp}']}",
	"t:1:33: recipes.r.steps[0].run: {stepp}: no such parameter; for a brace write {{"},
    {"{run: [x, '{step.y}']}",
	"t:1:33: recipes.r.steps[0].run: {step.y}: no such step; for a brace write {{"},
    {"{run: [x, '{step.run}']}", "t:1:33: recipes.r.steps[0].run: {step.run}: step 'run' is this one itself"},
    {"{run: [x], name: gather}, {run: [x], stdin: 'a{step.gahter}'}",
	"t:1:67: recipes.r.steps[1].stdin: {step.gahter}: no such step; did you mean {step.gather}?; for a "
	"brace write {{"},
    {"{run: [x, '{step.bake}']}, {run: [y], name: bake}",
	"t:1:33: recipes.r.steps[0].run: {step.bake}: step 'bake' comes later"},
    {"{sleep: 1s, name: mix}, {run: [x], stdin: '{step.mix}'}",
	"t:1:65: recipes.r.steps[1].stdin: {step.mix}: step 'mix' is a sleep and has no result"},
    {"{" HTTP("body: '{worker}'") "}",
	"t:1:54: recipes.r.steps[0].http.body: {worker}: only run steps have a worker"},
    {"{" HTTP("headers: {A: '{worker}'}") "}",
	"t:1:61: recipes.r.steps[0].http.headers.A: {worker}: only run steps have a worker"},
    {"{" HTTP("json: [{a: ['{step.z}']}]") "}",
	"t:1:60: recipes.r.steps[0].http.json: {step.z}: no such step; for a brace write {{"},
    {"{" HTTP("body: '{'") "}",
	"t:1:54: recipes.r.steps[0].http.body: a placeholder is {NAME}; for a brace write {{"},
};

START_TEST (errors_of_steps_say_where_and_what) {
	char text[1024];
	conf_text_be_a_person();
	snprintf(text, sizeof text, "recipes: {r: {steps: [%s]}}\n", wrong_steps[_i].steps);
	ck_assert_str_eq(conf_text_errors(text), wrong_steps[_i].errors);
}
END_TEST

static const struct {
	const char *text, *errors;
} wrong_recipes[] = {
    {"recipes: {r: {steps: {sleep: 1s}}}", "t:1:22: recipes.r.steps: expected a list of maps, not a map"},
    {"recipes: {r: {run: [x], steps: [{sleep: 1s}]}}", "t:1:15: recipes.r: run and steps exclude each other"},
    {"recipes: {r: {stdin: x, steps: [{sleep: 1s}]}}", "t:1:15: recipes.r: stdin belongs into the step"},
    {"recipes: {r: {delivery: at-most-once, steps: [{sleep: 1s}, {run: [x], retries: 2}]}}",
	"t:1:80: recipes.r: steps: retries: delivery at-most-once repeats nothing: say 0"},
    {"recipes: {r: {pool: ovens, steps: [{run: [x]}, {run: [y], name: y}]}}",
	"t:1:21: recipes.r.pool: no pool ovens in pools"},
    {"recipes: {r: {env: {A: '{step.run}'}, chdir: '{step.run}', steps: [{run: [x]}]}}",
	"t:1:24: recipes.r.env.A: {step.run}: this is the same for all steps: no result of one can stand in "
	"it\n"
	"t:1:46: recipes.r.chdir: {step.run}: this is the same for all steps: no result of one can stand in "
	"it"},
    {"recipes: {r: {params: {s: {type: string}}, steps: [{sleep: 1s, times: '{s}'}]}}",
	"t:1:71: recipes.r.steps[0].times: {s} is not an integer"},
    {"recipes: {r: {params: {l: {type: list}}, steps: [{http: {url: 'http://h/{l}', headers: {A: '{l}'}, "
     "body: '{l}'}}]}}",
	"t:1:63: recipes.r.steps[0].http.url: {l} is a list: it can only be a whole argument of run, or a "
	"whole "
	"text in json\n"
	"t:1:92: recipes.r.steps[0].http.headers.A: {l} is a list: it can only be a whole argument of run, "
	"or a "
	"whole text in json\n"
	"t:1:106: recipes.r.steps[0].http.body: {l} is a list: it can only be a whole argument of run, or a "
	"whole text in json"},
    {"recipes: {r: {params: {l: {type: list}}, steps: [{http: {url: 'http://h', json: ['a{l}']}}]}}",
	"t:1:82: recipes.r.steps[0].http.json: {l} is a list: it can only be a whole argument of run, or a "
	"whole text in json"},
    {"recipes: {r: {params: {}, steps: [{http: {url: 'http://h/{payload}'}}]}}",
	"t:1:48: recipes.r.steps[0].http.url: {payload} is for recipes without params; name a parameter"},
    {"limits: {http_per_host: 0}", "t:1:25: limits.http_per_host: 0: expected 1 to 1000000"},
};

START_TEST (errors_of_recipes_with_steps) {
	conf_text_be_a_person();
	ck_assert_str_eq(conf_text_errors(wrong_recipes[_i].text), wrong_recipes[_i].errors);
}
END_TEST

START_TEST (there_are_64_steps_at_most) {
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof text, "recipes: {r: {steps: [");
	conf_text_be_a_person();
	for (int i = 0; i < 64; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "{run: [x], name: s%d},", i);
	size_t last = n;
	snprintf(text + n, sizeof text - n, "{run: [x, '{step.s63}']}]}}");
	ck_assert_str_eq(conf_text_errors(text), "t:1:22: recipes.r.steps: expected 1 to 64 of them, not 65");
	/* The 64th may use the 63rd. */
	n = last - strlen("{run: [x], name: s63},");
	snprintf(text + n, sizeof text - n, "{run: [x, '{step.s62}']}]}}");
	struct conf *c = conf_text_parse(text);
	ck_assert_uint_eq(c->recipes[0].step_count, 64);
	ck_assert_uint_eq(c->recipes[0].steps[63].uses, UINT64_C(1) << 62);
	conf_free(c);
}
END_TEST

/* ---- the URL ---- */

START_TEST (urls) {
	static const char
	    host[] = "expected a host, HOST:PORT or [IPV6]:PORT after the slashes",
	    scheme[] = "expected http://… or https://…, without a placeholder before the path",
	    where[] = "a placeholder may stand in the path and the query only, not in the host or port",
	    ascii[] = "spaces, control characters and letters beyond ASCII are written as %XX",
	    secret[] = "a URL is no place for a user and a password: use a header (Authorization)",
	    fragment[] = "a fragment (#…) is never sent: leave it out",
	    dots[] = "write the path without parts that are . or ..",
	    percent[] = "a % is written %25; else two digits of 0-9, A-F belong behind it";
	static const struct {
		const char *url, *why;
	} rows[] = {
	    {"http://h", ""},
	    {"HTTPS://h.example:65535", ""},
	    {"http://[::1]:80?q={order.id}", ""},
	    {"http://127.0.0.1/{order.id}/@x:y?a=/b", ""},
	    {"http://h_1/{{literal}}", ""},
	    {"http://h/...//.a/{order.id}.?a/../b", ""},
	    {"ftp://h", scheme},
	    {"h/x", scheme},
	    {"{order.id}://h", scheme},
	    {"http:/h", scheme},
	    {"http://", host},
	    {"http:///x", host},
	    {"http://h:", host},
	    {"http://h:0", host},
	    {"http://h:65536", host},
	    {"http://h:8x", host},
	    {"http://:80", host},
	    {"http://[::1", host},
	    {"http://[]", host},
	    {"http://[::1]x", host},
	    {"http://a%20b/", host},
	    {"http://a\\\\b/", host},
	    {"http://{order.id}/", where},
	    {"http://h:{order.id}/", where},
	    {"http://h{order.id}", where},
	    {"http://u:p@h/", secret},
	    {"http://u@h", secret},
	    {"http://h/a b", ascii},
	    {"http://h/\\t", ascii},
	    {"http://h/\\x7f", ascii},
	    {"http://h/ü", ascii},
	    {"http://h/#a", fragment},
	    {"http://h#a", fragment},
	    {"http://h/.", dots},
	    {"http://h/a/../b", dots},
	    {"http://h/..?q", dots},
	    {"http://h/%2e%2E/b", dots},
	    {"http://h/a/.%2e", dots},
	    {"http://h/%2f%2Fx?%25", ""},
	    {"http://h/50%", percent},
	    {"http://h/%{order.id}", percent},
	    {"http://h/?%2{order.id}", percent},
	};
	char text[300], want[300];
	conf_text_be_a_person();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, "recipes: {r: {steps: [{http: {url: \"%s\"}}]}}", rows[i].url);
		snprintf(want, sizeof want, "t:1:36: recipes.r.steps[0].http: url: %s", rows[i].why);
		ck_assert_str_eq(conf_text_errors(text), *rows[i].why ? want : "");
	}
}
END_TEST

int main(void)
{
	TCase *t = unit_case("wrong");
	tcase_add_loop_test(
	    t, errors_of_steps_say_where_and_what, 0, sizeof wrong_steps / sizeof *wrong_steps);
	tcase_add_loop_test(t, errors_of_recipes_with_steps, 0, sizeof wrong_recipes / sizeof *wrong_recipes);
	tcase_add_test(t, there_are_64_steps_at_most);
	tcase_add_test(t, urls);
	return unit_run();
}
