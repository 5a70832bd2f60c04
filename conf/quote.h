/* Texts in double quotes that JSON (RFC 8259) and YAML read alike. */
#ifndef BAKERY_CONF_QUOTE_H
#define BAKERY_CONF_QUOTE_H

#include <stdio.h>

#include "conf/arena.h"

/* A UTF-8 text with its quotes into a file. */
void quote_put(FILE *f, const char *text);
/* The same as a text of the arena's; NULL when memory is refused. */
char *quote_json(struct arena *arena, const char *text);

#endif
