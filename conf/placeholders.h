/* Whether what the placeholders of a text name is there, and may be named where the text stands. */
#ifndef BAKERY_CONF_PLACEHOLDERS_H
#define BAKERY_CONF_PLACEHOLDERS_H

#include "conf/problems.h"

struct placeholders {
	const struct conf_recipe *recipe;
	struct problems *problems;
	struct conf_step
	    *step;  /* what names results is told to its `uses`; NULL: a text that all steps share */
	bool lists; /* a list may stand here, as the whole of the text */
};

/* at, key: where the text is, for messages. 0 or -ENOMEM. */
int placeholders_check(
    const struct placeholders *p, const char *text, const struct conf_place *at, const char *key);
/* NULL when there is none. */
const struct conf_param *placeholders_param(const struct conf_recipe *r, const char *name, size_t len);

#endif
