/*
 * Randomness for jitter and choices: not for secrets (those come from OpenSSL). Seeded from the kernel, or from
 * BAKERY_SEED in the environment so that a run can be repeated. One generator a process (xoshiro256**, Blackman and Vigna
 * 2018); to be used by the process' main thread only.
 */
#ifndef BAKERY_BASE_RAND_H
#define BAKERY_BASE_RAND_H

#include <stdint.h>

/* Called once in each process; returns the seed for the log. */
uint64_t rand_init(void);

uint64_t rand_u64(void);

/* Uniform in 0 … bound − 1; bound > 0. */
uint64_t rand_below(uint64_t bound);

#endif
