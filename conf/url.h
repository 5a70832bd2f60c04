/* The URL of an http step, as a recipe writes it: with placeholders in path and query. The rule only; nothing is looked up. */
#ifndef BAKERY_CONF_URL_H
#define BAKERY_CONF_URL_H

#include <stdbool.h>

/* NULL when it is one; else a static text that says what is wrong. */
const char *url_check(const char *url);
/* A part of the path is "." or "..", however it is written: clients and servers take those away, and what is left is another path. */
bool url_has_dot_part(const char *url);

#endif
