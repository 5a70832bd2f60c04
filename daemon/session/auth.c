#include "daemon/session/auth.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/net/password.h"
#include "daemon/net/remembered.h"
#include "daemon/task/executor.h"
#include "daemon/task/task.h"

enum {
	SUSPECTS = 1024,    /* addresses whose failures are kept; the oldest makes place */
	FAILURES_MOST = 10, /* of one address in WINDOW_MS; then it has to wait */
	WINDOW_MS = 60 * 1000,
	SAME_MOST = 4, /* verifications under way for one address */
	/* A scrypt takes 50 ms and 16 MiB. A flood of passwords is refused, it does not queue. */
	THREADS_MOST = 1,
	WAITING_MOST = 32,
};

/* What a wrong name is verified against, so that it takes as long as a wrong password: nobody's. */
#define NOBODY "scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

struct suspect {
	uint8_t address[16];
	int failures;
	int64_t since_ns;
};

/* A verification under way, and how many wait for it. */
struct attempt {
	LIST_ENTRY(attempt) entry;
	struct executor_call call; /* of verify */
	const char *hash;
	struct remembered_mark mark;
	uint8_t address[16]; /* of the first that asked */
	int waiting;
	size_t len;
	char password[];
};

struct auth {
	const struct identities *ids;
	struct executor *executor;
	bool stopped;
	struct remembered *remembered;
	LIST_HEAD(, attempt) attempts;
	struct suspect suspects[SUSPECTS];
	size_t next;
};

int auth_new(const struct identities *ids, struct auth **out)
{
	struct auth *a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	a->ids = ids;
	int r = remembered_new(&a->remembered);
	if (r == 0)
		r = executor_new("passwords", THREADS_MOST, WAITING_MOST, &a->executor);
	if (r < 0) {
		remembered_free(a->remembered);
		free(a);
		return r;
	}
	*out = a;
	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	assert(LIST_EMPTY(&a->attempts));
	executor_free(a->executor);
	remembered_free(a->remembered);
	free(a);
}

void auth_stop(struct auth *a)
{
	struct attempt *t;
	a->stopped = true;
	LIST_FOREACH (t, &a->attempts, entry)
		executor_cancel(&t->call);
}

/* ---- addresses that guess ---- */

static struct suspect *find_suspect(struct auth *a, const uint8_t address[static 16])
{
	int64_t now = clock_mono_ns();
	for (size_t i = 0; i < SUSPECTS; i++) {
		struct suspect *s = &a->suspects[i];
		if (s->failures > 0 && memcmp(s->address, address, 16) == 0) {
			if (now - s->since_ns > WINDOW_MS * NS_PER_MS)
				s->failures = 0;
			return s->failures > 0 ? s : NULL;
		}
	}
	return NULL;
}

static void count_failure(struct auth *a, const struct peer *from)
{
	uint8_t address[16];
	peer_origin(from, address);
	struct suspect *s = find_suspect(a, address);
	if (!s) {
		s = &a->suspects[a->next];
		a->next = (a->next + 1) % SUSPECTS;
		*s = (struct suspect){.since_ns = clock_mono_ns()};
		memcpy(s->address, address, 16);
	}
	if (++s->failures == FAILURES_MOST)
		log_warn("too many wrong passwords, refusing for a minute", log_str("peer", from->name));
}

static bool must_wait(struct auth *a, const uint8_t address[static 16])
{
	const struct suspect *s = find_suspect(a, address);
	return s && s->failures >= FAILURES_MOST;
}

static bool is_busy(const struct auth *a, const uint8_t address[static 16])
{
	int same = 0;
	const struct attempt *t;
	LIST_FOREACH (t, &a->attempts, entry)
		same += memcmp(t->address, address, 16) == 0;
	return same >= SAME_MOST;
}

/* ---- verifying ---- */

struct marking {
	const struct remembered *remembered;
	const char *name;
	struct slice password;
	struct remembered_mark mark;
};

static int make_mark(void *arg)
{
	struct marking *m = arg;
	return remembered_mark(m->remembered, m->name, m->password.data, m->password.len, &m->mark);
}

static struct attempt *find_attempt(struct auth *a, const struct remembered_mark *mark)
{
	struct attempt *t;
	LIST_FOREACH (t, &a->attempts, entry)
		if (memcmp(&t->mark, mark, sizeof *mark) == 0)
			break;
	return t;
}

/* In a thread. */
static int verify(void *arg)
{
	const struct attempt *t = arg;
	return password_verify(t->password, t->len, t->hash);
}

static int start_attempt(struct auth *a, const char *hash, const struct marking *m,
    const uint8_t address[static 16], struct attempt **out)
{
	struct attempt *t = calloc(1, sizeof *t + m->password.len + 1);
	if (!t)
		return -ENOMEM;
	t->mark = m->mark;
	t->len = m->password.len;
	memcpy(t->address, address, 16);
	if (t->len > 0)
		memcpy(t->password, m->password.data, t->len);
	t->hash = hash;
	int r = executor_start(a->executor, &t->call, verify, t);
	if (r < 0) {
		explicit_bzero(t->password, t->len);
		free(t);
		return r;
	}
	LIST_INSERT_HEAD(&a->attempts, t, entry);
	*out = t;
	return 0;
}

static void leave_attempt(struct attempt *t)
{
	if (--t->waiting > 0)
		return;
	LIST_REMOVE(t, entry);
	explicit_bzero(t->password, t->len);
	free(t);
}

/* 1: right; 0: wrong; or negative. Who may not try is not told either whether the password is one that is remembered: that would be a guess
 * that costs nothing. */
static int await_verdict(struct auth *a, const struct peer *from, const char *hash, struct marking *m)
{
	uint8_t address[16];
	peer_origin(from, address);
	if (a->stopped)
		return ERR_CANCELLED;
	if (must_wait(a, address))
		return -EAGAIN;
	int r = task_call_big(make_mark, m);
	if (r < 0)
		return r;
	struct attempt *t = find_attempt(a, &m->mark);
	if (!t) {
		if (is_busy(a, address))
			return -EAGAIN;
		if (remembered_has(a->remembered, &m->mark))
			return 1;
		r = start_attempt(a, hash, m, address, &t);
		if (r < 0)
			return r;
	}
	t->waiting++;
	r = await_future_shielded(&t->call.done);
	if (r == 0)
		r = t->call.result;
	leave_attempt(t);
	return r;
}

int await_auth(struct auth *a, const struct peer *from, struct slice name, struct slice password,
    const struct user **out)
{
	const struct user *user = identities_find(a->ids, name.data, name.len);
	bool known = user && user->password;
	struct marking m = {
	    .remembered = a->remembered, .name = known ? user->name : "", .password = password};
	int r = await_verdict(a, from, known ? user->password : NOBODY, &m);
	if (r == 1 && known) {
		remembered_add(a->remembered, &m.mark);
		*out = user;
		return 0;
	}
	if (r < 0)
		return r;
	count_failure(a, from);
	log_info("wrong password", log_str("peer", from->name), log_str("user", known ? user->name : NULL));
	return ERR_INVALID;
}
