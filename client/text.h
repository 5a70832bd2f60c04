/*
 * Text for people: aligned tables, times, durations, colour, and bytes of strangers that must not play with
 * the terminal.
 */
#ifndef BAKERY_CLIENT_TEXT_H
#define BAKERY_CLIENT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_TIME_MAX = 40 };

/* "2026-11-21 09:00:00" in local time; "2026-11-21T09:00:00.123Z". Return out. */
char *text_local(int64_t unix_ms, char out[static TEXT_TIME_MAX]);
char *text_utc(int64_t unix_ms, char out[static TEXT_TIME_MAX]);
/* "0.25 s", "3m 20s", "2h 5m", "7d 3h". Returns out. */
char *text_duration(int64_t ms, char out[static TEXT_TIME_MAX]);
/* A copy of a text in which times in UTC ("2026-11-21T09:00:00.123Z") are local ones; to be freed. NULL: no memory. */
char *text_localize(const char *text);
int64_t text_now_ms(void);

/* Control characters become '?' (with lines: but for line ends and tabs). */
void text_print(FILE *to, const char *bytes, size_t len, bool lines);
/* printf, with control characters in the outcome replaced. */
void text_vprint(FILE *to, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* True when colour and moving things are welcome on this stream: a terminal, no NO_COLOR, TERM not dumb. */
bool text_fancy(FILE *stream);
/* The escape sequence that colours a state on standard output, "" where colour is not welcome; text_plain()
 * ends it. */
const char *text_state_colour(const char *state);
const char *text_plain(void);

/* A table: rows of cells, all columns aligned, the last as long as it is. Cells are copied. */
struct table;
struct table *table_new(size_t columns); /* NULL: no memory; the others accept that and do nothing */
/* NULL: an empty cell. After as many cells as there are columns a new row begins. */
void table_add(struct table *t, const char *cell);
void table_add_coloured(struct table *t, const char *cell, const char *colour);
/* On a terminal that is too narrow the widest cells are cut, and end in "…", so that a row is a line. */
void table_fit(struct table *t);
/* Prints to standard output and frees. */
void table_print(struct table *t);

#endif
