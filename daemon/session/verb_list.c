/*
 * LIST: orders that match, newest first, a bounded piece at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/order/order.h"
#include "daemon/session/errand.h"
#include "daemon/session/failure.h"
#include "daemon/session/look.h"
#include "daemon/session/options.h"
#include "daemon/session/verbs.h"

enum { COUNT_MOST = 1000, COUNT_USUAL = 50, NAME_BYTES = 256 };

struct asked {
	struct slice states, recipe, user, cause;
	int64_t since, until, cursor, count;
};

static const struct option options[] = {
    {"STATE", OPTION_TEXT, offsetof(struct asked, states), 0, NAME_BYTES},
    {"RECIPE", OPTION_TEXT, offsetof(struct asked, recipe), 0, NAME_BYTES},
    {"USER", OPTION_TEXT, offsetof(struct asked, user), 0, NAME_BYTES},
    {"CAUSE", OPTION_TEXT, offsetof(struct asked, cause), 0, NAME_BYTES},
    {"SINCE", OPTION_TIME, offsetof(struct asked, since), 0, 0},
    {"UNTIL", OPTION_TIME, offsetof(struct asked, until), 0, 0},
    {"CURSOR", OPTION_INT, offsetof(struct asked, cursor), 0, INT64_MAX},
    {"COUNT", OPTION_INT, offsetof(struct asked, count), 1, COUNT_MOST},
};

static int bad_word(struct reply_writer *w, const char *option, struct slice word)
{
	int r = reply_error(
	    w, "BADARG", "%s: there is no '%.*s'", option, word.len < 64 ? (int)word.len : 64, word.data);
	return r < 0 ? r : 1;
}

/* s[,s…] as a set of states. 0; 1: replied; -ENOMEM. */
static int parse_states(struct slice text, uint32_t *out, struct reply_writer *w)
{
	for (bool more = text.data != NULL; more;) {
		const char *comma = memchr(text.data, ',', text.len);
		struct slice word = {text.data, comma ? (size_t)(comma - text.data) : text.len};
		enum order_state state;
		if (order_state_parse(word.data, word.len, &state) < 0)
			return bad_word(w, "STATE", word);
		*out |= UINT32_C(1) << state;
		size_t used = word.len + (comma != NULL);
		text = (struct slice){text.data + used, text.len - used};
		more = comma != NULL;
	}
	return 0;
}

/* Fills in the store's request; *nothing: no order can match. 0; 1: replied; -ENOMEM. */
static int translate(struct errand *e, const struct asked *asked, struct store_list *list, bool *nothing)
{
	*list = (struct store_list){
	    .since_ms = asked->since,
	    .until_ms = asked->until > 0 ? asked->until : 0, /* for the store 0 is none */
	    .cursor = asked->cursor,
	    .count = (int)asked->count,
	};
	*nothing = asked->until == 0;
	int r = parse_states(asked->states, &list->states, &e->w);
	if (r != 0)
		return r;
	if (asked->cause.data && order_cause_parse(asked->cause.data, asked->cause.len, &list->cause) < 0)
		return bad_word(&e->w, "CAUSE", asked->cause);
	struct store *store = e->all->store;
	if (asked->recipe.data &&
	    !(list->recipe = store_find_name(store, asked->recipe.data, asked->recipe.len)))
		*nothing = true;
	if (asked->user.data && !(list->user = store_find_name(store, asked->user.data, asked->user.len)))
		*nothing = true;
	return 0;
}

static int reply_list(struct errand *e, const struct store_list *list)
{
	int r = reply_array(&e->w, 2);
	if (r == 0)
		r = reply_id(&e->w, list->next_cursor);
	if (r == 0)
		r = reply_array(&e->w, (uint32_t)list->order_count);
	for (size_t i = 0; r == 0 && i < list->order_count; i++)
		r = look_reply(e->all, &list->orders[i], &e->w);
	return r;
}

static int errand(struct errand *e)
{
	struct asked asked = {.until = -1, .count = COUNT_USUAL};
	struct store_list list;
	bool nothing = false;
	int r = options_parse(
	    options, sizeof options / sizeof *options, e->argv + 1, e->argc - 1, &asked, &e->w);
	if (r == 0)
		r = translate(e, &asked, &list, &nothing);
	if (r != 0)
		return r < 0 ? r : 0;
	if (rights_reach(&e->user->rights, RIGHT_READ) != REACH_ALL) {
		/* Somebody else's orders do not exist for it. */
		nothing |= list.user && list.user != e->user->name;
		list.user = e->user->name;
	}
	if (nothing)
		return reply_list(e, &(struct store_list){0});
	store_list(e->all->store, &list);
	r = await_future_shielded(&list.op.done);
	if (r < 0)
		return reply_failure(&e->w, r);
	r = reply_list(e, &list);
	for (size_t i = 0; i < list.order_count; i++)
		store_order_clear(&list.orders[i]);
	free(list.orders);
	return r;
}

const struct command command_list = {
    .name = "list",
    .least = 0,
    .most = -1,
    .flags = COMMAND_READ,
    .right = RIGHT_READ,
    .errand = errand,
    .room = ROOM_LIST,
    .syntax = "[STATE states] [RECIPE recipe] [USER user] [CAUSE cause] [SINCE time] [UNTIL time] [CURSOR "
	      "cursor] [COUNT count]",
    .summary = "Lists orders, newest first",
};
