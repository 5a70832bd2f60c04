/*
 * Many light steps at once in one real bakeryd: orders that sleep, and orders that wait for a slow HTTP server. How much memory the process that serves
 * clients takes meanwhile, and how long a client's PING takes, from the first order to the last one's end.
 *
 * bench-steps [ORDERS [RECIPE]]: so many of each (10,000), or of one (sleep, http). HTTP needs two descriptors an order, one on each side.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/client.h"
#include "tests/bench/daemon.h"
#include "tests/bench/machine.h"

enum { ORDERS = 10000, PIPELINE = 100, PATIENCE_S = 300, PINGS_MOST = 1 << 20, PAUSE_US = 1000 };
/* The slow server's. */
enum { HOLD_US = 5000000, BATCH = 100, BATCH_US = 20000 };

static struct bench_daemon server;
static pid_t slow_server;

static void clean_up(void)
{
	bench_daemon_remove(&server);
	if (slow_server > 0) {
		kill(slow_server, SIGKILL);
		waitpid(slow_server, NULL, 0);
	}
}

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("bench-steps: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

/* ---- a slow HTTP server: keeps every request until `orders` of them are there, and some time longer; then answers them, some at a time ---- */

struct peer {
	int fd;
	int last; /* so many of the last four bytes are those that end a head */
};

static void serve(int listener, int orders)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nflour", end[] = "\r\n\r\n";
	struct peer *peers = calloc((size_t)orders, sizeof *peers),
		    **asked = calloc((size_t)orders, sizeof(void *));
	int epoll = epoll_create1(0), known = 0, waiting = 0;
	struct epoll_event ev = {.events = EPOLLIN};
	if (!peers || !asked || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) != 0)
		_exit(1);
	for (;;) {
		struct epoll_event ready[256];
		int n = epoll_wait(epoll, ready, 256, -1);
		for (int i = 0; i < n; i++) {
			struct peer *p = ready[i].data.ptr;
			char bytes[4096];
			if (!p) {
				int fd = accept(listener, NULL, NULL);
				if (fd < 0 || known == orders)
					_exit(1);
				p = &peers[known++];
				*p = (struct peer){.fd = fd};
				ev.data.ptr = p;
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
				continue;
			}
			ssize_t len = recv(p->fd, bytes, sizeof bytes, 0);
			if (len <= 0) {
				close(p->fd);
				continue;
			}
			for (ssize_t b = 0; b < len; b++)
				p->last = bytes[b] == end[p->last] ? p->last + 1 : bytes[b] == '\r';
			if (p->last != 4)
				continue;
			p->last = 0;
			asked[waiting++] = p;
			if (waiting < orders)
				continue;
			usleep(HOLD_US);
			for (; waiting > 0; waiting--) {
				if (waiting % BATCH == 0)
					usleep(BATCH_US);
				if (send(asked[waiting - 1]->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
					_exit(1);
			}
		}
	}
}

/* The server's port. */
static int start_slow_server(int orders)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(listener, 4096) != 0 || getsockname(listener, (struct sockaddr *)&a, &len) != 0)
		give_up("a listening socket: %s", strerror(errno));
	slow_server = fork();
	if (slow_server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, orders);
	}
	close(listener);
	if (slow_server < 0)
		give_up("fork: %s", strerror(errno));
	return ntohs(a.sin_port);
}

/* ---- the measurement ---- */

/* Sends the orders from a process of its own, so that they do not stand before the pings. */
static pid_t send_orders(const char *recipe, int orders)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct buf request = {0};
	client_encode(&request, "ORDER", recipe, "", (const char *)NULL);
	struct client_run r = {.path = server.socket,
	    .connections = 1,
	    .depth = PIPELINE,
	    .request = buf_bytes(&request),
	    .request_len = request.len,
	    .seconds = PATIENCE_S,
	    .at_most = orders};
	_exit(client_run(&r) == 0 && r.errors == 0 ? 0 : 1);
}

