/*
 * The words of states and causes, from their tables.
 */
#include "daemon/order/order.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *word;
	bool final;
} states[] = {
#define STATE(name, word, final) {word, final},
#include "daemon/order/state.def"
#undef STATE
};

static const char *const causes[] = {
#define CAUSE(name, word) word,
#include "daemon/order/cause.def"
#undef CAUSE
};

static bool same(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && memcmp(word, text, len) == 0;
}

const char *order_state_word(enum order_state s)
{
	return states[s].word;
}

bool order_state_final(enum order_state s)
{
	return states[s].final;
}

int order_state_parse(const char *word, size_t len, enum order_state *out)
{
	for (int i = 0; i < ORDER_STATES; i++) {
		if (same(states[i].word, word, len)) {
			*out = (enum order_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *order_cause_word(enum order_cause c)
{
	return causes[c];
}

int order_cause_parse(const char *word, size_t len, enum order_cause *out)
{
	for (int i = CAUSE_NONE + 1; i < ORDER_CAUSES; i++) {
		if (same(causes[i], word, len)) {
			*out = (enum order_cause)i;
			return 0;
		}
	}
	return -EINVAL;
}
