/*
 * The log: one event is one line on standard error, for the journal. Fixed words first, then key=value fields with the
 * identity of what it is about. Never a payload or a password.
 *
 *     log_info("worker ended", log_str("pool", pool->name), log_int("worker", n), log_str("cause", "signal"));
 *
 * text:  2026-11-21T09:00:00.123Z info front: worker ended pool=ovens worker=2 cause=signal
 * json:  {"time":"…","level":"info","role":"front","event":"worker ended","pool":"ovens","worker":2,"cause":"signal"}
 *
 * Values are quoted where they need it; control characters are escaped. One write(2) a line, so that lines of several
 * processes and threads do not mix. Under systemd (JOURNAL_STREAM is set) a text line begins with its <priority> and
 * has no time. Thread-safe, does not suspend, does not allocate, keeps errno.
 */
#ifndef BAKERY_BASE_LOG_H
#define BAKERY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
	const char *key;  /* NULL ends the list */
	const char *text; /* NULL: number is meant */
	int64_t number;
};

static inline struct log_field log_str(const char *key, const char *text)
{
	return (struct log_field){.key = key, .text = text ? text : "-"};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
	return (struct log_field){.key = key, .number = number};
}

/* Called once in each process. role ("supervisor", "front", "worker ovens/2") is copied, at most 63 bytes. */
void log_init(const char *role, enum log_level level, enum log_format format);

/* True when a line of this level would be written: for arguments that are dear to make. */
bool log_enabled(enum log_level level);

/* Writes one line. fields end with a NULL key. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_at(level, event, ...)                                                                            \
	do {                                                                                                 \
		if (log_enabled(level))                                                                      \
			log_write((level), (event),                                                          \
			    (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = (const char *)0}}); \
	} while (0)
#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(event, ...)  log_at(LOG_LEVEL_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(event, ...)  log_at(LOG_LEVEL_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)

#endif
