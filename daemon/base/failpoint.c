/* BAKERY_FAIL: a list of places, counted down in each process. */
#include "daemon/base/failpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS_MAX = 16, NAME_MAX_BYTES = 63 };

enum action { ACTION_ERRNO, ACTION_KILL, ACTION_ABORT, ACTION_STOP, ACTION_EXIT };

struct point {
	char name[NAME_MAX_BYTES + 1];
	unsigned long nth; /* 0: every passing */
	enum action action;
	int error;
	atomic_ulong passed;
};

static struct point points[POINTS_MAX];
static size_t point_count;
int failpoint_armed;

static int parse_action(const char *word, struct point *p)
{
	static const struct {
		const char *word;
		enum action action;
	} actions[] = {
	    {"kill", ACTION_KILL}, {"abort", ACTION_ABORT}, {"stop", ACTION_STOP}, {"exit", ACTION_EXIT}};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(word, actions[i].word) == 0) {
			p->action = actions[i].action;
			return 0;
		}
	}
	for (int e = 1; e < 256; e++) {
		const char *name = strerrorname_np(e);
		if (name && strcmp(word, name) == 0) {
			p->action = ACTION_ERRNO;
			p->error = e;
			return 0;
		}
	}
	return -EINVAL;
}

/* NAME:N:ACTION, in place. */
static int parse_point(char *text, struct point *p, const char **why)
{
	char *nth = strchr(text, ':'), *action = nth ? strchr(nth + 1, ':') : NULL, *end;
	if (!action || (size_t)(nth - text) > NAME_MAX_BYTES || nth == text) {
		*why = "BAKERY_FAIL: expected NAME:N:ACTION[,NAME:N:ACTION]…";
		return -EINVAL;
	}
	*nth++ = *action++ = '\0';
	memcpy(p->name, text, strlen(text) + 1);
	errno = 0;
	p->nth = strtoul(nth, &end, 10);
	if (errno || end == nth || *end) {
		*why = "BAKERY_FAIL: N is not a number";
		return -EINVAL;
	}
	if (parse_action(action, p) < 0) {
		*why =
		    "BAKERY_FAIL: ACTION is none of kill, abort, stop, exit, or the name of an errno value";
		return -EINVAL;
	}
	return 0;
}

int failpoint_init(const char **why)
{
	point_count = 0;
	failpoint_armed = 0;
	const char *text = getenv("BAKERY_FAIL");
	if (!text || !*text)
		return 0;
	char *copy = strdup(text), *rest = copy, *one;
	if (!copy) {
		*why = "BAKERY_FAIL: out of memory";
		return -EINVAL;
	}
	int r = 0;
	while (r == 0 && (one = strsep(&rest, ","))) {
		if (point_count == POINTS_MAX) {
			*why = "BAKERY_FAIL: too many failpoints";
			r = -EINVAL;
			break;
		}
		struct point *p = &points[point_count];
		atomic_init(&p->passed, 0);
		r = parse_point(one, p, why);
		if (r == 0)
			point_count++;
	}
	free(copy);
	failpoint_armed = r == 0;
	return r;
}

int failpoint_pass(const char *name)
{
	int error = 0;
	for (size_t i = 0; i < point_count; i++) {
		struct point *p = &points[i];
		if (strcmp(p->name, name) != 0)
			continue;
		unsigned long n = atomic_fetch_add(&p->passed, 1) + 1;
		if (p->nth && p->nth != n)
			continue;
		switch (p->action) {
		case ACTION_KILL:
			kill(getpid(), SIGKILL);
			pause();
			break;
		case ACTION_ABORT:
			abort();
		case ACTION_STOP:
			kill(getpid(), SIGSTOP);
			break;
		case ACTION_EXIT:
			_exit(99);
		case ACTION_ERRNO:
			/* All entries of this name count the passing, also those behind the one that fails it. */
			error = error ? error : -p->error;
			break;
		}
	}
	return error;
}
