#include "conf/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "conf/units.h"

/* "HOST", "HOST:PORT", "[IPV6]:PORT": len bytes. */
static bool is_host_and_port(const char *text, size_t len)
{
	static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	const char *end = text + len;
	size_t host;
	if (len && *text == '[') {
		host = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
		if (host < 3 || host >= len || text[host] != ']')
			return false;
		host++;
	} else {
		host = strspn(text, name);
	}
	int64_t port;
	if (!host || host >= len)
		return host == len && host > 0;
	text += host;
	return *text == ':' && units_parse_int(text + 1, (size_t)(end - text) - 1, 1, 65535, &port) == 0;
}

/* A part of the path that is "." or "..", which is taken away before a request is sent. */
static bool has_dot_part(const char *path)
{
	while (*path == '/') {
		size_t n = strcspn(++path, "/?");
		if ((n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path += n;
	}
	return false;
}

const char *url_check(const char *url)
{
	const char *host = strncasecmp(url, "http://", 7) == 0    ? url + 7
			   : strncasecmp(url, "https://", 8) == 0 ? url + 8
								  : NULL;
	if (!host)
		return "expected http://… or https://…, without a placeholder before the path";
	for (const char *c = url; *c; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
			return "spaces, control characters and letters beyond ASCII are written as %XX";
	}
	size_t len = strcspn(host, "/?#");
	if (memchr(host, '{', len) || memchr(host, '}', len))
		return "a placeholder may stand in the path and the query only, not in the host or port";
	if (memchr(host, '@', len))
		return "a URL is no place for a user and a password: use a header (Authorization)";
	if (!is_host_and_port(host, len))
		return "expected a host, HOST:PORT or [IPV6]:PORT after the slashes";
	if (strchr(host, '#'))
		return "a fragment (#…) is never sent: leave it out";
	if (has_dot_part(host + len))
		return "write the path without parts that are . or ..";
	return NULL;
}
