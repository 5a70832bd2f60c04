#include "tests/unit/step_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MOST = 256, REQUEST_MOST = 1 << 18 };

struct step_server {
	int fd;
	uint16_t port;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool released;
	struct step_server_counts counts;
	struct client {
		struct step_server *server;
		pthread_t thread;
		int fd;
	} clients[CLIENTS_MOST];
	int client_count;
};

static bool send_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool send_text(int fd, const char *text)
{
	return send_all(fd, text, strlen(text));
}

static void count(struct client *c, int *which, int change)
{
	pthread_mutex_lock(&c->server->lock);
	*which += change;
	if (c->server->counts.busy > c->server->counts.busy_most)
		c->server->counts.busy_most = c->server->counts.busy;
	pthread_mutex_unlock(&c->server->lock);
}

/* Until the client has gone, or the server is stopped. */
static bool hang(struct client *c)
{
	char byte;
	while (recv(c->fd, &byte, 1, 0) > 0)
		;
	count(c, &c->server->counts.gone, 1);
	return false;
}

static void wait_for_release(struct step_server *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->released)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static bool hold(struct client *c)
{
	wait_for_release(c->server);
	return send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld");
}

/* Says something that nobody asked for, on a connection that nobody uses. */
static bool stray(struct client *c)
{
	if (!send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
		return false;
	wait_for_release(c->server);
	return send_text(c->fd, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
}

static bool trickle(struct client *c)
{
	while (send_text(c->fd, "x"))
		usleep(2000);
	count(c, &c->server->counts.gone, 1);
	return false;
}

static bool endless(struct client *c, const char *piece)
{
	while (send_text(c->fd, piece))
		;
	count(c, &c->server->counts.gone, 1);
	return false;
}

/* N bytes: 'a', 'b', … in turn. */
static bool send_bytes(int fd, size_t n, size_t chunk)
{
	char bytes[26 * 512], size[32];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)('a' + i % 26);
	bool ok = true;
	/* Pieces begin with an 'a'. */
	chunk = chunk ? chunk / 26 * 26 : 0;
	for (size_t at = 0; ok && at < n;) {
		size_t most = chunk ? chunk : sizeof bytes, piece = n - at > most ? most : n - at;
		if (chunk) {
			snprintf(size, sizeof size, "%zx\r\n", piece);
			ok = send_text(fd, size);
		}
		ok = ok && send_all(fd, bytes, piece) && (!chunk || send_text(fd, "\r\n"));
		at += piece;
	}
	return ok && (!chunk || send_text(fd, "0\r\n\r\n"));
}

static bool answer_status(int fd, long status, char *value)
{
	char text[512], body[64];
	for (char *p = value; p && *p; p++)
		*p = *p == '+' ? ' ' : *p;
	snprintf(body, sizeof body, "trouble\nNUMBER <%ld>\n", status);
	bool has_body = status >= 200 && status != 204 && status != 304;
	snprintf(text, sizeof text, "HTTP/1.1 %ld Whatever\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", status,
	    value ? "Retry-After: " : "", value ? value : "", value ? "\r\n" : "",
	    has_body ? strlen(body) : 0, has_body ? body : "");
	return send_text(fd, text);
}

static bool answer_redirect(int fd, long status, const char *to)
{
	char text[4096];
	snprintf(text, sizeof text,
	    "HTTP/1.1 %ld Over there\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove", status, to ? to : "");
	return send_text(fd, text);
}

static bool answer_echo(int fd, const char *request, size_t n)
{
	char head[128];
	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	return send_text(fd, head) && send_all(fd, request, n);
}

/* False: the connection is to be closed. */
static bool answer(struct client *c, const char *request, size_t n)
{
	char method[16] = "", target[2048] = "";
	sscanf(request, "%15s %2047s", method, target);
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	const char *slash = strrchr(target, '/');
	long number = slash ? strtol(slash + 1, NULL, 10) : 0;
	char head[128];
#define PATH(text) (strncmp(target, text, strlen(text)) == 0)
	if (PATH("/bytes/")) {
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", number);
		return send_text(c->fd, head) &&
		       (strcmp(method, "HEAD") == 0 || send_bytes(c->fd, (size_t)number, 0));
	}
	if (PATH("/chunked/"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") &&
		       send_bytes(c->fd, (size_t)number, 2600);
	if (PATH("/until-close/"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") &&
		       send_bytes(c->fd, (size_t)number, 0) && false;
	if (PATH("/status/"))
		return answer_status(c->fd, number, query);
	if (PATH("/to/"))
		return answer_redirect(c->fd, number, query);
	if (PATH("/echo"))
		return answer_echo(c->fd, request, n);
	if (PATH("/early"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfew") && false;
	if (PATH("/garbage"))
		return send_text(c->fd, "220 mail.example ESMTP at your service\r\n") && false;
	if (PATH("/endless"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") &&
		       endless(c, "more and more ");
	if (PATH("/headers"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\n") && endless(c, "X-More: and more\r\n");
	if (PATH("/line"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nX-Long: ") && endless(c, "longer and longer ");
	if (PATH("/continue"))
		return send_text(c->fd,
		    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	if (PATH("/hang-body"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n") && hang(c);
	if (PATH("/trickle"))
		return send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") && trickle(c);
	if (PATH("/hang"))
		return hang(c);
	if (PATH("/hold"))
		return hold(c);
	if (PATH("/stray"))
		return stray(c);
	return false; /* /nothing */
}

/* The bytes of one request, head and body, into room; 0: the client has gone. */
static size_t read_request(int fd, char *room)
{
	size_t n = 0, whole = 0;
	while (whole == 0 || n < whole) {
		/* One at a time until the head is there: what follows belongs to the next request. */
		ssize_t got = recv(fd, room + n, whole ? whole - n : 1, 0);
		if (got <= 0 || n + (size_t)got >= REQUEST_MOST)
			return 0;
		n += (size_t)got;
		room[n] = '\0';
		if (whole == 0 && n >= 4 && memcmp(room + n - 4, "\r\n\r\n", 4) == 0) {
			const char *length = strcasestr(room, "\r\nContent-Length:");
			whole = n + (length ? strtoul(length + 17, NULL, 10) : 0);
		}
	}
	return n;
}

static void *serve(void *arg)
{
	struct client *c = arg;
	char request[REQUEST_MOST];
	bool more = true;
	size_t n;
	while (more && (n = read_request(c->fd, request)) > 0) {
		count(c, &c->server->counts.requests, 1);
		count(c, &c->server->counts.busy, 1);
		more = answer(c, request, n);
		count(c, &c->server->counts.busy, -1);
	}
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct step_server *s = arg;
	int fd;
	while (s->client_count < CLIENTS_MOST && (fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct client *c = &s->clients[s->client_count];
		*c = (struct client){.server = s, .fd = fd};
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		count(c, &s->counts.connections, 1);
		if (pthread_create(&c->thread, NULL, serve, c) == 0)
			s->client_count++;
		else
			close(fd);
	}
	return NULL;
}

struct step_server *step_server_start(void)
{
	struct step_server *s = calloc(1, sizeof *s);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, len) < 0 || listen(s->fd, 128) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) < 0)
		abort();
	s->port = ntohs(a.sin_port);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (pthread_create(&s->thread, NULL, accept_all, s) != 0)
		abort();
	return s;
}

uint16_t step_server_port(const struct step_server *s)
{
	return s->port;
}

void step_server_release(struct step_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->released = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void step_server_stop(struct step_server *s)
{
	step_server_release(s);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	for (int i = 0; i < s->client_count; i++) {
		shutdown(s->clients[i].fd, SHUT_RDWR);
		pthread_join(s->clients[i].thread, NULL);
		close(s->clients[i].fd);
	}
	close(s->fd);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct step_server_counts step_server_counts(struct step_server *s)
{
	pthread_mutex_lock(&s->lock);
	struct step_server_counts counts = s->counts;
	pthread_mutex_unlock(&s->lock);
	return counts;
}
