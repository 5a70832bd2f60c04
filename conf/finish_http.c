/* The http map of a step: method, URL, headers, the statuses that are success. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "conf/finish.h"
#include "conf/json_value.h"
#include "conf/read.h"
#include "conf/url.h"

enum { METHOD_MAX = 32 };

/* RFC 9110, section 5.6.2: methods and names of headers. */
static bool is_token(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				      "!#$%&'*+-.^_`|~";
	return *text && strspn(text, letters) == strlen(text);
}

static void check_method(struct reader *r, const struct tree *node, const char *path, const char *method)
{
	static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	if (!is_token(method) || strlen(method) > METHOD_MAX)
		problems_error(r->problems, &node->place, path,
		    "method: expected a word such as GET, POST, PUT or DELETE");
	else if (strcasecmp(method, "CONNECT") == 0)
		problems_error(
		    r->problems, &node->place, path, "method: CONNECT is for proxies, not for a step");
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		if (strcasecmp(method, usual[i]) == 0 && strcmp(method, usual[i]) != 0)
			problems_error(r->problems, &node->place, path, "method: %s: capitals matter: say %s",
			    method, usual[i]);
	}
}

static void check_header(
    struct reader *r, const struct tree *node, const char *path, const struct tree *headers)
{
	static const char *const taken[] = {"Content-Length", "Transfer-Encoding", "Connection", "Expect",
	    "Keep-Alive", "TE", "Upgrade"}; /* step/exchange.c would leave them out */
	const char *name = node->key->text;
	const struct conf_place *at = &node->key->place;
	if (!is_token(name))
		problems_error(r->problems, at, path,
		    "headers: %.60s: a name has letters, digits and !#$%%&'*+-.^_`|~", name);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (strcasecmp(name, taken[i]) == 0)
			problems_error(r->problems, at, path, "headers: %s is the daemon's to say", taken[i]);
	}
	for (const struct tree *other = STAILQ_FIRST(&headers->children); other != node;
	     other = STAILQ_NEXT(other, next)) {
		if (strcasecmp(name, other->key->text) == 0)
			problems_error(r->problems, at, path, "headers: %s is there twice, first at %s:%d:%d",
			    name, other->key->place.file, other->key->place.line, other->key->place.column);
	}
	for (const char *c = node->kind == TREE_SCALAR ? node->text : ""; *c; c++) {
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) {
			problems_error(r->problems, &node->place, path,
			    "headers: %.60s: a value has no line breaks or other control characters", name);
			break;
		}
	}
}

/* "200", "2xx". 0 or -EINVAL. */
static int read_status(const struct tree *node, bool *statuses)
{
	const char *t = node->text;
	if (node->kind != TREE_SCALAR || node->len != 3)
		return -EINVAL;
	if (t[0] >= '2' && t[0] <= '4' && strcmp(t + 1, "xx") == 0) {
		for (int i = 0; i < 100; i++)
			statuses[(t[0] - '0') * 100 + i] = true;
		return 0;
	}
	if (!node->plain || strspn(t, "0123456789") != 3 || t[0] < '1' || t[0] > '5')
		return -EINVAL;
	statuses[(t[0] - '0') * 100 + (t[1] - '0') * 10 + t[2] - '0'] = true;
	return 0;
}

static int read_expect(struct reader *r, const struct tree *list, const char *path, bool *statuses)
{
	static char any_success[] = "2xx";
	const struct tree *child, fallback = {.kind = TREE_SCALAR, .text = any_success, .len = 3};
	if (!list)
		return read_status(&fallback, statuses);
	if (list->kind != TREE_LIST || !list->count) {
		problems_error(r->problems, &list->place, path,
		    "expect: expected a list of statuses in [ ], such as [200, 404, 3xx]");
		return 0;
	}
	STAILQ_FOREACH (child, &list->children, next) {
		if (read_status(child, statuses) < 0)
			problems_error(
			    r->problems, &child->place, path, "expect: expected 100 to 599, 2xx, 3xx or 4xx");
	}
	return 0;
}

static char *default_method(struct reader *r, const struct conf_http *http)
{
	return arena_printf(r->arena, http->body || http->json ? "POST" : "GET");
}

int finish_http(struct reader *r, const struct tree *node, const char *path, void *object)
{
	struct conf_http *http = &((struct conf_step *)object)->http;
	const struct tree *url = tree_get(node, "url"), *json = tree_get(node, "json"),
			  *body = tree_get(node, "body"), *method = tree_get(node, "method"),
			  *headers = tree_get(node, "headers"), *header;
	const char *why = http->url ? url_check(http->url) : NULL;
	if (!url)
		problems_error(r->problems, &node->place, path, "url is missing");
	if (why)
		problems_error(r->problems, &url->place, path, "url: %s", why);
	if (json && body)
		problems_error(r->problems, &json->key->place, path, "body and json exclude each other");
	if (http->method && method)
		check_method(r, method, path, http->method);
	/* A server would answer without the body that libcurl waits for, because it knows of no such request. */
	if (http->method && strcmp(http->method, "HEAD") == 0 && (json || body))
		problems_error(r->problems, json ? &json->key->place : &body->key->place, path,
		    "a HEAD request has no body");
	if (headers && headers->kind == TREE_MAP) {
		STAILQ_FOREACH (header, &headers->children, next)
			check_header(r, header, path, headers);
	}
	if (!tree_get(node, "result_max"))
		http->result_max = UINT64_MAX; /* the recipe's, when all is read */
	int error = read_expect(r, tree_get(node, "expect"), path, http->expect);
	const char *json_path = read_path(r, path, "json");
	if (!error && json)
		error = json_path ? json_value(r, json, json_path, &http->json) : -ENOMEM;
	if (!error && !http->method && !(http->method = default_method(r, http)))
		error = -ENOMEM;
	return error;
}
