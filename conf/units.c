/* Durations, sizes and whole numbers, read digit by digit so that nothing is lost to a float and nothing overflows. */
#include "conf/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT  9007199254740992.0 /* 2^53: whole numbers up to it are exact */
#define MS_MAX ((int64_t)100 * 365 * 24 * 3600 * 1000)

struct unit {
	const char *word;
	uint64_t factor;
};

/* Longest first: the first that fits exactly is the shortest way to say it. */
static const struct unit durations[] = {
    {"d", 24 * 3600 * 1000}, {"h", 3600 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};

/* The digits at the front. 0 with *used of them, -EINVAL when there is none, -ERANGE past max. */
static int parse_digits(const char *text, size_t len, uint64_t max, uint64_t *out, size_t *used)
{
	uint64_t n = 0;
	size_t i = 0;
	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (n > (max - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	if (i == 0)
		return -EINVAL;
	*out = n;
	*used = i;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].word) == len && memcmp(units[i].word, text, len) == 0)
			return &units[i];
	}
	return NULL;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

int units_parse_duration(const char *text, size_t len, int bare_ms, int64_t *out_ms)
{
	uint64_t n;
	size_t used;
	int r = parse_digits(text, len, MS_MAX, &n, &used);
	if (r < 0)
		return r;
	if (used == len) {
		if (n && !bare_ms)
			return -EINVAL;
		*out_ms = (int64_t)n;
		return 0;
	}
	const struct unit *u = find_unit(durations, COUNT(durations), text + used, len - used);
	if (!u)
		return -EINVAL;
	if (n > MS_MAX / u->factor)
		return -ERANGE;
	*out_ms = (int64_t)(n * u->factor);
	return 0;
}

int units_parse_size(const char *text, size_t len, uint64_t *out_bytes)
{
	uint64_t n;
	size_t used;
	int r = parse_digits(text, len, INT64_MAX, &n, &used);
	if (r < 0)
		return r;
	if (used == len) {
		*out_bytes = n;
		return 0;
	}
	const struct unit *u = find_unit(sizes, COUNT(sizes), text + used, len - used);
	if (!u)
		return -EINVAL;
	if (n > INT64_MAX / u->factor)
		return -ERANGE;
	*out_bytes = n * u->factor;
	return 0;
}

int units_parse_int(const char *text, size_t len, int64_t min, int64_t max, int64_t *out)
{
	int negative = len && *text == '-';
	uint64_t n;
	size_t used;
	int r = parse_digits(text + negative, len - (size_t)negative, (uint64_t)INT64_MAX, &n, &used);
	if (r < 0)
		return r;
	if (used + (size_t)negative != len)
		return -EINVAL;
	int64_t value = negative ? -(int64_t)n : (int64_t)n;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

char *units_format_duration(int64_t ms, char out[static 32])
{
	for (size_t i = 0; i < COUNT(durations); i++) {
		int64_t factor = (int64_t)durations[i].factor;
		if (ms % factor == 0 && (ms || factor == 1000)) {
			snprintf(out, 32, "%" PRId64 "%s", ms / factor, durations[i].word);
			break;
		}
	}
	return out;
}

char *units_format_size(uint64_t bytes, char out[static 32])
{
	snprintf(out, 32, "%" PRIu64, bytes);
	for (size_t i = 0; i < COUNT(sizes) && bytes; i++) {
		if (bytes % sizes[i].factor == 0) {
			snprintf(out, 32, "%" PRIu64 "%s", bytes / sizes[i].factor, sizes[i].word);
			break;
		}
	}
	return out;
}

char *units_format_number(double value, char out[static 32])
{
	if (value >= -EXACT && value <= EXACT && (double)(int64_t)value == value) {
		snprintf(out, 32, "%.0f", value); /* 1000000, not 1e+06: JSON tells them apart */
		return out;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, 32, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
	return out;
}
