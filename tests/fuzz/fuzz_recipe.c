/*
 * Any values in an http step: refused with a reason of one line, or a request whose URL has the recipe's host and path and no byte that a URL may not have, whose
 * headers are one line each, and whose JSON is JSON of the recipe's shape. The input: a byte that says how long the payload is (of 255), the payload, the result of a step.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(s) ((char *)(s))

static struct conf_param params[] = {
    {.name = TEXT("s"), .type = CONF_PARAM_STRING, .max = CONF_NONE},
    {.name = TEXT("i"), .type = CONF_PARAM_INTEGER},
    {.name = TEXT("n"), .type = CONF_PARAM_NUMBER},
    {.name = TEXT("l"), .type = CONF_PARAM_LIST},
};
static struct conf_pair headers[] = {{TEXT("X-A"), TEXT("{step.a}")}, {TEXT("X-S"), TEXT("<{s}>")}};
static struct conf_step steps[] = {
    {.name = TEXT("a"), .kind = CONF_STEP_SLEEP, .times = TEXT("{i}")},
    {.name = TEXT("url"),
	.kind = CONF_STEP_HTTP,
	.http = {.method = TEXT("GET"), .url = TEXT("http://h/x/{s}/{step.a}?{n}")}},
    {.name = TEXT("json"),
	.kind = CONF_STEP_HTTP,
	.http = {.method = TEXT("PUT"),
	    .url = TEXT("http://h/"),
	    .json = TEXT("{\"a\": [\"{s}\", \"{i}\", \"{n}\", \"{l}\", \"-{s}{step.a}\"], \"b\": {\"c\": "
			 "\"{step.a}\"}}")}},
    {.name = TEXT("headers"),
	.kind = CONF_STEP_HTTP,
	.http = {.method = TEXT("GET"), .url = TEXT("http://h/"), .headers = headers, .header_count = 2}},
};
static struct conf_recipe recipe = {.name = TEXT("r"),
    .has_params = true,
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps};

static void check(int good)
{
	if (!good)
		abort();
}

static void check_why(const char why[static 256])
{
	check(memchr(why, 0, 256) && *why);
	for (; *why; why++)
		check((unsigned char)*why >= ' ');
}

static void check_url(const char *url)
{
	check(strncmp(url, "http://h/x/", 11) == 0);
	int slashes = 0, questions = 0;
	for (const char *p = url + 8; *p; p++) {
		check((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		      strchr("-._~%/?", *p));
		slashes += *p == '/';
		questions += *p == '?';
	}
	check(slashes == 3 && questions == 1 && !strstr(url, "/../") && !strstr(url, "/./"));
}

static void check_json(const struct recipe_request *q)
{
	json_t *json = json_loadb(q->body, q->body_len, JSON_ALLOW_NUL, NULL);
	check(json && json_object_size(json) == 2);
	const json_t *a = json_object_get(json, "a"), *b = json_object_get(json, "b");
	check(json_array_size(a) == 5 && json_object_size(b) == 1);
	check(json_is_string(json_array_get(a, 4)) && json_is_string(json_object_get(b, "c")));
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	size_t len = data[0] < size ? data[0] : size - 1;
	const struct recipe_result results[4] = {
	    {.present = true, .bytes = {(const char *)data + 1 + len, size - 1 - len}}};
	const struct recipe_values values = {
	    .order = 1, .attempt = 1, .payload = {(const char *)data + 1, len}, .results = results};
	char why[256] = "";
	int64_t times = -1;
	int r = recipe_times(&recipe, &steps[0], &values, &times, why);
	if (r)
		check_why(why);
	check(r ? r == -EINVAL : times >= 0 && times <= 1000000);
	for (size_t i = 1; i < recipe.step_count; i++) {
		struct recipe_request q;
		r = recipe_expand_http(&recipe, &steps[i], &values, &q, why);
		if (r) {
			check(r == -EINVAL);
			check_why(why);
			continue;
		}
		if (i == 1)
			check_url(q.url);
		if (i == 2)
			check_json(&q);
		for (char **line = q.headers; *line; line++)
			check(strpbrk(*line, "\r\n") == NULL && strstr(*line, ": "));
		recipe_request_clear(&q);
	}
	return 0;
}
