/*
 * Verifies passwords on a thread of its own: a scrypt takes 50 ms, which the loop cannot give. The line before the thread is short: a flood of
 * passwords is refused, it does not queue. Loop's thread, but for the thread itself.
 */
#ifndef BAKERY_SESSION_VERIFIER_H
#define BAKERY_SESSION_VERIFIER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/loop/loop.h"
#include "daemon/task/future.h"

struct verifier;

/* One password to be verified. Storage is the caller's until done is final. */
struct verification {
	STAILQ_ENTRY(verification) entry;
	struct loop_post post;
	const char *hash, *password; /* borrowed until done is final */
	size_t len;
	int verdict;        /* 1: right; 0: wrong; or negative */
	struct future done; /* a result when verdict is known; cancelled when the verifier ends before */
};

/* 0 or a negative errno value. */
int verifier_new(struct loop *loop, struct verifier **out);
/* Ends the thread: waits for the one in hand. All futures must be final: see verifier_stop(). NULL is fine. */
void verifier_free(struct verifier *v);
/* Verifications that wait are not made any more: their futures become cancelled in a later turn. */
void verifier_stop(struct verifier *v);

/* 0; -EAGAIN: too many wait. */
int verifier_submit(struct verifier *v, struct verification *job);

#endif
