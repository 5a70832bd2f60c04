/*
 * The request of an http step, and how often a sleep step sleeps. What is said of values in RFC 3986 (percent-encoding, dot segments), RFC 9110 (no
 * line breaks in a header) and RFC 8259 (JSON) is kept here.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "conf/units.h"
#include "conf/url.h"
#include "daemon/order/json.h"
#include "daemon/order/params.h"

enum {
	TIMES_MAX = 1000000,
	HEADER_MAX = 64 << 10, /* of a value; servers take less */
};

/* ---- the URL ---- */

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

/* In place, from the end, so that each byte moves once. */
static int percent_encode(struct buf *text, size_t from)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t more = 0;
	for (size_t i = from; i < text->len; i++)
		more += is_unreserved(buf_bytes(text)[i]) ? 0 : 2;
	if (!more)
		return 0;
	if (!buf_reserve(text, more))
		return -ENOMEM;
	char *begin = text->data + text->off + from, *in = text->data + text->off + text->len,
	     *out = in + more;
	while (in > begin) {
		char c = *--in;
		if (is_unreserved(c)) {
			*--out = c;
			continue;
		}
		*--out = digits[c & 15];
		*--out = digits[(unsigned char)c >> 4];
		*--out = '%';
	}
	buf_commit(text, more);
	return 0;
}

static int expand_url(struct expansion *e, const char *template, struct recipe_request *out)
{
	e->encode = percent_encode;
	int r = expand_text(e, template, NULL, &out->url);
	e->encode = NULL;
	if (!r && url_has_dot_part(out->url))
		r = params_refuse(
		    e->why, "url: a part of its path is '.' or '..', which would be another path");
	return r;
}

/* ---- headers ---- */

static bool has_header(const struct conf_http *http, const char *name)
{
	for (size_t i = 0; i < http->header_count; i++) {
		if (strcasecmp(http->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

static int expand_header(struct expansion *e, const struct conf_pair *header, char **out)
{
	int r = expand(e, header->value);
	if (r)
		return r;
	const char *value = buf_bytes(&e->text);
	if (e->text.len > HEADER_MAX)
		return params_refuse(
		    e->why, "header '%.64s': a value has at most %d bytes", header->name, HEADER_MAX);
	for (size_t i = 0; i < e->text.len; i++) {
		char c = value[i];
		if (c == 0x7f || ((unsigned char)c < ' ' && c != '\t'))
			return params_refuse(e->why, "header '%.64s': a value with %s cannot be in a header",
			    header->name,
			    !c                       ? "a byte 0"
			    : c == '\r' || c == '\n' ? "a line break"
						     : "a control character");
	}
	*out = arena_printf(&e->arena, "%s: %.*s", header->name, (int)e->text.len, value);
	return *out ? 0 : -ENOMEM;
}

static int expand_headers(struct expansion *e, const struct conf_step *step, struct recipe_request *out)
{
	const struct conf_http *http = &step->http;
	const char *type = http->json ? "json" : "octet-stream";
	size_t n = 0;
	int r = 0;
	out->headers = arena_alloc(&e->arena, (http->header_count + 3) * sizeof *out->headers);
	if (!out->headers)
		return -ENOMEM;
	for (; n < http->header_count && !r; n++)
		r = expand_header(e, &http->headers[n], &out->headers[n]);
	if (!r && out->body && !has_header(http, "Content-Type")) {
		out->headers[n] = arena_printf(&e->arena, "Content-Type: application/%s", type);
		r = out->headers[n++] ? 0 : -ENOMEM;
	}
	/* So that the other side can tell another try from another order. */
	if (!r && !has_header(http, "Idempotency-Key")) {
		out->headers[n] = arena_printf(
		    &e->arena, "Idempotency-Key: %" PRId64 "-%s", e->values->order, step->name);
		r = out->headers[n++] ? 0 : -ENOMEM;
	}
	return r;
}

/* ---- the body ---- */

static int expand_body(struct expansion *e, const struct conf_http *http, struct recipe_request *out)
{
	struct buf json = {0}, *bytes = http->json ? &json : &e->text;
	if (!http->json && !http->body)
		return 0;
	int r = http->json ? expand_json(e, http->json, &json) : expand(e, http->body);
	if (!r) {
		out->body = arena_copy(&e->arena, buf_bytes(bytes), bytes->len);
		out->body_len = bytes->len;
		r = out->body ? 0 : -ENOMEM;
	}
	buf_clear(&json);
	return r;
}

int recipe_expand_http(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, struct recipe_request *out, char why[static 256])
{
	struct expansion e;
	struct recipe_request request = {0};
	int error = expansion_open(&e, r, values, why);
	if (!error) {
		request.method = arena_copy(&e.arena, step->http.method, strlen(step->http.method));
		error = request.method ? 0 : -ENOMEM;
	}
	if (!error)
		error = expand_url(&e, step->http.url, &request);
	if (!error)
		error = expand_body(&e, &step->http, &request);
	if (!error)
		error = expand_headers(&e, step, &request);
	error = expansion_close(&e, error, &request.arena);
	if (!error)
		*out = request;
	return error;
}

void recipe_request_clear(struct recipe_request *q)
{
	struct arena arena = {.chunks = q->arena};
	arena_clear(&arena);
	*q = (struct recipe_request){0};
}

/* ---- sleep ---- */

int recipe_times(const struct conf_recipe *r, const struct conf_step *step,
    const struct recipe_values *values, int64_t *times, char why[static 256])
{
	struct expansion e;
	void *arena = NULL;
	int64_t n = 1;
	int error = expansion_open(&e, r, values, why);
	if (!error && step->times) {
		error = expand(&e, step->times);
		if (!error && units_parse_int(buf_bytes(&e.text), e.text.len, 0, TIMES_MAX, &n) != 0)
			error = params_refuse(why, "times: expected 0 to %d, not '%.*s'", TIMES_MAX,
			    (int)(e.text.len < 64 ? e.text.len : 64), buf_bytes(&e.text));
	}
	error = expansion_close(&e, error, &arena);
	if (!error)
		*times = n;
	return error;
}
