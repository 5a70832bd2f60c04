/*
 * One request and its answer, as libcurl is told of it: all that is set on an easy handle, and what comes back. Redirects are not followed here.
 *
 * Nothing here suspends; all of it needs the loop's own stack (task_call_big).
 */
#ifndef BAKERY_STEP_EXCHANGE_H
#define BAKERY_STEP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/step/transfer.h"
#include "daemon/step/url.h"
#include "proto/buf.h"

/* What is sent. All borrowed until exchange_end(). */
struct exchange_request {
	const char *method, *url;
	const struct url *where;
	const char *addresses; /* of the host; NULL when it is one itself. Borrowed for the call only */
	char *const *headers;  /* "Name: value", NULL-terminated */
	bool foreign;          /* to another origin than the recipe's: only headers that are no secrets */
	bool body_dropped;     /* by a redirect: headers about it go too */
	const char *body;      /* NULL: none */
	size_t body_len;
	const char *ca;     /* NULL: the system's authorities */
	const bool *expect; /* [600]: the statuses whose body is wanted */
	uint64_t body_max;  /* of a wanted one */
	bool once;          /* never silently sent again, on another connection */
};

/* What is kept of a body that is not wanted, for people to read. */
enum { EXCHANGE_EXCERPT_MAX = 1024 };

struct exchange {
	struct transfer transfer; /* its future says when the answer is there */
	struct transfers *transfers;
	CURL *easy; /* NULL: not begun, or ended */
	const struct exchange_request *request;
	struct curl_slist *headers, *resolve;
	char error[CURL_ERROR_SIZE];

	/* the answer */
	enum { EXCHANGE_WHOLE, EXCHANGE_TOO_LONG, EXCHANGE_HEADERS_TOO_LONG, EXCHANGE_ENOUGH } cut;
	int refused; /* of what the answer needed: a negative errno value */
	uint64_t header_bytes, body_bytes;
	char *location;       /* of these headers; NULL: not there, or empty */
	char retry_after[64]; /* "": not there, or longer than it can be */
	struct buf body;      /* wanted: all of it; else its beginning */
};

/* x is zeroed. 0 or a negative errno value; exchange_end() in any case. */
int exchange_begin(struct transfers *t, const struct exchange_request *r, struct exchange *x);
/* Gives up what is under way and gives back all but the body. Fine for one that is zeroed, and again. */
void exchange_end(struct exchange *x);

#endif
