/*
 * Texts with placeholders: "--flavour={flavour}". The syntax only; conf/ checks the names with it, and whoever expands puts the values in.
 * {name} {payload} {order.id} {order.attempt} {worker} {step.NAME}; "{{" and "}}" are braces, and so is a lone "}".
 */
#ifndef BAKERY_CONF_TEMPLATE_H
#define BAKERY_CONF_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

enum template_kind {
	TEMPLATE_END,
	TEMPLATE_TEXT,
	TEMPLATE_PARAM, /* text and len are its name */
	TEMPLATE_PAYLOAD,
	TEMPLATE_ORDER_ID,
	TEMPLATE_ORDER_ATTEMPT,
	TEMPLATE_WORKER,
	TEMPLATE_STEP, /* the result of a step; text and len are its name */
};

struct template_part {
	enum template_kind kind;
	const char *text; /* borrowed from the template */
	size_t len;
};

/* The next part of the text at *at, which moves on. 0 (also for TEMPLATE_END, at the end); -EINVAL with *why, a static text. */
int template_next(const char **at, struct template_part *out, const char **why);

/* True when the text is one placeholder and nothing else. */
bool template_is_whole(const char *text, struct template_part *out);

#endif
