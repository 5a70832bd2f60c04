/*
 * One line on a terminal's standard error that moves while something is waited for. Nothing at all where that
 * is not welcome (--quiet, no terminal, NO_COLOR).
 */
#ifndef BAKERY_CLIENT_SPINNER_H
#define BAKERY_CLIENT_SPINNER_H

#include <stdbool.h>
#include <stdint.h>

enum { SPINNER_TICK_MS = 100 };

struct spinner {
	bool on, shown;
	unsigned step;
	int64_t since_ms, ticked_ms;
};

void spinner_start(struct spinner *s, bool quiet);
/* How long a wait may be before the next spinner_tick(): SPINNER_TICK_MS, or most_ms where there is nothing
 * to move. */
int64_t spinner_chunk_ms(const struct spinner *s, int64_t most_ms);
/* True when it has not moved for SPINNER_TICK_MS, because there was always something to do. */
bool spinner_is_due(const struct spinner *s);
void spinner_tick(struct spinner *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The line is gone: other text can be written. */
void spinner_hide(struct spinner *s);

#endif
