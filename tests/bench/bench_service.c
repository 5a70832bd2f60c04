/*
 * The whole service, from a client's socket to the disk and back, measured from outside: what a user of a real bakeryd gets. Beside each figure
 * stands what this machine can do at all, measured in the same run, because a figure alone means nothing on another machine.
 *
 * bench-service [SECONDS]: for each figure, three times so long (2), of which the median is printed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/client.h"
#include "tests/bench/daemon.h"
#include "tests/bench/machine.h"

enum { RUNS = 3, MANY = 50, PIPELINE = 100, WORKERS = 2, QUEUED = 1000000, PATIENCE_MS = 30000 };

static const char payload[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
			      "012345678901234567890123456789";

/* `keep` is never started. */
static const char yaml[] = "pools: {default: {workers: 2}}\n"
			   "recipes:\n"
			   "  'true': {run: [/bin/true], timeout: 60s}\n"
			   "  keep: {run: [/bin/true], timeout: 60s}\n";

static struct bench_daemon server;
static pid_t echo;

static void clean_up(void)
{
	bench_daemon_remove(&server);
	if (echo > 0) {
		kill(echo, SIGKILL);
		waitpid(echo, NULL, 0);
	}
}

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("bench-service: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

/* One line of the table; `limit` is what the machine can do. */
__attribute__((format(printf, 4, 5))) static void row(
    const char *what, double value, int digits, const char *limit, ...)
{
	va_list args;
	va_start(args, limit);
	printf("%-52s %10.*f   ", what, digits, value);
	vprintf(limit, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
}

static double median(double v[RUNS])
{
	qsort(v, RUNS, sizeof *v, client_compare_doubles);
	return v[RUNS / 2];
}

/* The median rate of clients that send, wait for the replies, and send again. */
static double rate_of(const char *path, const struct buf *request, int connections, int depth, double seconds)
{
	double rates[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct client_run r = {.path = path,
		    .connections = connections,
		    .depth = depth,
		    .request = buf_bytes(request),
		    .request_len = request->len,
		    .seconds = seconds};
		if (client_run(&r) != 0)
			give_up("%s: %s", path, strerror(errno));
		if (r.errors > 0)
			give_up("%s: %ld of %ld replies were errors", path, r.errors, r.replies);
		rates[i] = r.rate;
	}
	return median(rates);
}

static void call_ok(int fd, const char *verb, const char *a, const char *b)
{
	struct buf request = {0}, reply = {0};
	client_encode(&request, verb, a, b, (const char *)NULL); /* b may be NULL: the end */
	if (client_call(fd, buf_bytes(&request), request.len, &reply) != 0)
		give_up("%s: %s", verb, strerror(errno));
	if (buf_bytes(&reply)[0] == '-')
		give_up("%s %s: %.*s", verb, a, (int)reply.len, buf_bytes(&reply));
	buf_clear(&request);
	buf_clear(&reply);
}

/* How many messages about an order that is done begin in these bytes; whole messages are consumed. */
static int count_done(struct buf *in)
{
	static const char word[] = "\"state\":\"done\"", bad[] = "\"state\":\"failed\"";
	int count = 0;
	size_t len;
	while ((len = client_reply_length(buf_bytes(in), in->len)) > 0) {
		count += memmem(buf_bytes(in), len, word, sizeof word - 1) != NULL;
		if (memmem(buf_bytes(in), len, bad, sizeof bad - 1))
			give_up("an order failed: %.*s", (int)len, buf_bytes(in));
		buf_consume(in, len);
	}
	return count;
}

static void send_orders(int fd, const struct buf *request, int count)
{
	struct buf all = {0};
	for (int i = 0; i < count; i++)
		if (buf_append(&all, buf_bytes(request), request->len) != 0)
			give_up("no memory");
	for (size_t sent = 0; sent < all.len;) {
		ssize_t n = send(fd, buf_bytes(&all) + sent, all.len - sent, MSG_NOSIGNAL);
		if (n < 0)
			give_up("send: %s", strerror(errno));
		sent += (size_t)n;
	}
	buf_clear(&all);
}

/* Whole lives: an order is sent, carried out, and its completion pushed to a subscriber, which then sends the next. Lives a second; with one in
 * flight, *p50_ms is the median life. */
static double lives(const struct buf *request, int in_flight, double seconds, double *p50_ms)
{
	int orders = client_connect(server.socket), news = client_connect(server.socket);
	if (orders < 0 || news < 0)
		give_up("%s: %s", server.socket, strerror(errno));
	call_ok(news, "HELLO", "3", NULL);
	call_ok(news, "SUBSCRIBE", "events", NULL);

	enum { MOST = 1 << 20 };
	double *took = malloc(MOST * sizeof *took);
	if (!took)
		give_up("no memory");
	struct buf in = {0};
	char replies[65536];
	long done = 0;
	int running = in_flight;
	double begin = bench_now(), now = begin, sent_at = begin;
	send_orders(orders, request, in_flight);
	while (running > 0) {
		struct pollfd p[] = {{.fd = news, .events = POLLIN}, {.fd = orders, .events = POLLIN}};
		if (poll(p, 2, PATIENCE_MS) <= 0)
			give_up("no order was done for %d s", PATIENCE_MS / 1000);
		if (p[1].revents) {
			ssize_t n = recv(orders, replies, sizeof replies, 0);
			if (n <= 0 || replies[0] == '-')
				give_up("ORDER: %.*s", (int)(n < 0 ? 0 : n), replies);
		}
		if (!p[0].revents)
			continue;
		char *room = buf_reserve(&in, 65536);
		ssize_t n = room ? recv(news, room, 65536, 0) : -1;
		if (n <= 0)
			give_up("the subscriber was closed");
		buf_commit(&in, (size_t)n);
		int more = count_done(&in);
		if (more == 0)
			continue;
		now = bench_now();
		for (int i = 0; i < more && done + i < MOST; i++)
			took[done + i] = (now - sent_at) * 1e3;
		done += more;
		running -= more;
		if (now - begin < seconds) {
			sent_at = bench_now();
			send_orders(orders, request, more);
			running += more;
		}
	}
	if (p50_ms) {
		size_t count = done < MOST ? (size_t)done : MOST;
		qsort(took, count, sizeof *took, client_compare_doubles);
		*p50_ms = took[count / 2];
	}
	free(took);
	buf_clear(&in);
	close(orders);
	close(news);
	return (double)done / (now - begin);
}

static void measure_submissions(const char *echo_path, double seconds)
{
	struct buf order = {0}, ping = {0};
	client_encode(&order, "ORDER", "keep", payload, (const char *)NULL);
	if (buf_append_text(&ping, "+PING\r\n") != 0)
		give_up("no memory");
	double syncs = machine_fdatasyncs(server.dir, seconds);
	double echoes = rate_of(echo_path, &ping, 1, 1, seconds),
	       many = rate_of(echo_path, &ping, MANY, 1, seconds);

	row("durable submissions/s, 1 connection, one at a time",
	    rate_of(server.socket, &order, 1, 1, seconds), 0, "%.0f fdatasync/s, %.0f echoes/s", syncs,
	    echoes);
	row("durable submissions/s, 50 connections", rate_of(server.socket, &order, MANY, 1, seconds), 0,
	    "%.0f echoes/s on 50 connections", many);
	row("durable submissions/s, 1 connection, 100 pipelined",
	    rate_of(server.socket, &order, 1, PIPELINE, seconds), 0, "%.0f fdatasync/s", syncs);
	buf_clear(&order);
	buf_clear(&ping);
}

static void measure_lives(double seconds)
{
	struct buf order = {0};
	client_encode(&order, "ORDER", "true", payload, (const char *)NULL);
	double rates[RUNS], p50s[RUNS];
	for (int i = 0; i < RUNS; i++)
		rates[i] = lives(&order, MANY, seconds, NULL);
	double spawns = machine_spawns(WORKERS, seconds);
	row("lives/s of /bin/true, 2 workers, 50 in flight", median(rates), 0,
	    "%.0f posix_spawn/s, two at a time", spawns);
	for (int i = 0; i < RUNS; i++)
		lives(&order, 1, seconds, &p50s[i]);
	row("one life of /bin/true, alone, median ms", median(p50s), 3, "%.3f ms: one posix_spawn",
	    1e3 / machine_spawns(1, seconds));
	buf_clear(&order);
}

static void measure_backlog(long idle_kib)
{
	struct buf order = {0};
	client_encode(&order, "ORDER", "keep", payload, (const char *)NULL);
	struct client_run r = {.path = server.socket,
	    .connections = 1,
	    .depth = PIPELINE,
	    .request = buf_bytes(&order),
	    .request_len = order.len,
	    .seconds = PATIENCE_MS / 1e3,
	    .at_most = QUEUED};
	if (client_run(&r) != 0 || r.errors > 0)
		give_up("%ld errors while filling the queue: %s", r.errors, strerror(errno));
	row("front's resident memory with a backlog, MiB", (double)bench_daemon_front_kib(&server) / 1024, 1,
	    "%.1f MiB before any order; %ld more are queued now", (double)idle_kib / 1024, r.replies);
	if (bench_daemon_stop(&server) != 0)
		give_up("bakeryd did not end well");
	double took = bench_daemon_start(&server);
	if (took < 0)
		give_up("bakeryd did not start again");
	row("start-up with that backlog, ms", took * 1e3, 0, "%.2f ms: one posix_spawn",
	    1e3 / machine_spawns(1, 1));
	buf_clear(&order);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
	if (seconds <= 0) {
		fprintf(stderr, "usage: %s [SECONDS]\n", argv[0]);
		return 2;
	}
	atexit(clean_up);
	if (bench_daemon_make(&server, yaml) != 0)
		give_up("%s: %s", server.dir, strerror(errno));
	char echo_path[sizeof server.socket_dir + 8];
	snprintf(echo_path, sizeof echo_path, "%s/echo", server.socket_dir);
	echo = machine_echo_start(echo_path);
	if (echo < 0 || bench_daemon_start(&server) < 0)
		exit(EXIT_FAILURE);
	long idle_kib = bench_daemon_front_kib(&server);

	printf("payloads of 100 bytes, %d workers, %ld processors; medians of %d runs of %.1f s\n\n", WORKERS,
	    sysconf(_SC_NPROCESSORS_ONLN), RUNS, seconds);
	printf("%-52s %10s   %s\n", "", "Bakery", "the machine, in this run");
	int fd = client_connect(server.socket);
	call_ok(fd, "PAUSE", "RECIPE", "keep");
	close(fd);
	measure_submissions(echo_path, seconds);
	measure_lives(seconds);
	measure_backlog(idle_kib);
	return EXIT_SUCCESS;
}
