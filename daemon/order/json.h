/*
 * A JSON text with placeholders in its strings, filled in: whatever the values are, it stays JSON of the same shape. Uses jansson: needs a big stack.
 */
#ifndef BAKERY_ORDER_JSON_H
#define BAKERY_ORDER_JSON_H

#include "daemon/order/expand.h"

/*
 * Appends to *out. A string that is one placeholder and nothing else becomes the value as it is: a parameter's JSON value (null when it was not given), a number for
 * {order.id}, {order.attempt} and {worker}; all others become strings, which must be UTF-8. Names of members are taken as they are. 0; -EINVAL with
 * e->why; -ENOMEM.
 */
int expand_json(struct expansion *e, const char *template, struct buf *out);

#endif
