/*
 * The daemon's numbers, collected once in one place: STATS gives them as maps, INFO as text.
 */
#ifndef BAKERY_SESSION_FIGURES_H
#define BAKERY_SESSION_FIGURES_H

#include <stddef.h>
#include <stdint.h>

struct sessions;

enum figure_kind { FIGURE_NUMBER, FIGURE_YES_NO, FIGURE_TEXT, FIGURE_HISTOGRAM };

struct figure {
	const char *group, *part; /* part: the pool, in group "pools"; else NULL */
	const char *name;
	enum figure_kind kind;
	int64_t number;
	char text[64]; /* empty: no value */
	uint64_t buckets[24];
	size_t bucket_count;
};

struct figures {
	struct figure *rows; /* those of a group, and of a part, stand together */
	size_t count, room;
};

/* Start from {0}. 0 or -ENOMEM; to be cleared in both cases. */
int figures_collect(struct figures *f, struct sessions *all);
void figures_clear(struct figures *f);

#endif
