#include "daemon/step/printable.h"

#include <stdint.h>
#include <string.h>

/* The length of the character that begins here; 0: it is not UTF-8 (RFC 3629), or a control character beyond ASCII (U+0080 … U+009F). */
static size_t character(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char first, mask;
		size_t len;
		uint32_t least;
	} kinds[] = {{0xC0, 0xE0, 2, 0xA0}, {0xE0, 0xF0, 3, 0x800}, {0xF0, 0xF8, 4, 0x10000}};
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		if ((p[0] & kinds[k].mask) != kinds[k].first)
			continue;
		uint32_t code = p[0] & (unsigned char)~kinds[k].mask;
		size_t i = 1;
		for (; i < kinds[k].len && i < n && (p[i] & 0xC0) == 0x80; i++)
			code = code << 6 | (p[i] & 0x3F);
		if (i < kinds[k].len || code < kinds[k].least || code > 0x10FFFF ||
		    (code >= 0xD800 && code <= 0xDFFF))
			return 0;
		return i;
	}
	return 0;
}

void printable(const char *bytes, size_t n, char *out)
{
	const unsigned char *p = (const void *)bytes;
	char *begin = out;
	while (n > 0) {
		size_t len = 1;
		if (*p <= ' ' || *p == 0x7F) {
			if (out > begin && out[-1] != ' ')
				*out++ = ' ';
		} else if (*p < 0x80) {
			*out++ = (char)*p;
		} else if ((len = character(p, n)) > 0) {
			memcpy(out, p, len);
			out += len;
		} else {
			*out++ = '?';
			len = 1;
		}
		p += len;
		n -= len;
	}
	if (out > begin && out[-1] == ' ')
		out--;
	*out = '\0';
}
