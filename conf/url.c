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

/* A '%' that is not the beginning of %XX would make one with what a value puts behind it: "%{x}" with 2F is a slash. */
static bool has_bare_percent(const char *text)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	for (text = strchr(text, '%'); text; text = strchr(text + 1, '%')) {
		if (strspn(text + 1, digits) < 2)
			return true;
	}
	return false;
}

/* len bytes that are one or two dots, written as they are or as %2E, which is the same (RFC 3986, 6.2.2.2). */
static bool is_dots(const char *part, size_t len)
{
	int dots = 0;
	for (const char *end = part + len; part < end; dots++) {
		if (*part == '.')
			part++;
		else if (end - part >= 3 && strncasecmp(part, "%2e", 3) == 0)
			part += 3;
		else
			return false;
	}
	return dots == 1 || dots == 2;
}

bool url_has_dot_part(const char *url)
{
	const char *at = strstr(url, "://");
	at = at ? at + 3 : url;
	at += strcspn(at, "/?#");
	while (*at == '/') {
		size_t n = strcspn(++at, "/?#");
		if (is_dots(at, n))
			return true;
		at += n;
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
	if (has_bare_percent(host))
		return "a % is written %25; else two digits of 0-9, A-F belong behind it";
	if (url_has_dot_part(url))
		return "write the path without parts that are . or ..";
	return NULL;
}
