/*
 * Two things about libcurl bind what is written here. A callback of its that fails condemns the multi handle with all of its transfers: so ours
 * never fail, and what was refused ends the one transfer that it was for. And it tells of its timer only when that changes: so after each time-out
 * that came without anything to do (a clock that a test moved), it is asked again.
 */
#include "daemon/step/transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"

enum {
	EASY_KEPT = 64,
	IDLE_KEPT = 64, /* connections that nobody uses */
};

struct transfers {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	TAILQ_HEAD(, transfer) all;
	uint32_t active;
	int kept;
	CURL *easy[EASY_KEPT];
};

/* A descriptor of libcurl's, for as long as it wants to hear of it. */
struct watch {
	struct loop_fd fd;
	struct transfers *transfers;
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
static void give_up_all(struct transfers *t, CURLMcode code)
{
	log_warn("http requests are given up", log_str("error", curl_multi_strerror(code)),
	    log_int("requests", t->active));
	struct transfer *x;
	TAILQ_FOREACH (x, &t->all, entry) {
		x->refused = -ENOMEM;
		finish(x, CURLE_OUT_OF_MEMORY);
	}
}

static void on_due(struct loop_timer *timer);

static void set_timer(struct transfers *t, long ms)
{
	if (ms < 0) {
		loop_timer_clear(t->loop, &t->timer);
		return;
	}
	int r = loop_timer_set(t->loop, &t->timer, clock_deadline_ms(ms), on_due);
	assert(r == 0 && "it is reserved");
	(void)r;
}

static void settle(struct transfers *t, CURLMcode code)
{
	if (code != CURLM_OK)
		give_up_all(t, code);
	int left;
	for (const CURLMsg *m; (m = curl_multi_info_read(t->multi, &left));) {
		struct transfer *x = NULL;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		if (m->msg == CURLMSG_DONE && x)
			finish(x, m->data.result);
	}
	long ms = -1;
	if (t->timer.place == 0 && curl_multi_timeout(t->multi, &ms) == CURLM_OK)
		set_timer(t, ms);
}

static void on_ready(struct loop_fd *w, int what)
{
	/* It may go during the call. */
	struct transfers *t = ((struct watch *)(void *)((char *)w - offsetof(struct watch, fd)))->transfers;
	int action = (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	int running;
	settle(t, curl_multi_socket_action(t->multi, w->fd, action, &running));
}

static void on_due(struct loop_timer *timer)
{
	struct transfers *t = (struct transfers *)(void *)((char *)timer - offsetof(struct transfers, timer));
	int running;
	settle(t, curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running));
}

/* ---- libcurl's wishes ---- */

static int on_socket(CURL *easy, curl_socket_t s, int what, void *arg, void *assigned)
{
	struct transfers *t = arg;
	struct watch *w = assigned;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_fd_remove(&w->fd);
		free(w);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w || curl_multi_assign(t->multi, s, w) != CURLM_OK) {
			free(w);
			refuse(easy, -ENOMEM);
			return 0;
		}
		w->transfers = t;
	}
	int wanted = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
	int r = loop_fd_watch(t->loop, &w->fd, s, wanted, on_ready);
	if (r < 0)
		refuse(easy, r);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	set_timer(arg, ms);
	return 0;
}

/* ---- the interface ---- */

int transfers_new(struct loop *loop, struct transfers **out)
{
	struct transfers *t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->loop = loop;
	TAILQ_INIT(&t->all);
	int r = loop_timer_reserve(loop, &t->timer);
	if (r == 0) {
		t->multi = curl_multi_init();
		r = t->multi ? 0 : -ENOMEM;
	}
	if (r < 0) {
		transfers_free(t);
		return r;
	}
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
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
	if (t->multi)
		curl_multi_cleanup(t->multi);
	loop_timer_release(t->loop, &t->timer);
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

/* libcurl counts connections in use too, and closes one for each that comes back beyond the number. */
static void bound_connections(struct transfers *t)
{
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)t->active + IDLE_KEPT);
}

int transfer_start(struct transfers *t, struct transfer *x, CURL *easy)
{
	*x = (struct transfer){.easy = easy};
	future_init(&x->done, "http");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
	if (curl_multi_add_handle(t->multi, easy) != CURLM_OK) {
		x->easy = NULL;
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&t->all, x, entry);
	t->active++;
	bound_connections(t);
	return 0;
}

void transfer_stop(struct transfers *t, struct transfer *x)
{
	curl_multi_remove_handle(t->multi, x->easy);
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, NULL);
	TAILQ_REMOVE(&t->all, x, entry);
	t->active--;
	bound_connections(t);
}
