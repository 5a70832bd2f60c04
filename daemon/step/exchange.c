#include "daemon/step/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* A server must not fill our memory: all header lines of an answer together, trailers too. libcurl bounds one line at 100 KiB. */
#define HEADERS_MAX ((uint64_t)64 << 10)
/* So much of a body that nobody wants is read, to keep the connection; beyond it, the connection is dropped. */
#define UNWANTED_MAX ((uint64_t)64 << 10)

enum {
	/* What libcurl reads at once: memory of each request under way, and there may be ten thousand. */
	READ_BYTES = 2048,
	WRITE_BYTES = 16384, /* its least */
	/* How long libcurl keeps what it was told of a name: longer than a request that is sent again on another connection may need it. */
	NAMES_KEPT_S = 3600,
	AUTHORITIES_KEPT_S = 600,
	KEEPALIVE_S = 60,
};

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)purpose;
	struct exchange *x = arg;
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
	/* A family that this machine does not speak is not want of anything: the next address may do. */
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		x->refused = -errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* libcurl wants to look up a name: with threads of its own, so it may not. An address is none. */
static int on_look_up(void *state, void *reserved, void *arg)
{
	(void)state;
	(void)reserved;
	const struct exchange *x = arg;
	return x->request->where->literal ? 0 : 1;
}

/* The value of this header, without blanks around; len 0: it is another one, or empty. */
static struct slice value_of(const char *line, size_t n, const char *name)
{
	size_t begin = strlen(name);
	if (n <= begin || strncasecmp(line, name, begin) != 0 || line[begin] != ':')
		return (struct slice){0};
	for (begin++; begin < n && strchr(" \t\r\n", line[begin]);)
		begin++;
	while (n > begin && strchr(" \t\r\n", line[n - 1]))
		n--;
	return (struct slice){line + begin, n - begin};
}

/* libcurl keeps headers too, but does not say when memory was refused. An informational answer (100, 103) comes before the answer itself. */
static int keep_header(struct exchange *x, const char *line, size_t n)
{
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		free(x->location);
		x->location = NULL;
		x->retry_after[0] = '\0';
		return 0;
	}
	struct slice retry = value_of(line, n, "Retry-After"), location = value_of(line, n, "Location");
	if (retry.len > 0 && retry.len < sizeof x->retry_after) {
		memcpy(x->retry_after, retry.data, retry.len);
		x->retry_after[retry.len] = '\0';
	}
	if (location.len == 0 || x->location)
		return 0;
	x->location = strndup(location.data, location.len);
	return x->location ? 0 : -ENOMEM;
}

static size_t on_header(char *bytes, size_t one, size_t n, void *arg)
{
	(void)one;
	struct exchange *x = arg;
	x->header_bytes += n;
	if (x->header_bytes > HEADERS_MAX) {
		x->cut = EXCHANGE_HEADERS_TOO_LONG;
		return 0;
	}
	int r = keep_header(x, bytes, n);
	if (r < 0)
		x->refused = r;
	return r < 0 ? 0 : n;
}

static size_t keep_wanted(struct exchange *x, const char *bytes, size_t n)
{
	curl_off_t announced = -1;
	curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (x->body_bytes > x->request->body_max ||
	    (announced > 0 && (uint64_t)announced > x->request->body_max)) {
		x->cut = EXCHANGE_TOO_LONG;
		return 0;
	}
	if (buf_append(&x->body, bytes, n) == 0)
		return n;
	x->refused = -ENOMEM;
	return 0;
}

static size_t keep_excerpt(struct exchange *x, const char *bytes, size_t n)
{
	size_t room = EXCHANGE_EXCERPT_MAX - x->body.len;
	(void)buf_append(&x->body, bytes, n < room ? n : room); /* one that is refused is missed by nobody */
	if (x->body_bytes <= UNWANTED_MAX)
		return n;
	x->cut = EXCHANGE_ENOUGH;
	return 0;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
	(void)one;
	struct exchange *x = arg;
	long status = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->body_bytes += n;
	if (status >= 0 && status < 600 && x->request->expect[status])
		return keep_wanted(x, bytes, n);
	return keep_excerpt(x, bytes, n);
}

