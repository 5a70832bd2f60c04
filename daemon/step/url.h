/*
 * Where a request goes, taken out of its URL by libcurl's own reader, so that what we look up, wait for and show is what it connects to.
 */
#ifndef BAKERY_STEP_URL_H
#define BAKERY_STEP_URL_H

#include <stdbool.h>
#include <stdint.h>

enum { URL_HOST_MAX = 255, URL_PLACE_MAX = URL_HOST_MAX + 6, URL_SHOWN_MAX = 255 };

struct url {
	bool tls;
	bool literal;                  /* the host is an address: nothing to look up */
	uint16_t host_len;             /* of place */
	char place[URL_PLACE_MAX + 1]; /* HOST:PORT, lower case; an IPv6 address has its brackets */
	char shown[URL_SHOWN_MAX + 1]; /* for people: without user, query and fragment, and cut when long */
};

/* 0; -EINVAL with *why (static text); -ENOMEM. http and https only. On the loop's stack; does not suspend. */
int url_read(const char *text, struct url *out, const char **why);
/* What `to`, whole or relative to base, stands for (RFC 3986, 5): *out, to be freed. 0, -EINVAL, -ENOMEM. */
int url_join(const char *base, const char *to, char **out);
/* What the request line asks for: path and query. *out is to be freed. 0, -EINVAL, -ENOMEM. */
int url_target(const char *text, char **out);
bool url_same_origin(const struct url *a, const struct url *b);

#endif
