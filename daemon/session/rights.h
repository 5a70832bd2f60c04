/*
 * What a user may do: the `allow` rules of the configuration, parsed once. What is not on the list is refused.
 *
 *     order GLOB · read|payload|cancel|retry own|all · events own|all · pause · recycle · reload · drain · backup · *
 */
#ifndef BAKERY_SESSION_RIGHTS_H
#define BAKERY_SESSION_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

/* Rights that reach over orders: nobody's, one's own, everybody's. */
enum reach { REACH_NONE, REACH_OWN, REACH_ALL };

enum right {
	RIGHT_ANY, /* everybody who is identified has it */
	RIGHT_READ,
	RIGHT_PAYLOAD,
	RIGHT_CANCEL,
	RIGHT_RETRY,
	RIGHT_EVENTS,
	RIGHT_PAUSE,
	RIGHT_RECYCLE,
	RIGHT_RELOAD,
	RIGHT_DRAIN,
	RIGHT_BACKUP,
	RIGHT_ORDER, /* some recipe; which ones, rights_may_order() says */
	RIGHTS,
};

struct rights {
	enum reach reach[RIGHTS]; /* those without a reach are REACH_NONE or REACH_ALL */
	bool every_recipe;
	const char **globs; /* else: of recipes that may be ordered; borrowed texts */
	size_t glob_count;
};

/* Parses rules (NULL-terminated; NULL: none), which must stay as long as out. 0; -EINVAL with *bad the rule that is none; -ENOMEM. */
int rights_parse(const char *const *allow, struct rights *out, const char **bad);
/* Everything, as an administrator has. */
void rights_all(struct rights *out);
void rights_clear(struct rights *r);

static inline enum reach rights_reach(const struct rights *r, enum right right)
{
	return right == RIGHT_ANY ? REACH_ALL : r->reach[right];
}

bool rights_may_order(const struct rights *r, const char *recipe);

#endif
