/*
 * Texts of a recipe with their placeholders filled in: what commands (command.c) and requests (request.c) have in common. Uses jansson: needs a big
 * stack. Nothing here suspends.
 */
#ifndef BAKERY_ORDER_EXPAND_H
#define BAKERY_ORDER_EXPAND_H

#include <jansson.h>

#include "conf/arena.h"
#include "conf/template.h"
#include "daemon/order/recipe.h"

struct expansion {
	const struct conf_recipe *recipe;
	const struct recipe_values *values;
	json_t *params;     /* NULL: the payload is opaque */
	struct arena arena; /* of what is handed out */
	struct buf text;    /* what is being put together */
	/* done to what a placeholder put at the end of text, from this byte on; NULL: nothing. 0 or -ENOMEM */
	int (*encode)(struct buf *text, size_t from);
	const char *
	    no_nul; /* "an argument": bytes with a byte 0 among them are refused there; NULL: any bytes may be there */
	char *why; /* 256 bytes: what was refused */
};

/* All of these: 0; -EINVAL with why; -ENOMEM. */

/* Reads the payload (again: the configuration may have changed since it was taken). Also after a failure expansion_close() is due. */
int expansion_open(struct expansion *e, const struct conf_recipe *r, const struct recipe_values *values,
    char why[static 256]);
/* Gives back everything but what is in the arena, whose owner is *arena; after an error that too. Returns the error. */
int expansion_close(struct expansion *e, int error, void **arena);

/* The text with its placeholders filled in, into e->text. */
int expand(struct expansion *e, const char *template);
/* What this placeholder stands for, at the end of e->text. */
int expand_part(struct expansion *e, const struct template_part *part);
/* expand(), as a text of the arena. what ("an argument"): where a byte 0 is refused; its end ends the text. */
int expand_text(struct expansion *e, const char *template, const char *what, char **out);

/* The parameter that is all of this text; NULL: it is something else. */
const struct conf_param *expand_whole_param(const struct expansion *e, const char *template);

#endif