/* ---- the request's options ---- */

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static bool is_header(const char *line, const char *name)
{
	size_t n = strlen(name);
	return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static bool is_one_of(const char *line, const char *const *names)
{
	for (; *names; names++) {
		if (is_header(line, *names))
			return true;
	}
	return false;
}

/* How long a message is and what becomes of its connection is libcurl's to say. */
static const char *const ours[] = {
    "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Expect", "TE", "Upgrade", NULL};
/* What another origin may be told. Any other header may be a secret: Authorization, Cookie, X-Api-Key, … */
static const char *const harmless[] = {"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language",
    "Cache-Control", "Content-Encoding", "Content-Language", "Content-Type", "Idempotency-Key", "Prefer",
    "User-Agent", NULL};
static const char *const about_body[] = {
    "Content-Encoding", "Content-Language", "Content-Type", "Content-Location", NULL};

/* To libcurl "Name:" means to leave out a header of its own; one that is empty is written "Name;". */
static int add_header(struct curl_slist **list, const char *line)
{
	const char *colon = strchr(line, ':');
	if (!colon || colon[1 + strspn(colon + 1, " \t")] != '\0')
		return add_line(list, line);
	struct buf empty = {0};
	int r = buf_append(&empty, line, (size_t)(colon - line));
	if (r == 0)
		r = buf_append(&empty, ";", 2);
	if (r == 0)
		r = add_line(list, empty.data);
	buf_clear(&empty);
	return r;
}

static int add_headers(const struct exchange_request *r, struct curl_slist **list)
{
	/* Not asked for leave before a body is sent: it would cost a round, and old servers do not answer. */
	int e = add_line(list, "Expect:");
	bool typed = false;
	for (char *const *h = r->headers; e == 0 && h && *h; h++) {
		if (is_one_of(*h, ours) || (r->foreign && !is_one_of(*h, harmless)) ||
		    (r->body_dropped && is_one_of(*h, about_body)))
			continue;
		typed |= is_header(*h, "Content-Type");
		e = add_header(list, *h);
	}
	/* Else libcurl calls an untyped body a form. */
	if (e == 0 && !typed)
		e = add_line(list, "Content-Type:");
	return e;
}

/* "+": not for ever. */
static int add_resolve(const struct exchange_request *r, struct curl_slist **list)
{
	if (!r->addresses)
		return 0;
	struct buf line = {0};
	int e = buf_printf(&line, "+%s:%s", r->where->place, r->addresses);
	if (e == 0)
		e = buf_append(&line, "", 1);
	if (e == 0)
		e = add_line(list, line.data);
	buf_clear(&line);
	return e;
}

/* Remembers the first option that was refused. */
struct setting {
	CURL *easy;
	CURLcode code;
};
#define set(s, option, value)                                                \
	do {                                                                 \
		CURLcode code_ = curl_easy_setopt((s)->easy, option, value); \
		if ((s)->code == CURLE_OK)                                   \
			(s)->code = code_;                                   \
	} while (0)

/* What is the same for all. */
static void set_rules(struct setting *s, struct exchange *x)
{
	set(s, CURLOPT_NOSIGNAL, 1L);
	set(s, CURLOPT_PROXY, "");
	set(s, CURLOPT_PROTOCOLS_STR, "http,https");
	set(s, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	set(s, CURLOPT_FOLLOWLOCATION, 0L);
	set(s, CURLOPT_BUFFERSIZE, (long)READ_BYTES);
	set(s, CURLOPT_UPLOAD_BUFFERSIZE, (long)WRITE_BYTES);
	set(s, CURLOPT_TCP_KEEPALIVE, 1L);
	set(s, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	set(s, CURLOPT_USERAGENT, "bakery/" PACKAGE_VERSION);
	set(s, CURLOPT_ERRORBUFFER, x->error);
	set(s, CURLOPT_WRITEFUNCTION, on_body);
	set(s, CURLOPT_WRITEDATA, x);
	set(s, CURLOPT_HEADERFUNCTION, on_header);
	set(s, CURLOPT_HEADERDATA, x);
	set(s, CURLOPT_OPENSOCKETFUNCTION, on_open);
	set(s, CURLOPT_OPENSOCKETDATA, x);
	set(s, CURLOPT_RESOLVER_START_FUNCTION, on_look_up);
	set(s, CURLOPT_RESOLVER_START_DATA, x);
	set(s, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_KEPT_S);
}

/* libcurl keeps the authorities that it has read only when they come from one file: so no folder, where there is a file. */
static void set_tls(struct setting *s, const char *ca)
{
	set(s, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	set(s, CURLOPT_SSL_VERIFYPEER, 1L);
	set(s, CURLOPT_SSL_VERIFYHOST, 2L);
#if LIBCURL_VERSION_NUM >= 0x075700
	set(s, CURLOPT_CA_CACHE_TIMEOUT, (long)AUTHORITIES_KEPT_S);
#endif
	if (ca)
		set(s, CURLOPT_CAINFO, ca);
	if (ca || curl_version_info(CURLVERSION_NOW)->cainfo)
		set(s, CURLOPT_CAPATH, NULL);
}

/* A method that promises a body says that it has none (RFC 9110, 8.6). */
static bool wants_length(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_message(struct setting *s, const struct exchange_request *r)
{
	if (r->body || wants_length(r->method)) {
		set(s, CURLOPT_POST, 1L);
		set(s, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		set(s, CURLOPT_POSTFIELDS, r->body ? r->body : "");
	} else if (strcmp(r->method, "HEAD") == 0) {
		set(s, CURLOPT_NOBODY, 1L);
	}
	set(s, CURLOPT_CUSTOMREQUEST, r->method);
	set(s, CURLOPT_URL, r->url);
	if (r->once)
		set(s, CURLOPT_FRESH_CONNECT, 1L);
}

int exchange_begin(struct transfers *t, const struct exchange_request *r, struct exchange *x)
{
	x->transfers = t;
	x->request = r;
	x->easy = transfers_take_easy(t);
	if (!x->easy)
		return -ENOMEM;
	int e = add_headers(r, &x->headers);
	if (e == 0)
		e = add_resolve(r, &x->resolve);
	if (e < 0)
		return e;
	char *target = NULL;
	e = url_target(r->url, &target);
	if (e < 0)
		return e;
	struct setting s = {.easy = x->easy};
	set_rules(&s, x);
	set_tls(&s, r->ca);
	set_message(&s, r);
	set(&s, CURLOPT_HTTPHEADER, x->headers);
	set(&s, CURLOPT_RESOLVE, x->resolve);
	/* By itself libcurl (7.88) leaves the query out when memory for it is refused. */
	set(&s, CURLOPT_REQUEST_TARGET, target);
	free(target);
	if (s.code != CURLE_OK)
		return s.code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	return transfer_start(t, &x->transfer, x->easy);
}

void exchange_end(struct exchange *x)
{
	if (x->transfer.easy)
		transfer_stop(x->transfers, &x->transfer);
	x->transfer.easy = NULL;
	if (x->easy)
		transfers_give_easy(x->transfers, x->easy);
	x->easy = NULL;
	free(x->location);
	x->location = NULL;
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->resolve);
	x->headers = x->resolve = NULL;
}
