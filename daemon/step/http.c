/*
 * An http step, from the recipe to the outcome: straight code in the order's task. It waits for its turn before the host, for the host's addresses, for the answer;
 * and again when it is told to ask elsewhere. What needs more stack than a task has runs in between on the loop's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/step/answer.h"
#include "daemon/step/exchange.h"
#include "daemon/step/inner.h"
#include "daemon/task/task.h"

/* The step has come to its end: the outcome is filled in. Beside 0 and the errors, which are negative. */
enum { ENDED = 1 };

struct http {
	struct steps *steps;
	struct step_try *try;
	struct step_time *time;
	struct recipe_request expanded;
	struct url where; /* where it goes now */
	char *redirected; /* the URL, when it is not the recipe's */
	int redirects;
	struct exchange_request request;
	struct exchange exchange;
	const char *why; /* there are no addresses */
};

/* ---- on the loop's stack ---- */

/* A URL of the recipe's, or of a server's. */
static int read_url(struct http *h, const char *text, struct url *out)
{
	const char *why;
	int r = url_read(text, out, &why);
	if (r == 0)
		return 0;
	if (r != -EINVAL) {
		step_refused(h->try, r);
	} else if (h->redirects == 0) {
		step_fails(h->try, CAUSE_PARAMS, true, "the URL of the step: %s", why);
	} else {
		step_fails(h->try, CAUSE_HTTP, true, "%s %s: redirected to where it may not go: %s",
		    h->request.method, h->where.shown, why);
	}
	return ENDED;
}

/* Where its line is: before there are values, which the part of the URL before the path has none of. */
static int find_host(void *arg)
{
	struct http *h = arg;
	const char *url = h->try->step->http.url, *place = strstr(url, "://");
	size_t n = place ? (size_t)(place - url) + 3 : 0;
	char *origin = strndup(url, n + strcspn(url + n, "/?"));
	if (!origin) {
		step_refused(h->try, -ENOMEM);
		return ENDED;
	}
	int r = read_url(h, origin, &h->where);
	free(origin);
	return r;
}

static int expand(void *arg)
{
	struct http *h = arg;
	struct step_try *t = h->try;
	char why[256];
	int r = recipe_expand_http(t->recipe, t->step, &t->values, &h->expanded, why);
	if (r == -EINVAL)
		step_fails(t, CAUSE_PARAMS, true, "%s", why);
	else if (r < 0)
		step_refused(t, r);
	if (r < 0)
		return ENDED;
	const struct conf_http *http = &t->step->http;
	h->request = (struct exchange_request){.method = h->expanded.method,
	    .url = h->expanded.url,
	    .where = &h->where,
	    .headers = h->expanded.headers,
	    .body = h->expanded.body,
	    .body_len = h->expanded.body_len,
	    .ca = http->ca,
	    .expect = http->expect,
	    .body_max = http->result_max,
	    .once = t->recipe->at_most_once};
	return read_url(h, h->request.url, &h->where);
}

/* RFC 9110, 15.4: 303 asks for the answer by GET, and so, as everybody does, do 301 and 302 after a POST. */
static void change_method(struct exchange_request *r, int status)
{
	bool is_post = strcmp(r->method, "POST") == 0;
	bool is_head = strcmp(r->method, "HEAD") == 0;
	if (!(status == 303 && !is_head) && !((status == 301 || status == 302) && is_post))
		return;
	r->method = "GET";
	r->body = NULL;
	r->body_len = 0;
	r->body_dropped = true;
}

/* ENDED; or 0: the request is to be sent there. */
static int redirect(struct http *h, const char *to, int status)
{
	struct url origin, where;
	struct step_try *t = h->try;
	if (++h->redirects > t->step->http.redirects) {
		step_fails(t, CAUSE_HTTP, true, "%s %s: redirected more than %d times", h->request.method,
		    h->where.shown, t->step->http.redirects);
		return ENDED;
	}
	char *url = NULL;
	int r = url_join(h->request.url, to, &url);
	if (r < 0) {
		/* libcurl says so of some that it had no memory for, too: so it may be tried again. */
		if (r == -EINVAL)
			step_fails(t, CAUSE_HTTP, false, "%s %s: redirected to what is no URL",
			    h->request.method, h->where.shown);
		else
			step_refused(t, r);
		return ENDED;
	}
	r = read_url(h, h->expanded.url, &origin);
	if (r == 0)
		r = read_url(h, url, &where);
	if (r == 0 && h->where.tls && !where.tls) {
		step_fails(t, CAUSE_HTTP, true, "%s %s: redirected from https to http", h->request.method,
		    h->where.shown);
		r = ENDED;
	}
	if (r != 0) {
		free(url);
		return r;
	}
	free(h->redirected);
	h->redirected = url;
	h->request.url = url;
	h->where = where;
	h->request.foreign |= !url_same_origin(&origin, &where);
	change_method(&h->request, status);
	return 0;
}

