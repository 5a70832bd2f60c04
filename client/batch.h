/*
 * Many orders of one recipe, submitted in a pipeline; then their ids, or their results, in the order in which
 * they were added.
 */
#ifndef BAKERY_CLIENT_BATCH_H
#define BAKERY_CLIENT_BATCH_H

#include "client/cli.h"
#include "client/submit.h"
#include "proto/buf.h"

struct batch;

/* s and recipe are borrowed until batch_free(). 0 or the exit status. */
int batch_new(struct cli *c, const struct submit *s, const char *recipe, struct batch **out);
/* The next order's payload (copied). Sends when enough have gathered. 0; or the exit status when no more can
 * be submitted, with the failure said. */
int batch_add(struct batch *b, const struct buf *payload);
/* The next line is no order: why has been said, and `refusal` is its exit status. 0 or the exit status as above. */
int batch_skip(struct batch *b, int refusal);
/* Waits for the answers that are missing, prints ids; with --wait, waits for the orders and prints results.
 * The exit status. */
int batch_finish(struct batch *b);
void batch_free(struct batch *b);

#endif
