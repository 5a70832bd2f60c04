/* xoshiro256** (Blackman and Vigna 2018), its state filled from one seed by splitmix64, as its authors advise. */
#include "daemon/base/rand.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t state[4] = {1, 2, 3, 4};

static uint64_t splitmix64(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t choose_seed(void)
{
	const char *text = getenv("BAKERY_SEED");
	if (text && *text)
		return strtoull(text, NULL, 10);
	uint64_t seed;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
		return seed;
	/* Before the kernel's pool is ready; jitter is all that depends on it. */
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec ^ ((uint64_t)t.tv_nsec << 32);
}

uint64_t rand_init(void)
{
	uint64_t seed = choose_seed(), walk = seed;
	for (int i = 0; i < 4; i++)
		state[i] = splitmix64(&walk);
	return seed;
}

static uint64_t rotate(uint64_t x, int by)
{
	return (x << by) | (x >> (64 - by));
}

uint64_t rand_u64(void)
{
	uint64_t result = rotate(state[1] * 5, 7) * 9, shifted = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate(state[3], 45);
	return result;
}

uint64_t rand_below(uint64_t bound)
{
	assert(bound > 0);
	/* Without the values that would make the first remainders likelier. */
	uint64_t skip = -bound % bound, x;
	do {
		x = rand_u64();
	} while (x < skip);
	return x % bound;
}
