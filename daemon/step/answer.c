#include "daemon/step/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/step/inner.h"
#include "daemon/step/printable.h"

static int status_of(const struct exchange *x)
{
	long status = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	return status > 0 && status < 600 ? (int)status : 0;
}

/* ---- redirects ---- */

const char *answer_redirect(const struct exchange *x, int *status)
{
	*status = status_of(x);
	bool may = *status == 301 || *status == 302 || *status == 303 || *status == 307 || *status == 308;
	return may && !x->request->expect[*status] ? x->location : NULL;
}

/* ---- a failure by its status ---- */

static bool may_change(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* Retry-After: seconds or a date (RFC 9110, 10.2.3). 0: not said, or not understood. */
static int64_t retry_after_ms(const struct exchange *x)
{
	const char *value = x->retry_after;
	size_t digits = strspn(value, "0123456789");
	if (digits > 0 && value[digits] == '\0') {
		/* Longer ones are no pause that anybody means; backoff.max bounds it anyway. */
		return digits > 9 ? INT64_C(999999999) * 1000 : strtoll(value, NULL, 10) * 1000;
	}
	time_t date = curl_getdate(value, NULL);
	int64_t rest = (int64_t)date * 1000 - clock_wall_ms();
	return date >= 0 && rest > 0 ? rest : 0;
}

static void judge_status(const struct exchange *x, struct step_try *t, int status)
{
	const struct exchange_request *r = x->request;
	char excerpt[PRINTABLE_MAX(EXCHANGE_EXCERPT_MAX)];
	printable(x->body.data, x->body.len, excerpt);
	/* Where it points to, if that can be told. */
	const char *location = status >= 300 && status < 400 ? x->location : NULL, *why;
	struct url url;
	char *to = NULL;
	if (location && url_join(r->url, location, &to) == 0 && url_read(to, &url, &why) != 0) {
		free(to);
		to = NULL;
	}
	step_fails(t, CAUSE_HTTP, !may_change(status), "%s %s: status %d%s%s%s%s", r->method, r->where->shown,
	    status, to ? " to " : "", to ? url.shown : "", excerpt[0] ? ": " : "", excerpt);
	free(to);
	if (may_change(status))
		t->outcome.retry_after_ms = retry_after_ms(x);
}

/* ---- no whole answer ---- */

static const char *system_error(const struct exchange *x, char out[static 128])
{
	long error = 0;
	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &error);
	if (error == 0)
		return x->error[0] ? x->error : curl_easy_strerror(x->transfer.code);
	snprintf(out, 128, "%s", strerror((int)error));
	return out;
}

/* Two texts: what happened, and its reason ("": nothing to add). */
static const char *broken(const struct exchange *x, const char **reason, char room[static 128])
{
	*reason = "";
	switch (x->transfer.code) {
	case CURLE_COULDNT_CONNECT:
		*reason = system_error(x, room);
		return "cannot connect";
	case CURLE_OPERATION_TIMEDOUT:
		return "cannot connect: no answer from the host";
	case CURLE_GOT_NOTHING:
		return "the connection was closed before an answer";
	case CURLE_PARTIAL_FILE:
		return "the connection was closed before the end of the answer";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		*reason = system_error(x, room);
		return "the connection was lost";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return "the answer is not HTTP";
	case CURLE_PEER_FAILED_VERIFICATION:
		*reason = x->error;
		return "the server's certificate is not trusted";
	case CURLE_SSL_CACERT_BADFILE:
		*reason = x->error;
		return "cannot read the authorities to trust";
	case CURLE_SSL_CONNECT_ERROR:
		*reason = x->error;
		return "no TLS connection";
	case CURLE_OUT_OF_MEMORY:
		return "the answer has a header line that is too long, or memory was refused";
	default:
		*reason = x->error;
		return curl_easy_strerror(x->transfer.code);
	}
}

static void judge_broken(const struct exchange *x, struct step_try *t)
{
	char room[128], text[PRINTABLE_MAX(CURL_ERROR_SIZE)];
	const char *reason, *what = broken(x, &reason, room);
	printable(reason, strlen(reason), text);
	step_fails(t, CAUSE_HTTP, false, "%s %s: %s%s%s", x->request->method, x->request->where->shown, what,
	    text[0] ? ": " : "", text);
}

/* libcurl says "out of memory" of a line beyond its limit too: then at least a byte has come. */
static bool is_short_of_memory(const struct exchange *x)
{
	curl_off_t first = 0;
	curl_easy_getinfo(x->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	return x->transfer.code == CURLE_OUT_OF_MEMORY && first == 0;
}

void answer_judge(struct exchange *x, struct step_try *t)
{
	const struct exchange_request *r = x->request;
	int refused = x->refused ? x->refused : x->transfer.refused;
	int status = status_of(x);
	if (x->transfer.code != CURLE_OK && (refused || is_short_of_memory(x)))
		step_refused(t, refused ? refused : -ENOMEM);
	else if (x->cut == EXCHANGE_TOO_LONG)
		step_fails(t, CAUSE_HTTP, true,
		    "%s %s: the answer is longer than result_max, %" PRIu64 " bytes", r->method,
		    r->where->shown, r->body_max);
	else if (x->cut == EXCHANGE_HEADERS_TOO_LONG)
		step_fails(t, CAUSE_HTTP, false, "%s %s: the answer's headers are too long", r->method,
		    r->where->shown);
	else if (x->transfer.code != CURLE_OK && x->cut != EXCHANGE_ENOUGH)
		judge_broken(x, t);
	else if (r->expect[status]) {
		step_succeeds(t, x->body.data, x->body.len);
		x->body = (struct buf){0};
	} else
		judge_status(x, t, status);
}

void answer_late(
    const struct exchange *x, const struct exchange_request *r, struct step_try *t, int64_t limit_ms)
{
	curl_off_t connected = 0, first = 0;
	if (x->easy) {
		curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
		curl_easy_getinfo(x->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	}
	const char *what = !x->easy    ? "while the host's name was looked up"
			   : first     ? "before the end of the answer"
			   : connected ? "before an answer"
				       : "before there was a connection";
	step_fails(t, CAUSE_TIMEOUT, false, "%s %s: the time of %" PRId64 " ms was over %s", r->method,
	    r->where->shown, limit_ms, what);
}
