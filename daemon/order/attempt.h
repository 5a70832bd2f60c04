/*
 * The phases of one attempt in the front's memory, from the moment an order is picked, or found running at start, until its end is durable: one table
 * (attempt.def), which the scheduler's task asserts at every step. STATES.md draws it. Pure.
 */
#ifndef BAKERY_ORDER_ATTEMPT_H
#define BAKERY_ORDER_ATTEMPT_H

enum attempt_phase {
#define PHASE(name, word, meaning) ATTEMPT_##name,
#include "daemon/order/attempt.def"
	ATTEMPT_PHASES,
};

enum attempt_news {
#define NEWS(name, word, meaning) ATTEMPT_NEWS_##name,
#include "daemon/order/attempt.def"
	ATTEMPT_NEWS,
};

const char *attempt_phase_word(enum attempt_phase p);
const char *attempt_news_word(enum attempt_news n);

/* 0 with *to set; ERR_STATE when this cannot happen in this phase: a bug of the caller, who asserts. */
int attempt_next(enum attempt_phase from, enum attempt_news news, enum attempt_phase *to);

#endif
