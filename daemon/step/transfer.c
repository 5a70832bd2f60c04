/*
 * Three things about libcurl bind what is written here. For each request it walks over all connections of its multi handle (with 10,000 of them that was half a
 * millisecond each, twice a request): so there are several handles, each for a bounded number of requests, filled from the first on. A callback of its that fails condemns the multi handle with all of its transfers: so ours
 * never fail, and what was refused ends the one transfer that it was for. And it tells of its timer only when that changes: so after each time-out
 * that came without anything to do (a clock that a test moved), it is asked again.
 */
#include "daemon/step/transfer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/loop/watch.h"

enum {
	EASY_KEPT = 64,
	ACTIVE_MOST = 128, /* requests under way on one multi handle */
	IDLE_KEPT = 64,    /* connections that nobody uses, all of the first handle */
	IDLE_SEEN = ACTIVE_MOST + IDLE_KEPT,
};

/* A multi handle and what is under way on it. */
struct multi {
	struct transfers *transfers;
	CURLM *handle;
	struct loop_timer timer;
	TAILQ_HEAD(, transfer) all;
	long active;
	TAILQ_ENTRY(multi) entry;
};

struct transfers {
	struct loop *loop;
	TAILQ_HEAD(multis, multi) multis; /* never empty */
	uint32_t active;
	int kept;
	CURL *easy[EASY_KEPT];
	int idle_count;
	struct pollfd idle[IDLE_SEEN]; /* of connections that nobody uses */
};

/* A descriptor of libcurl's, for as long as it wants to hear of it. */
struct watch {
	struct loop_watch fd;
	struct multi *multi;
};

static void finish(struct transfer *x, CURLcode code)
{
	if (future_is_final(&x->done))
		return;
	x->code = code;
	future_set_result(&x->done, NULL);
}

static void refuse(CURL *easy, int error)
{
	struct transfer *x = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x);
	if (!x)
		return; /* a connection that is being closed */
	x->refused = error;
	finish(x, CURLE_OUT_OF_MEMORY);
}

/* ---- libcurl has done something ---- */

/* When libcurl itself was refused memory, it does not say for which transfer; whichever it is will never end. */
static void give_up_all(struct multi *m, CURLMcode code)
{
	log_warn("http requests are given up", log_str("error", curl_multi_strerror(code)),
	    log_int("requests", m->active));
	struct transfer *x;
	TAILQ_FOREACH (x, &m->all, entry) {
		x->refused = -ENOMEM;
		finish(x, CURLE_OUT_OF_MEMORY);
	}
}

static void on_due(struct loop_timer *timer);

static void set_timer(struct multi *m, long ms)
{
	struct loop *loop = m->transfers->loop;
	if (ms < 0) {
		loop_timer_clear(loop, &m->timer);
		return;
	}
	int r = loop_timer_set(loop, &m->timer, clock_deadline_ms(ms), on_due);
	assert(r == 0 && "it is reserved");
	(void)r;
}

static void settle(struct multi *m, CURLMcode code)
{
	if (code != CURLM_OK)
		give_up_all(m, code);
	int left;
	for (const CURLMsg *news; (news = curl_multi_info_read(m->handle, &left));) {
		struct transfer *x = NULL;
		curl_easy_getinfo(news->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		if (news->msg == CURLMSG_DONE && x)
			finish(x, news->data.result);
	}
	long ms = -1;
	if (m->timer.place == 0 && curl_multi_timeout(m->handle, &ms) == CURLM_OK)
		set_timer(m, ms);
}

static void on_ready(struct loop_watch *w, int what)
{
	/* It may go during the call. */
	struct multi *m = ((struct watch *)(void *)((char *)w - offsetof(struct watch, fd)))->multi;
	int action = (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	int running;
	settle(m, curl_multi_socket_action(m->handle, w->fd.fd, action, &running));
}

static void on_due(struct loop_timer *timer)
{
	struct multi *m = (struct multi *)(void *)((char *)timer - offsetof(struct multi, timer));
	int running;
	settle(m, curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running));
}

/* ---- connections that nobody uses ---- */

static void idle_remove(struct transfers *t, int fd)
{
	for (int i = 0; i < t->idle_count; i++) {
		if (t->idle[i].fd == fd) {
			t->idle[i] = t->idle[--t->idle_count];
			return;
		}
	}
}

static void idle_add(struct transfers *t, int fd)
{
	idle_remove(t, fd);
	if (t->idle_count < IDLE_SEEN)
		t->idle[t->idle_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/*
 * What has come on a connection that nobody uses is no answer to the next request: a 408 of a server that waited for one in vain, or what it sent too much
 * of an earlier answer. libcurl (7.88) would take it for the answer. Ended connections it does not use again; so it sends nothing again without need, too.
 */
static void end_spoiled(struct transfers *t)
{
	if (t->idle_count == 0 || poll(t->idle, (nfds_t)t->idle_count, 0) <= 0)
		return;
	for (int i = t->idle_count; i-- > 0;) {
		if (t->idle[i].revents == 0)
			continue;
		shutdown(t->idle[i].fd, SHUT_RDWR);
		t->idle[i] = t->idle[--t->idle_count];
	}
}

/* ---- libcurl's wishes ---- */

static int on_close(void *arg, curl_socket_t fd)
{
	idle_remove(arg, fd);
	return close(fd);
}

static int on_socket(CURL *easy, curl_socket_t s, int what, void *arg, void *assigned)
{
	struct multi *m = arg;
	struct watch *w = assigned;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_watch_remove(&w->fd);
		free(w);
		if (m == TAILQ_FIRST(&m->transfers->multis))
			idle_add(m->transfers, s);
		return 0;
	}
	idle_remove(m->transfers, s);
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w || curl_multi_assign(m->handle, s, w) != CURLM_OK) {
			free(w);
			refuse(easy, -ENOMEM);
			return 0;
		}
		w->multi = m;
	}
	int wanted = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	int r = loop_watch(m->transfers->loop, &w->fd, s, wanted, on_ready);
	if (r < 0)
		refuse(easy, r);
	return 0;
}

