#include "daemon/step/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/buf.h"

static bool is_literal(const char *host)
{
	struct in_addr address;
	return host[0] == '[' || inet_pton(AF_INET, host, &address) == 1;
}

/* Lower case, as libcurl's table of names has it. A name with other letters would be translated by libcurl, or not: a matter of how it was built. */
static int copy_place(const char *host, const char *port, struct url *out, const char **why)
{
	size_t len = strlen(host);
	if (len == 0 || len > URL_HOST_MAX) {
		*why = "the host's name is too long";
		return -EINVAL;
	}
	for (size_t i = 0; i <= len; i++) {
		if ((unsigned char)host[i] >= 0x80) {
			*why = "the host's name has a letter beyond ASCII: write its xn-- form";
			return -EINVAL;
		}
		out->place[i] = (char)tolower((unsigned char)host[i]);
	}
	out->literal = is_literal(out->place);
	out->host_len = (uint16_t)len;
	snprintf(out->place + len, sizeof out->place - len, ":%s", port);
	return 0;
}

struct parts {
	char *scheme, *host, *port, *path;
};

static int get_parts(CURLU *u, struct parts *p)
{
	CURLUcode c = curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0);
	if (!c)
		c = curl_url_get(u, CURLUPART_HOST, &p->host, 0);
	if (!c)
		c = curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT);
	if (!c)
		c = curl_url_get(u, CURLUPART_PATH, &p->path, 0);
	return c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : c ? -EINVAL : 0;
}

static int take_parts(const struct parts *p, struct url *out, const char **why)
{
	out->tls = strcmp(p->scheme, "https") == 0;
	int r = copy_place(p->host, p->port, out, why);
	if (r == 0) {
		bool usual = strcmp(p->port, out->tls ? "443" : "80") == 0;
		snprintf(out->shown, sizeof out->shown, "%s://%.*s%s", p->scheme,
		    usual ? (int)out->host_len : (int)strlen(out->place), out->place, p->path);
	}
	return r;
}

int url_read(const char *text, struct url *out, const char **why)
{
	if (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) {
		*why = "only http and https are spoken";
		return -EINVAL;
	}
	CURLU *u = curl_url();
	if (!u)
		return -ENOMEM;
	struct parts parts = {0};
	*why = "this is no URL";
	CURLUcode c = curl_url_set(u, CURLUPART_URL, text, 0);
	int r = c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : c ? -EINVAL : get_parts(u, &parts);
	if (r == 0)
		r = take_parts(&parts, out, why);
	curl_free(parts.scheme);
	curl_free(parts.host);
	curl_free(parts.port);
	curl_free(parts.path);
	curl_url_cleanup(u);
	return r;
}

int url_join(const char *base, const char *to, char **out)
{
	CURLU *u = curl_url();
	if (!u)
		return -ENOMEM;
	char *whole = NULL;
	CURLUcode c = curl_url_set(u, CURLUPART_URL, base, 0);
	/* Servers write blanks and letters beyond ASCII as they are. Other schemes are for url_read() to refuse. */
	if (!c)
		c = curl_url_set(
		    u, CURLUPART_URL, to, CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
	if (!c)
		c = curl_url_get(u, CURLUPART_URL, &whole, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME);
	curl_url_cleanup(u);
	int r = c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : c ? -EINVAL : 0;
	if (r == 0) {
		*out = strdup(whole);
		r = *out ? 0 : -ENOMEM;
	}
	curl_free(whole);
	return r;
}

int url_target(const char *text, char **out)
{
	CURLU *u = curl_url();
	if (!u)
		return -ENOMEM;
	char *path = NULL, *query = NULL;
	struct buf target = {0};
	CURLUcode c = curl_url_set(u, CURLUPART_URL, text, 0);
	if (!c)
		c = curl_url_get(u, CURLUPART_PATH, &path, 0);
	if (!c)
		c = curl_url_get(u, CURLUPART_QUERY, &query, 0);
	if (c == CURLUE_NO_QUERY)
		c = CURLUE_OK;
	int r = c == CURLUE_OUT_OF_MEMORY ? -ENOMEM : c ? -EINVAL : 0;
	if (r == 0)
		r = buf_printf(&target, "%s%s%s", path, query ? "?" : "", query ? query : "");
	if (r == 0)
		r = buf_append(&target, "", 1);
	curl_free(path);
	curl_free(query);
	curl_url_cleanup(u);
	if (r < 0)
		buf_clear(&target);
	else
		*out = target.data;
	return r;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->tls == b->tls && strcmp(a->place, b->place) == 0;
}
