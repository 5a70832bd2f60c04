/*
 * Splits inline commands into words, and recognizes HTTP. A browser can be made to send HTTP to any port on
 * its machine, with text of an attacker's choice after the first line; so such a line ends the connection
 * before anything after it is read.
 */
#include "proto/inline.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape sequence after a backslash in "…". Returns the byte; *at moves behind it. */
static char unescape(char **at, char *end)
{
	char c = *(*at)++;
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case 'a':
		return '\a';
	case 'x':
		if (end - *at >= 2 && hex_digit((*at)[0]) >= 0 && hex_digit((*at)[1]) >= 0) {
			c = (char)(hex_digit((*at)[0]) * 16 + hex_digit((*at)[1]));
			*at += 2;
		}
	}
	return c;
}

int inline_next_word(char **at, char *end, struct slice *word)
{
	char *from = *at;
	while (from < end && is_space(*from))
		from++;
	if (from == end)
		return 0;
	char *first = from, *to = from, quote = 0;
	for (; from < end; from++) {
		if (!quote) {
			if (is_space(*from))
				break;
			if (*from == '"' || *from == '\'')
				quote = *from;
			else
				*to++ = *from;
		} else if (*from == quote) {
			quote = 0;
			from++;
			if (from < end && !is_space(*from))
				return -EINVAL;
			break;
		} else if (*from == '\\' && from + 1 < end && quote == '"') {
			from++;
			*to++ = unescape(&from, end);
			from--;
		} else if (*from == '\\' && from + 1 < end && from[1] == '\'') {
			*to++ = *++from;
		} else {
			*to++ = *from;
		}
	}
	if (quote)
		return -EINVAL;
	*word = (struct slice){first, (size_t)(to - first)};
	*at = from;
	return 1;
}

bool inline_is_http(const char *line, size_t len)
{
	static const char *const methods[] = {
	    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PRI"};

	const char *space = memchr(line, ' ', len);
	size_t first = space ? (size_t)(space - line) : len;
	if (first && line[first - 1] == ':')
		return true; /* Host:, Content-Length: … */
	if (len >= 9 && strncasecmp(line + len - 9, " HTTP/", 6) == 0)
		return true;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (strlen(methods[i]) != first || strncasecmp(line, methods[i], first) != 0)
			continue;
		if (strcmp(methods[i], "POST") == 0)
			return true;
		/* GET alone may be a person who takes this for Redis; GET / is not. */
		return first + 1 < len && memchr("/*hH", line[first + 1], 4);
	}
	return false;
}