static int on_timer(CURLM *handle, long ms, void *arg)
{
	(void)handle;
	set_timer(arg, ms);
	return 0;
}

/* ---- the handles ---- */

static void multi_free(struct multi *m)
{
	assert(m->active == 0);
	TAILQ_REMOVE(&m->transfers->multis, m, entry);
	if (m->handle)
		curl_multi_cleanup(m->handle);
	loop_timer_release(m->transfers->loop, &m->timer);
	free(m);
}

static struct multi *multi_new(struct transfers *t)
{
	struct multi *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->transfers = t;
	TAILQ_INIT(&m->all);
	TAILQ_INSERT_TAIL(&t->multis, m, entry);
	if (loop_timer_reserve(t->loop, &m->timer) == 0)
		m->handle = curl_multi_init();
	if (!m->handle) {
		multi_free(m);
		return NULL;
	}
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return m;
}

/* The first with room, so that the later ones run empty. NULL when memory is refused. */
static struct multi *multi_with_room(struct transfers *t)
{
	struct multi *m;
	TAILQ_FOREACH (m, &t->multis, entry) {
		if (m->active < ACTIVE_MOST)
			return m;
	}
	return multi_new(t);
}

/* After a crowd: the last handles go when nothing is under way on them, with their connections. */
static void drop_empty(struct transfers *t)
{
	struct multi *last;
	while ((last = TAILQ_LAST(&t->multis, multis)) != TAILQ_FIRST(&t->multis) && last->active == 0)
		multi_free(last);
}

/*
 * The first handle, which all requests share while they are few, keeps connections. libcurl counts those in use too, and closes one for each that comes
 * back beyond the number. The others, which a crowd needs, have a connection for each request.
 */
static void bound_connections(struct multi *m)
{
	if (m == TAILQ_FIRST(&m->transfers->multis))
		curl_multi_setopt(m->handle, CURLMOPT_MAXCONNECTS, m->active + IDLE_KEPT);
}

static void take_own_connection(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

/* ---- the interface ---- */

int transfers_new(struct loop *loop, struct transfers **out)
{
	struct transfers *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->loop = loop;
	TAILQ_INIT(&t->multis);
	if (!multi_new(t)) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void transfers_free(struct transfers *t)
{
	if (!t)
		return;
	assert(t->active == 0);
	while (t->kept > 0)
		curl_easy_cleanup(t->easy[--t->kept]);
	while (!TAILQ_EMPTY(&t->multis))
		multi_free(TAILQ_FIRST(&t->multis));
	free(t);
}

uint32_t transfers_active(const struct transfers *t)
{
	return t->active;
}

CURL *transfers_take_easy(struct transfers *t)
{
	return t->kept > 0 ? t->easy[--t->kept] : curl_easy_init();
}

void transfers_give_easy(struct transfers *t, CURL *easy)
{
	if (!easy)
		return;
	if (t->kept == EASY_KEPT) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	t->easy[t->kept++] = easy;
}

int transfer_start(struct transfers *t, struct transfer *x, CURL *easy)
{
	struct multi *m = multi_with_room(t);
	if (!m)
		return -ENOMEM;
	*x = (struct transfer){.easy = easy, .multi = m};
	future_init(&x->done, "http");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, t);
	end_spoiled(t);
	if (m != TAILQ_FIRST(&t->multis))
		take_own_connection(easy);
	if (curl_multi_add_handle(m->handle, easy) != CURLM_OK) {
		x->easy = NULL;
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&m->all, x, entry);
	m->active++;
	t->active++;
	bound_connections(m);
	/* It begins now, in the caller's time, and not with a hundred others when libcurl's timer is due. */
	on_due(&m->timer);
	return 0;
}

void transfer_stop(struct transfers *t, struct transfer *x)
{
	struct multi *m = x->multi;
	curl_multi_remove_handle(m->handle, x->easy);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, NULL);
	TAILQ_REMOVE(&m->all, x, entry);
	m->active--;
	t->active--;
	bound_connections(m);
	drop_empty(t);
}
