#include "daemon/step/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/step/inner.h"
#include "daemon/task/semaphore.h"

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->users = 0)
#include <uthash.h>

struct host {
	struct semaphore turns;
	uint32_t users; /* with a turn, or in the line */
	UT_hash_handle hh;
	char place[]; /* HOST:PORT */
};

void hosts_init(struct hosts *h, int64_t permits, uint32_t *waiting)
{
	*h = (struct hosts){.permits = permits, .waiting = waiting};
}

static struct host *add(struct hosts *h, const char *place)
{
	struct host *host = calloc(1, sizeof *host + strlen(place) + 1);
	if (!host)
		return NULL;
	memcpy(host->place, place, strlen(place));
	host->users = 1; /* the hash says by 0 that it had no memory */
	HASH_ADD_STR(h->all, place, host);
	if (host->users == 0) {
		free(host);
		return NULL;
	}
	host->users = 0;
	semaphore_init(&host->turns, h->permits);
	return host;
}

/* Somebody comes. NULL: no memory. */
static struct host *enter(struct hosts *h, const char *place)
{
	struct host *host;
	HASH_FIND_STR(h->all, place, host);
	if (!host)
		host = add(h, place);
	if (host)
		host->users++;
	return host;
}

static void leave(struct hosts *h, struct host *host)
{
	if (--host->users > 0)
		return;
	HASH_DEL(h->all, host);
	free(host);
}

int await_host(struct hosts *h, const char *place, const struct step_try *t, struct host **out)
{
	struct host *host = enter(h, place);
	if (!host)
		return -ENOMEM;
	if (!semaphore_try(&host->turns)) {
		step_waits(t, "host");
		++*h->waiting;
		int r = await_semaphore(&host->turns, t->priority, CLOCK_NEVER);
		--*h->waiting;
		if (r < 0) {
			leave(h, host);
			return r;
		}
	}
	*out = host;
	return 0;
}

void host_leave(struct hosts *h, struct host *host)
{
	semaphore_give(&host->turns);
	leave(h, host);
}
