#include "daemon/store/mailbox.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void deliver_all(struct mailbox *m)
{
	struct batches batches = STAILQ_HEAD_INITIALIZER(batches);
	struct batch *b;

	pthread_mutex_lock(&m->lock);
	STAILQ_CONCAT(&batches, &m->batches);
	pthread_mutex_unlock(&m->lock);
	while ((b = STAILQ_FIRST(&batches))) {
		STAILQ_REMOVE_HEAD(&batches, entry);
		m->deliver(m, b);
	}
}

/* Edge-triggered: every write is an event of its own, and the eventfd need not be read. */
static void on_ready(struct loop_fd *w, int what)
{
	if (what & LOOP_READ)
		deliver_all((struct mailbox *)((char *)w - offsetof(struct mailbox, watch)));
}

int mailbox_init(struct mailbox *m, struct loop *loop, void (*deliver)(struct mailbox *m, struct batch *b))
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = loop_fd_add(loop, &m->watch, fd, on_ready);
	if (err < 0) {
		close(fd);
		return err;
	}
	pthread_mutex_init(&m->lock, NULL);
	STAILQ_INIT(&m->batches);
	m->deliver = deliver;
	return 0;
}

void mailbox_clear(struct mailbox *m)
{
	deliver_all(m);
	loop_fd_remove(&m->watch);
	close(m->watch.fd);
	pthread_mutex_destroy(&m->lock);
}

void mailbox_post(struct mailbox *m, struct batch *b)
{
	const uint64_t one = 1;
	bool wake;

	pthread_mutex_lock(&m->lock);
	wake = STAILQ_EMPTY(&m->batches);
	STAILQ_INSERT_TAIL(&m->batches, b, entry);
	pthread_mutex_unlock(&m->lock);
	/* Cannot fail: the counter would have to overflow first. */
	while (wake && write(m->watch.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}
