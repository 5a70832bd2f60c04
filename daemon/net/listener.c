#include "daemon/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/failpoint.h"
#include "daemon/base/log.h"

enum {
	ACCEPT_TURN = 64, /* connections a turn; others are served in between */
	PAUSE_MS = 100,   /* without descriptors or memory */
};

static void accept_some(struct listener *l);

static struct listener *listener_of_watch(struct loop_fd *w)
{
	return (struct listener *)((char *)w - offsetof(struct listener, watch));
}

static void on_ready(struct loop_fd *w, int what)
{
	(void)what;
	struct listener *l = listener_of_watch(w);
	if (l->pause.place == 0)
		accept_some(l);
}

static void on_more(struct ready *r)
{
	accept_some((struct listener *)((char *)r - offsetof(struct listener, more)));
}

static void on_pause_over(struct loop_timer *t)
{
	accept_some((struct listener *)((char *)t - offsetof(struct listener, pause)));
}

static int accept_one(struct listener *l)
{
	int r = failpoint("net.accept");
	if (r < 0)
		return r;
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* With no descriptor left: the reserve is spent on one connection, to say no to it. */
static void refuse_one(struct listener *l)
{
	if (l->reserve >= 0)
		close(l->reserve);
	l->reserve = -1;
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		listener_refuse(fd);
	l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_accepting(struct listener *l, int error)
{
	if (!l->short_of_descriptors)
		log_warn("cannot accept connections, pausing", log_int("listener", l->fd),
		    log_int("errno", -error));
	l->short_of_descriptors = true;
	loop_timer_set(l->loop, &l->pause, clock_deadline_ms(PAUSE_MS), on_pause_over);
}

static void accept_some(struct listener *l)
{
	for (int i = 0; i < ACCEPT_TURN; i++) {
		int fd = accept_one(l);
		if (fd >= 0) {
			l->short_of_descriptors = false;
			l->on_accept(l->arg, fd);
			if (l->fd < 0)
				return;
			continue;
		}
		switch (-fd) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
			refuse_one(l);
			pause_accepting(l, fd);
			return;
		case ENOMEM:
		case ENOBUFS:
			pause_accepting(l, fd);
			return;
		default:
			/* Of this one connection (accept(2): errors already pending on it): the next may be fine. */
			continue;
		}
	}
	ready_add(&l->more, on_more);
}

int listener_open(
    struct listener *l, struct loop *loop, int fd, void (*on_accept)(void *arg, int fd), void *arg)
{
	*l = (struct listener){.loop = loop, .fd = fd, .on_accept = on_accept, .arg = arg};
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		goto failed;
	l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (l->reserve < 0)
		goto failed;
	/* It pauses when memory is short: then its timer must not want any. */
	int r = loop_timer_reserve(loop, &l->pause);
	if (r == 0)
		r = loop_fd_add(loop, &l->watch, fd, on_ready);
	if (r == 0)
		return 0;
	loop_timer_release(loop, &l->pause);
	close(l->reserve);
	l->fd = -1;
	return r;
failed:
	l->fd = -1;
	return -errno;
}

void listener_close(struct listener *l)
{
	if (l->fd < 0)
		return;
	loop_fd_remove(&l->watch);
	loop_timer_release(l->loop, &l->pause);
	ready_remove(&l->more);
	if (l->reserve >= 0)
		close(l->reserve);
	close(l->fd);
	l->fd = -1;
}

void listener_refuse(int fd)
{
	static const char text[] = "-ERR max number of clients reached\r\n";
	char sent[4096];
	(void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	/* What the client has sent already is read: closing on it would make the kernel reset the connection, and the text would be lost. */
	while (recv(fd, sent, sizeof sent, MSG_DONTWAIT) > 0)
		continue;
	close(fd);
}
