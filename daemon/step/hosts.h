/*
 * The lines before hosts: only so many requests at a time go to one host and port; the others wait for their turn, higher priority first, then first
 * come, first served. There is an entry for a host for as long as somebody is with it or waits for it.
 */
#ifndef BAKERY_STEP_HOSTS_H
#define BAKERY_STEP_HOSTS_H

#include <stdint.h>

#include "daemon/step/step.h"

struct host;
struct hosts {
	struct host *all;  /* by place */
	int64_t permits;   /* for each */
	uint32_t *waiting; /* counted here */
};

void hosts_init(struct hosts *h, int64_t permits, uint32_t *waiting);
/* place: HOST:PORT. 0 with a turn, to be given back by host_leave(); -ENOMEM; ERR_CANCELLED. Tells t->on_wait when it waits. Suspends. */
int await_host(struct hosts *h, const char *place, const struct step_try *t, struct host **out);
void host_leave(struct hosts *h, struct host *host);

#endif
