/* The URL of an http step, as a recipe writes it: with placeholders in path and query. The rule only; nothing is looked up. */
#ifndef BAKERY_CONF_URL_H
#define BAKERY_CONF_URL_H

/* NULL when it is one; else a static text that says what is wrong. */
const char *url_check(const char *url);

#endif
