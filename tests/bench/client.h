/*
 * The clients of a benchmark: n connections to a Unix socket, each with a fixed number of requests in flight, driven by one
 * epoll loop that does as little as possible.
 */
#ifndef BAKERY_TESTS_BENCH_CLIENT_H
#define BAKERY_TESTS_BENCH_CLIENT_H

#include <stddef.h>

#include "proto/buf.h"

/* A connected socket, non-blocking. −1: errno. */
int client_connect(const char *path);
/* Writes all, waits for the whole of one reply, and returns it in *reply (cleared first). 0 or −1. */
int client_call(int fd, const void *request, size_t len, struct buf *reply);
/* Appends a request, made of NULL-terminated strings, to out. */
void client_encode(struct buf *out, ...) __attribute__((sentinel));
/* The length of the first whole reply in the bytes; 0 when it is not whole yet. */
size_t client_reply_length(const char *bytes, size_t len);

struct client_run {
	const char *path;
	int connections;
	int depth;           /* requests that are sent at once, then their replies are awaited */
	const char *request; /* one request, as bytes */
	size_t request_len;
	double seconds;
	long at_most; /* requests in all; 0: as many as there is time for */
	/* out */
	double rate;           /* replies a second */
	long replies, errors;  /* errors: replies that begin with '-' */
	double p50_ms, p99_ms; /* of a batch of `depth` */
};
/* 0, or −1 with errno. */
int client_run(struct client_run *r);

int client_compare_doubles(const void *a, const void *b);

#endif
