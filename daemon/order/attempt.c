/*
 * The attempt's phase × news table, made of attempt.def.
 */
#include "daemon/order/attempt.h"

#include "daemon/base/err.h"

/* 0: cannot happen; else the phase that follows, plus one. */
static const unsigned char table[ATTEMPT_PHASES][ATTEMPT_NEWS] = {
#define STEP(from, news, to) [ATTEMPT_##from][ATTEMPT_NEWS_##news] = ATTEMPT_##to + 1,
#include "daemon/order/attempt.def"
};

const char *attempt_phase_word(enum attempt_phase p)
{
	static const char *const words[] = {
#define PHASE(name, word, meaning) word,
#include "daemon/order/attempt.def"
	};

	return words[p];
}

const char *attempt_news_word(enum attempt_news n)
{
	static const char *const words[] = {
#define NEWS(name, word, meaning) word,
#include "daemon/order/attempt.def"
	};

	return words[n];
}

int attempt_next(enum attempt_phase from, enum attempt_news news, enum attempt_phase *to)
{
	unsigned char next = table[from][news];

	if (next == 0)
		return ERR_STATE;
	*to = (enum attempt_phase)(next - 1);
	return 0;
}
