/*
 * What a server sent, as a piece of one line for people: UTF-8 without control characters.
 */
#ifndef BAKERY_STEP_PRINTABLE_H
#define BAKERY_STEP_PRINTABLE_H

#include <stddef.h>

/* Room for n bytes made printable, with the NUL. */
#define PRINTABLE_MAX(n) ((n) + 1)

/* Runs of blanks and control characters become one blank, none of them at the ends; what is not UTF-8 becomes '?'. out has room for PRINTABLE_MAX(n). */
void printable(const char *bytes, size_t n, char *out);

#endif