/* How many orders this recipe has in this state, told by RECIPES. */
static long count(int fd, const char *recipe, const char *state)
{
	struct buf request = {0}, reply = {0};
	client_encode(&request, "RECIPES", recipe, (const char *)NULL);
	if (client_call(fd, buf_bytes(&request), request.len, &reply) != 0)
		give_up("RECIPES: %s", strerror(errno));
	char word[32];
	snprintf(word, sizeof word, "\r\n%s\r\n:", state);
	const char *at = memmem(buf_bytes(&reply), reply.len, word, strlen(word));
	if (!at)
		give_up("RECIPES does not tell %s: %.*s", state, (int)reply.len, buf_bytes(&reply));
	long n = strtol(at + strlen(word), NULL, 10);
	buf_clear(&request);
	buf_clear(&reply);
	return n;
}

static void measure(const char *recipe, int orders, long limit_mib)
{
	double *took = malloc(PINGS_MOST * sizeof *took);
	int fd = client_connect(server.socket), other = client_connect(server.socket);
	struct buf ping = {0}, reply = {0};
	if (!took || fd < 0 || other < 0)
		give_up("%s: %s", server.socket, strerror(errno));
	client_encode(&ping, "PING", (const char *)NULL);
	long before = bench_daemon_front_kib(&server), most = 0, together = 0;
	double begin = bench_now();
	pid_t sender = send_orders(recipe, orders);
	size_t pings = 0;
	for (long done = 0; done < orders;) {
		if (bench_now() - begin > PATIENCE_S)
			give_up("%s: %ld of %d done after %d s", recipe, done, orders, PATIENCE_S);
		double sent = bench_now();
		if (client_call(fd, buf_bytes(&ping), ping.len, &reply) != 0)
			give_up("PING: %s", strerror(errno));
		if (pings < PINGS_MOST)
			took[pings++] = (bench_now() - sent) * 1e3;
		if (pings % 64 == 0) {
			long kib = bench_daemon_front_kib(&server), running = count(other, recipe, "running");
			most = kib > most ? kib : most;
			together = running > together ? running : together;
			done = count(other, recipe, "done");
			if (count(other, recipe, "failed") > 0)
				give_up("an order of %s failed", recipe);
		}
		usleep(PAUSE_US);
	}
	double all = bench_now() - begin;
	int status;
	waitpid(sender, &status, 0);
	if (status != 0)
		give_up("orders of %s were refused", recipe);
	qsort(took, pings, sizeof *took, client_compare_doubles);
	printf("%-6s %6ld at once: front %6.1f MiB (%.1f before; at most %ld wanted), %.1f s in all\n",
	    recipe, together, (double)most / 1024, (double)before / 1024, limit_mib, all);
	printf("       %zu pings meanwhile: median %.3f ms, 99 %% %.3f ms (at most 10 wanted), longest %.3f "
	       "ms\n",
	    pings, took[pings / 2], took[pings * 99 / 100], took[pings - 1]);
	fflush(stdout);
	free(took);
	buf_clear(&ping);
	buf_clear(&reply);
	close(fd);
	close(other);
}

int main(int argc, char **argv)
{
	int orders = argc > 1 ? atoi(argv[1]) : ORDERS;
	const char *only = argc > 2 ? argv[2] : NULL;
	if (orders <= 0 || argc > 3) {
		fprintf(stderr, "usage: %s [ORDERS [RECIPE]]\n", argv[0]);
		return 2;
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	atexit(clean_up);

	char yaml[1024];
	snprintf(yaml, sizeof yaml,

	    "limits: {running: %d, http_per_host: %d, connections: 64}\n"
	    "pools: {default: {workers: 1}}\n"
	    "recipes:\n"
	    "  sleep: {steps: [{sleep: 10s}], timeout: 1h}\n"
	    "  http: {steps: [{http: {url: 'http://127.0.0.1:%d/flour', timeout: 10m}}], timeout: 1h}\n",
	    orders, orders, start_slow_server(orders));
	static const struct {
		const char *name;
		long limit_mib;
	} recipes[] = {{"sleep", 100}, {"http", 250}};
	if (bench_daemon_make(&server, yaml) != 0)
		give_up("%s: %s", server.dir, strerror(errno));
	for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
		if (only && strcmp(only, recipes[i].name) != 0)
			continue;
		if (bench_daemon_start(&server) < 0)
			exit(EXIT_FAILURE);
		measure(recipes[i].name, orders, recipes[i].limit_mib);
		if (bench_daemon_stop(&server) != 0)
			give_up("bakeryd did not end well");
	}
	return EXIT_SUCCESS;
}
