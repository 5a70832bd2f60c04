#include "conf/quote.h"

#include <string.h>

enum { ESCAPE_MAX = 6 }; /* \uXXXX */

/*
 * The next character, escaped when it has to be, into out. JSON escapes less than this: YAML takes no C1 controls and no U+FFFE, and folds U+0085,
 * U+2028 and U+2029 as line breaks.
 */
static size_t next(const char **text, char out[static ESCAPE_MAX + 1])
{
	const unsigned char *c = (const unsigned char *)*text;
	unsigned code = 0;
	size_t len = 1;
	if (*c < ' ' || *c == 0x7f) {
		code = *c;
	} else if (*c == '"' || *c == '\\') {
		(*text)++;
		return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\%c", *c);
	} else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
		code = c[1];
		len = 2;
	} else if ((c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)) ||
		   (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) ||
		   (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe)) {
		code = (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
		len = 3;
	} else {
		out[0] = **text;
		(*text)++;
		return 1;
	}
	*text += len;
	return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\u%04x", code & 0xffff);
}

void quote_put(FILE *f, const char *text)
{
	char one[ESCAPE_MAX + 1];
	putc('"', f);
	while (*text) {
		size_t n = next(&text, one);
		fwrite(one, 1, n, f);
	}
	putc('"', f);
}

char *quote_json(struct arena *arena, const char *text)
{
	char *out = arena_alloc(arena, strlen(text) * ESCAPE_MAX + 3), *o = out, one[ESCAPE_MAX + 1];
	if (!out)
		return NULL;
	*o++ = '"';
	while (*text) {
		size_t n = next(&text, one);
		memcpy(o, one, n);
		o += n;
	}
	*o = '"';
	return out;
}
