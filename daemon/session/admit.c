#include "daemon/session/admit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/order/recipe.h"
#include "daemon/session/identity.h"
#include "daemon/store/store.h"
#include "daemon/task/task.h"

enum { SHOWN = 64 }; /* bytes of a client's text that are shown in an error */

static int replied(int written)
{
	return written < 0 ? written : 1;
}

/* Who may not order a recipe cannot tell it from one that is not there. */
static const struct conf_recipe *find_recipe(
    const struct sessions *all, const struct user *user, struct slice name)
{
	const struct conf_recipe *recipe = conf_recipe_find(all->conf, name.data, name.len);
	return recipe && rights_may_order(&user->rights, recipe->name) ? recipe : NULL;
}

/* A client may only lower what the operator has set. */
static int check_lowered(const struct conf_recipe *recipe, const struct admit *a, struct reply_writer *w)
{
	if (a->retries > recipe->retries)
		return replied(reply_error(
		    w, "BADARG", "RETRIES: the recipe has %d, and may only be lowered", recipe->retries));
	char text[32];
	if (recipe->timeout_ms != CONF_NONE && a->timeout_ms > recipe->timeout_ms)
		return replied(reply_error(w, "BADARG", "TIMEOUT: the recipe has %s, and may only be lowered",
		    units_format_duration(recipe->timeout_ms, text)));
	return 0;
}

struct check {
	const struct conf_recipe *recipe;
	struct slice payload;
	struct buf *canonical;
	char why[256];
};

static int check_payload(void *arg)
{
	struct check *check = arg;
	return recipe_check_payload(check->recipe, check->payload, check->canonical, check->why);
}

/* JSON needs a big stack; opaque bytes need nothing. */
static int canonical_payload(struct sessions *all, const struct conf_recipe *recipe, struct slice payload,
    struct slice *out, struct reply_writer *w)
{
	if (!recipe->has_params) {
		*out = payload;
		return 0;
	}
	all->canonical.len = all->canonical.off = 0;
	struct check check = {.recipe = recipe, .payload = payload, .canonical = &all->canonical};
	int r = task_call_big(check_payload, &check);
	if (r == -EINVAL)
		return replied(reply_error(w, "BADARG", "%s", check.why));
	if (r < 0)
		return r;
	*out = (struct slice){buf_bytes(&all->canonical), all->canonical.len};
	return 0;
}

int admit_order(struct sessions *all, const struct user *user, struct admit *a, const char **name,
    struct slice *payload, struct reply_writer *w)
{
	if (all->draining)
		return replied(reply_error(w, "DRAINING", "the daemon is shutting down"));
	const struct conf_recipe *recipe = find_recipe(all, user, a->recipe);
	if (!recipe)
		return replied(reply_error(w, "NORECIPE", "no recipe '%.*s'",
		    a->recipe.len < SHOWN ? (int)a->recipe.len : SHOWN, a->recipe.data));
	if (a->payload.len > all->conf->limits.payload)
		return replied(
		    reply_error(w, "TOOBIG", "the payload has %zu bytes, at most %" PRIu64 " are allowed",
			a->payload.len, all->conf->limits.payload));
	int r = check_lowered(recipe, a, w);
	if (r == 0)
		r = canonical_payload(all, recipe, a->payload, payload, w);
	if (r != 0)
		return r;
	if (a->priority == ADMIT_NO_PRIORITY)
		a->priority = recipe->priority;
	*name = store_intern(all->store, recipe->name, strlen(recipe->name));
	return *name ? 0 : -ENOMEM;
}
