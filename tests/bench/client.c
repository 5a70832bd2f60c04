#include "tests/bench/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/machine.h"

int client_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void append(struct buf *b, const void *bytes, size_t len)
{
	if (buf_append(b, bytes, len) != 0)
		abort();
}

void client_encode(struct buf *out, ...)
{
	va_list args;
	va_start(args, out);
	int count = 0;
	while (va_arg(args, const char *))
		count++;
	va_end(args);
	char line[32];
	append(out, line, (size_t)snprintf(line, sizeof line, "*%d\r\n", count));
	va_start(args, out);
	for (const char *arg; (arg = va_arg(args, const char *));) {
		append(out, line, (size_t)snprintf(line, sizeof line, "$%zu\r\n", strlen(arg)));
		append(out, arg, strlen(arg));
		append(out, "\r\n", 2);
	}
	va_end(args);
}

size_t client_reply_length(const char *bytes, size_t len)
{
	const char *end = len ? memchr(bytes, '\n', len) : NULL;
	if (!end)
		return 0;
	size_t at = (size_t)(end - bytes) + 1;
	long count = strtol(bytes + 1, NULL, 10);
	switch (bytes[0]) {
	case '$':
		if (count >= 0)
			at += (size_t)count + 2;
		return at <= len ? at : 0;
	case '%':
		count *= 2;
		/* fall through */
	case '*':
	case '>':
		for (long i = 0; i < count; i++) {
			size_t item = client_reply_length(bytes + at, len - at);
			if (!item)
				return 0;
			at += item;
		}
		return at;
	default:
		return at;
	}
}

int client_call(int fd, const void *request, size_t len, struct buf *reply)
{
	buf_clear(reply);
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)request + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			return -1;
		sent += (size_t)n;
	}
	while (!client_reply_length(buf_bytes(reply), reply->len)) {
		char *room = buf_reserve(reply, 4096);
		if (!room)
			abort();
		ssize_t n = recv(fd, room, 4096, 0);
		if (n <= 0)
			return -1;
		buf_commit(reply, (size_t)n);
	}
	return 0;
}

int client_compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct connection {
	int fd;
	struct buf in;
	const char *out; /* what is left to be written of the current batch */
	size_t out_len;
	int awaited;
	double sent_at;
};

struct state {
	struct client_run *run;
	char *batch; /* the request, depth times */
	size_t batch_len;
	int epoll;
	long sent;
	double *latencies;
	size_t latency_count, latency_room;
};

static int push_out(struct state *s, struct connection *c)
{
	while (c->out_len > 0) {
		ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n < 0)
			break;
		c->out += n;
		c->out_len -= (size_t)n;
	}
	struct epoll_event ev = {.events = EPOLLIN | (c->out_len > 0 ? EPOLLOUT : 0u), .data.ptr = c};
	return epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static int send_batch(struct state *s, struct connection *c)
{
	c->out = s->batch;
	c->out_len = s->batch_len;
	c->awaited = s->run->depth;
	c->sent_at = bench_now();
	s->sent += s->run->depth;
	return push_out(s, c);
}

static void note_latency(struct state *s, double ms)
{
	if (s->latency_count == s->latency_room) {
		size_t room = s->latency_room ? 2 * s->latency_room : 4096;
		double *bigger = realloc(s->latencies, room * sizeof *bigger);
		if (!bigger)
			abort();
		s->latencies = bigger;
		s->latency_room = room;
	}
	s->latencies[s->latency_count++] = ms;
}

/* Reads what is there. 1 when the whole batch has been answered. */
static int take_replies(struct state *s, struct connection *c)
{
	char *room = buf_reserve(&c->in, 65536);
	if (!room)
		abort();
	ssize_t n = recv(c->fd, room, 65536, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		errno = n == 0 ? ECONNRESET : errno;
		return -1;
	}
	buf_commit(&c->in, (size_t)n);
	size_t len;
	while (c->awaited > 0 && (len = client_reply_length(buf_bytes(&c->in), c->in.len)) > 0) {
		if (buf_bytes(&c->in)[0] == '-')
			s->run->errors++;
		s->run->replies++;
		c->awaited--;
		buf_consume(&c->in, len);
	}
	return c->awaited == 0;
}

static int drive(struct state *s, struct connection *all)
{
	struct client_run *r = s->run;
	for (int i = 0; i < r->connections; i++) {
		all[i].fd = client_connect(r->path);
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &all[i]};
		if (all[i].fd < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, all[i].fd, &ev) != 0)
			return -1;
	}
	double begin = bench_now(), now = begin;
	for (int i = 0; i < r->connections; i++)
		if (send_batch(s, &all[i]) != 0)
			return -1;
	int busy = r->connections;
	while (busy > 0) {
		struct epoll_event ready[64];
		int n = epoll_wait(s->epoll, ready, 64, 30000);
		if (n == 0)
			errno = ETIMEDOUT;
		if (n <= 0)
			return -1;
		for (int i = 0; i < n; i++) {
			struct connection *c = ready[i].data.ptr;
			if ((ready[i].events & EPOLLOUT) && push_out(s, c) != 0)
				return -1;
			if (!(ready[i].events & ~(uint32_t)EPOLLOUT))
				continue;
			int done = take_replies(s, c);
			if (done < 0)
				return -1;
			if (!done)
				continue;
			now = bench_now();
			note_latency(s, (now - c->sent_at) * 1e3);
			if (now - begin < r->seconds && (r->at_most == 0 || s->sent < r->at_most)) {
				if (send_batch(s, c) != 0)
					return -1;
			} else {
				busy--;
			}
		}
	}
	r->rate = (double)r->replies / (now - begin);
	return 0;
}

int client_run(struct client_run *r)
{
	struct state s = {
	    .run = r, .batch_len = r->request_len * (size_t)r->depth, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	s.batch = malloc(s.batch_len);
	struct connection *all = calloc((size_t)r->connections, sizeof *all);
	if (!s.batch || !all)
		abort();
	for (int i = 0; i < r->depth; i++)
		memcpy(s.batch + (size_t)i * r->request_len, r->request, r->request_len);
	for (int i = 0; i < r->connections; i++)
		all[i].fd = -1;
	r->replies = r->errors = 0;

	int status = drive(&s, all);
	int error = errno;
	if (status == 0) {
		qsort(s.latencies, s.latency_count, sizeof *s.latencies, client_compare_doubles);
		r->p50_ms = s.latencies[s.latency_count / 2];
		r->p99_ms = s.latencies[s.latency_count * 99 / 100];
	}
	for (int i = 0; i < r->connections; i++) {
		if (all[i].fd >= 0)
			close(all[i].fd);
		buf_clear(&all[i].in);
	}
	close(s.epoll);
	free(s.latencies);
	free(s.batch);
	free(all);
	errno = error;
	return status;
}
