/*
 * Times as clients write them: RFC 3339 ("2026-11-21T09:00:00.5+01:00") or Unix milliseconds.
 */
#ifndef BAKERY_SESSION_MOMENT_H
#define BAKERY_SESSION_MOMENT_H

#include <stddef.h>
#include <stdint.h>

/* 0; -EINVAL; -ERANGE. */
int moment_parse(const char *text, size_t len, int64_t *out_ms);

#endif