static int begin(void *arg)
{
	struct http *h = arg;
	h->steps->stats.requests++;
	return exchange_begin(h->steps->transfers, &h->request, &h->exchange);
}

/* The answer is there. */
static int judge(struct http *h)
{
	int status;
	long connects = 1;
	struct exchange *x = &h->exchange;
	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
	h->steps->stats.reused += x->transfer.code == CURLE_OK && connects == 0;
	const char *to = NULL;
	if (h->try->step->http.redirects > 0 && (x->transfer.code == CURLE_OK || x->cut == EXCHANGE_ENOUGH))
		to = answer_redirect(x, &status);
	if (to)
		return redirect(h, to, status);
	answer_judge(x, h->try);
	return ENDED;
}

/* How the waits ended. */
struct end {
	struct http *http;
	int r;
};

/* 0: once more. ENDED, or ERR_CANCELLED. Whatever is under way is given up. */
static int end(void *arg)
{
	struct http *h = ((struct end *)arg)->http;
	int r = ((struct end *)arg)->r;
	if (r == 0) {
		r = judge(h);
	} else if (r == ERR_TIMEOUT) {
		answer_late(&h->exchange, &h->request, h->try, h->time->limit_ms);
		r = ENDED;
	} else if (r == -EHOSTUNREACH) {
		step_fails(h->try, CAUSE_HTTP, false, "%s %s: cannot look up the host: %s", h->request.method,
		    h->where.shown, h->why);
		r = ENDED;
	} else if (r == -EAGAIN) {
		step_fails(h->try, CAUSE_HTTP, false, "%s %s: too many names are being looked up",
		    h->request.method, h->where.shown);
		r = ENDED;
	} else if (r != ERR_CANCELLED) {
		step_refused(h->try, r);
		r = ENDED;
	}
	exchange_end(&h->exchange);
	buf_clear(&h->exchange.body);
	h->exchange = (struct exchange){0};
	return r;
}

static int clear(void *arg)
{
	struct http *h = arg;
	recipe_request_clear(&h->expanded);
	free(h->redirected);
	free(h);
	return 0;
}

/* ---- on the task's ---- */

/* The request is made of the recipe's texts. ENDED; or a negative code: there are no values. */
static int await_expanded(struct http *h)
{
	int r = await_step_values(h->try, h->time);
	if (r < 0)
		return r;
	r = task_call_big(expand, h);
	step_release_values(h->try);
	return r;
}

/* From the host's addresses to the answer. 0: it is there. */
static int await_answer(struct http *h)
{
	struct steps *s = h->steps;
	int64_t deadline = step_deadline_ns(h->time);
	h->request.addresses = NULL;
	int r = 0;
	if (!h->where.literal)
		r = await_lookup(s->lookups, h->where.place, h->where.host_len, h->try, deadline,
		    &h->request.addresses, &h->why);
	/* A cancel that came when the last wait was over already: nothing may be sent any more. */
	if (r == 0 && task_cancelled())
		r = ERR_CANCELLED;
	if (r == 0)
		r = task_call_big(begin, h);
	if (r == 0) {
		step_waits(h->try, "http");
		r = await_future(&h->exchange.transfer.done, deadline);
	}
	return r;
}

/* One request and its answer. 0: once more. */
static int await_request(struct http *h)
{
	struct host *host = NULL;
	int64_t came_ns = clock_mono_ns();
	int r = await_host(&h->steps->hosts, h->where.place, h->try, &host);
	h->time->stood_ns += clock_mono_ns() - came_ns;
	bool is_made = h->expanded.url;
	if (r == 0 && !is_made) {
		r = await_expanded(h);
		is_made = r == 0;
	}
	if (r == 0)
		r = await_answer(h);
	if (is_made || !host)
		r = task_call_big(end, &(struct end){h, r});
	if (host)
		host_leave(&h->steps->hosts, host);
	return r;
}

int await_http(struct steps *s, struct step_try *t, struct step_time *time)
{
	struct http *h = calloc(1, sizeof *h);
	if (!h) {
		step_refused(t, -ENOMEM);
		return 0;
	}
	*h = (struct http){.steps = s, .try = t, .time = time, .why = ""};
	int r = task_call_big(find_host, h);
	while (r == 0)
		r = await_request(h);
	task_call_big(clear, h);
	s->stats.failed += r == ENDED && t->outcome.cause != CAUSE_NONE;
	return r == ENDED ? 0 : r;
}
