/* Keys that make a submission repeatable. They grow with time, so that the store's index grows at its end
 * only. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "client/bakery.h"

int bakery_make_key(char out[static 37])
{
	/* RFC 9562, section 5.7: 48 bits of Unix milliseconds, version 7, 12 random bits, variant 10, 62 random bits. */
	unsigned char b[16];
	for (size_t got = 0; got < sizeof b;) {
		ssize_t n = getrandom(b + got, sizeof b - got, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		got += n > 0 ? (size_t)n : 0;
	}
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}
