#include "daemon/step/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/step/inner.h"
#include "daemon/task/executor.h"
#include "daemon/task/task.h"
#include "proto/buf.h"

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->asked = false)
#include <uthash.h>

enum {
	THREADS_MOST = 8,
	LINE_MOST = 256,
	NAMES_MOST = 1024, /* more than can be in the works: so one can always be forgotten */
	ADDRESSES_MOST = 16,
	FOUND_S = 60,
	FAILED_S = 5,
};

struct name {
	struct executor_call call;
	struct future_callback on_done;
	struct condition answered;
	bool asked;       /* a thread has it, or will */
	uint32_t waiting; /* tasks that look at it when they wake */
	int64_t until_ns; /* when the answer is too old */
	int unknown;      /* the answer: 0, or EAI_… */
	int error;        /* or why there is none: a negative errno value */
	struct buf found; /* the addresses as text with a NUL */
	UT_hash_handle hh;
	char host[];
};

struct lookups {
	struct executor *executor;
	struct name *all; /* the oldest first */
	uint64_t *counted;
};

/* ---- in a thread ---- */

static int add_address(struct buf *found, const struct sockaddr *a)
{
	char text[INET6_ADDRSTRLEN];
	const struct sockaddr_in6 *v6 = (const void *)a;
	const struct sockaddr_in *v4 = (const void *)a;
	bool is_v6 = a->sa_family == AF_INET6;
	/* libcurl cannot be told on which link an address is. */
	if (a->sa_family != AF_INET && (!is_v6 || v6->sin6_scope_id != 0))
		return 0;
	if (!inet_ntop(a->sa_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, text, sizeof text))
		return 0;
	return buf_printf(found, is_v6 ? "%s[%s]" : "%s%s", found->len > 0 ? "," : "", text);
}

static int look_up(void *arg)
{
	struct name *name = arg;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	errno = 0;
	name->unknown = getaddrinfo(name->host, NULL, &hints, &list);
	if (name->unknown == EAI_SYSTEM)
		return errno ? -errno : -EIO;
	if (name->unknown == EAI_MEMORY)
		return -ENOMEM;
	int r = 0, left = name->unknown ? 0 : ADDRESSES_MOST;
	for (const struct addrinfo *a = list; a && r == 0 && left > 0; a = a->ai_next, left--)
		r = add_address(&name->found, a->ai_addr);
	if (list)
		freeaddrinfo(list);
	if (!name->unknown && r == 0 && name->found.len == 0)
		name->unknown = EAI_NONAME;
	return r ? r : buf_append(&name->found, "", 1);
}

/* ---- on the loop ---- */

static void forget(struct lookups *n, struct name *name)
{
	HASH_DEL(n->all, name);
	future_remove_callback(&name->on_done);
	buf_clear(&name->found);
	free(name);
}

/* Makes room: what is too old goes, and the oldest when that is not enough. */
static void forget_old(struct lookups *n)
{
	int64_t now = clock_mono_ns();
	struct name *name, *next;
	for (name = n->all; name; name = next) {
		next = name->hh.next;
		if (!name->asked && name->waiting == 0 &&
		    (name->until_ns <= now || HASH_COUNT(n->all) >= NAMES_MOST))
			forget(n, name);
	}
}

static struct name *add(struct lookups *n, const char *host, size_t len)
{
	forget_old(n);
	struct name *name = calloc(1, sizeof *name + len + 1);
	if (!name)
		return NULL;
	memcpy(name->host, host, len);
	condition_init(&name->answered);
	name->asked = true; /* the hash says by false that it had no memory */
	HASH_ADD_STR(n->all, host, name);
	if (!name->asked) {
		free(name);
		return NULL;
	}
	name->asked = false;
	return name;
}

static void on_done(struct future_callback *callback)
{
	struct name *name = (struct name *)(void *)((char *)callback - offsetof(struct name, on_done));
	name->asked = false;
	name->error = name->call.result;
	/* That we could not ask is told to those who wait, and not remembered. */
	if (name->error == 0)
		name->until_ns = clock_deadline_ms((name->unknown ? FAILED_S : FOUND_S) * (int64_t)1000);
	condition_broadcast(&name->answered);
}

/* 0: the answer will come. */
static int ask(struct lookups *n, struct name *name)
{
	name->found.len = 0;
	name->until_ns = 0; /* until there is one, there is no answer */
	int r = executor_start(n->executor, &name->call, look_up, name);
	if (r < 0)
		return r;
	++*n->counted;
	name->asked = true;
	future_add_callback(&name->call.done, &name->on_done, on_done);
	return 0;
}

static int await_answer(struct name *name, const struct step_try *t, int64_t deadline_ns)
{
	int r = 0;
	step_waits(t, "name");
	name->waiting++;
	while (r == 0 && name->asked)
		r = await_condition(&name->answered, deadline_ns);
	name->waiting--;
	return r;
}

static int tell(const struct name *name, const char **addresses, const char **why)
{
	if (name->error)
		return name->error;
	if (name->unknown) {
		*why = gai_strerror(name->unknown);
		return -EHOSTUNREACH;
	}
	*addresses = name->found.data;
	return 0;
}

int await_lookup(struct lookups *n, const char *host, size_t len, const struct step_try *t,
    int64_t deadline_ns, const char **addresses, const char **why)
{
	struct name *name;
	HASH_FIND(hh, n->all, host, (unsigned)len, name);
	if (!name)
		name = add(n, host, len);
	if (!name)
		return -ENOMEM;
	int r = 0;
	if (!name->asked && name->until_ns <= clock_mono_ns())
		r = ask(n, name);
	if (r == 0 && name->asked)
		r = await_answer(name, t, deadline_ns);
	return r < 0 ? r : tell(name, addresses, why);
}

int lookups_new(uint64_t *counted, struct lookups **out)
{
	struct lookups *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->counted = counted;
	int r = executor_new("names", THREADS_MOST, LINE_MOST, &n->executor);
	if (r < 0) {
		free(n);
		return r;
	}
	*out = n;
	return 0;
}

void lookups_free(struct lookups *n)
{
	if (!n)
		return;
	executor_free(n->executor);
	while (n->all)
		forget(n, n->all);
	free(n);
}
