#include "proto/utf8.h"

size_t utf8_length(const char *bytes, size_t left)
{
	const unsigned char *at = (const unsigned char *)bytes;
	static const struct {
		unsigned char first, last, second_least, second_most, len;
	} rows[] = {
	    {0x01, 0x7f, 0, 0, 1},
	    {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3},
	    {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t i = 0; left && i < sizeof rows / sizeof *rows; i++) {
		if (*at < rows[i].first || *at > rows[i].last)
			continue;
		if (rows[i].len > left)
			return 0;
		if (rows[i].len > 1 && (at[1] < rows[i].second_least || at[1] > rows[i].second_most))
			return 0;
		for (size_t k = 2; k < rows[i].len; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}
