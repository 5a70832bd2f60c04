/*
 * Error codes. A function returns 0 or a negative code: a negative errno value, or one of our own (err.def), which
 * begin below every errno value. Codes of our own count up from ERR_FIRST. Results come back through the last parameters, which are untouched on failure.
 */
#ifndef BAKERY_BASE_ERR_H
#define BAKERY_BASE_ERR_H

#include <errno.h>

enum err {
	ERR_FIRST = -4096,
#define ERR(name, text) ERR_##name,
#include "daemon/base/err.def"
#undef ERR
	ERR_LAST,
};

/* Two conditions that every wait can end with have the errno values that everybody knows. */
#define ERR_CANCELLED (-ECANCELED)
#define ERR_TIMEOUT   (-ETIMEDOUT)

/* A fixed text for a code of either kind. Never NULL; valid for ever; thread-safe. */
const char *err_text(int code);

/* A short fixed name ("ENOSPC", "KEYCONFLICT") for logs and tests. Never NULL; valid for ever; thread-safe. */
const char *err_name(int code);

#endif
