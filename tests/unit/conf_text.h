/* Configurations as texts, for the tests of conf: parsed, with what is said of them. */
#ifndef BAKERY_TESTS_UNIT_CONF_TEXT_H
#define BAKERY_TESTS_UNIT_CONF_TEXT_H

#include "conf/conf.h"

/* Of the last text. */
extern struct conf_report conf_text_report;

/* A directory of our own is home and runtime directory. */
void conf_text_be_a_person(void);
int conf_text_parse_as(const char *path, const char *text, struct conf **out);
/* What is right, as the file "t", with the first error in the message when it is not. To be freed. */
struct conf *conf_text_parse(const char *text);
/* All errors of the file "t", a line each. */
const char *conf_text_errors(const char *text);
/* Whether the last text brought exactly this warning. */
bool conf_text_warned(const char *text);
/* What is printed of a text is taken again, and prints the same. Returns it, to be freed. */
char *conf_text_print(const char *text);

#endif
