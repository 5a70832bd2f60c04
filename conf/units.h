/*
 * Durations, sizes and numbers as people write them: "500ms", "10s", "5m", "2h", "7d"; "64KiB", "1MiB", "4GiB". No floats. Used by the configuration,
 * the wire protocol and the command line.
 */
#ifndef BAKERY_CONF_UNITS_H
#define BAKERY_CONF_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* In milliseconds. A bare number is refused with -EINVAL, but for 0, unless bare_ms says that it means milliseconds (the wire). -ERANGE beyond 100 years. */
int units_parse_duration(const char *text, size_t len, int bare_ms, int64_t *out_ms);
/* In bytes; a bare number is bytes. -EINVAL, -ERANGE. */
int units_parse_size(const char *text, size_t len, uint64_t *out_bytes);
/* A whole decimal number with an optional minus sign and nothing else. -EINVAL, -ERANGE. */
int units_parse_int(const char *text, size_t len, int64_t min, int64_t max, int64_t *out);

/* The shortest exact form ("90s", "1500ms", "1MiB") into out. Returns out. */
char *units_format_duration(int64_t ms, char out[static 32]);
char *units_format_size(uint64_t bytes, char out[static 32]);
/* The fewest digits that give the same number again: 0.8, not 0.80000000000000004. */
char *units_format_number(double value, char out[static 32]);

#endif
