#include "daemon/ops/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/address.h"
#include "daemon/base/log.h"
#include "daemon/ops/statedir.h"

enum { GIVEN_FROM = 3, BACKLOG = 4096 };

union any_address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* A new place at the end of l; NULL when memory is refused. */
static struct listener *add(struct listeners *l, int fd, bool bound)
{
	struct listener *items = realloc(l->items, (l->count + 1) * sizeof *items);
	if (!items)
		return NULL;
	l->items = items;
	struct listener *n = &items[l->count++];
	*n = (struct listener){.fd = fd, .bound = bound};
	return n;
}

/* What it is bound to, in words; for port 0 that is where it says which. */
static int set_name(struct listener *l)
{
	union any_address a = {0};
	socklen_t len = sizeof a;
	if (getsockname(l->fd, &a.any, &len) < 0)
		return -errno;
	struct address named = {.kind = ADDRESS_TCP};
	if (a.any.sa_family == AF_UNIX) {
		named.kind = ADDRESS_UNIX;
		snprintf(named.path, sizeof named.path, "%s", a.un.sun_path);
		snprintf(l->unix_path, sizeof l->unix_path, "%s", a.un.sun_path);
	} else if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.in.sin_addr, named.host, sizeof named.host);
		named.port = ntohs(a.in.sin_port);
	} else if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.in6.sin6_addr, named.host, sizeof named.host);
		named.port = ntohs(a.in6.sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	address_format(&named, l->name);
	return 0;
}

/* ---- Unix ---- */

/* Removes a socket on which nobody listens any more. 0 also when there is none. */
static int remove_stale(const struct sockaddr_un *a, char why[static 256])
{
	struct stat st;
	if (lstat(a->sun_path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		snprintf(why, 256, "listen: unix: %.120s: %s", a->sun_path, strerror(errno));
		return -errno;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, 256, "listen: unix: %.120s is there and is no socket", a->sun_path);
		return -EEXIST;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : 0;
	if (!r && (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno != ECONNREFUSED))
		r = -EADDRINUSE;
	if (fd >= 0)
		close(fd);
	if (!r && unlink(a->sun_path) < 0 && errno != ENOENT)
		r = -errno;
	if (r)
		snprintf(why, 256, "listen: unix: %.120s: %s", a->sun_path,
		    r == -EADDRINUSE ? "somebody listens there" : strerror(-r));
	return r;
}

/* The folder of the socket, when it is missing: for everybody to pass, or a person's own. */
static int make_folder(const struct conf *conf, const char *path)
{
	char folder[108];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = 0;
	struct stat st;
	if (stat(folder, &st) == 0)
		return 0;
	mode_t before = umask(0);
	int r = make_directories(folder, conf->personal ? 0700 : 0755);
	umask(before);
	return r;
}

static int set_access(const struct conf_listen *c)
{
	if (c->group) {
		errno = 0;
		const struct group *g = getgrnam(c->group);
		if (!g)
			return errno ? -errno : -ENOENT;
		if (chown(c->path, (uid_t)-1, g->gr_gid) < 0)
			return -errno;
	}
	return chmod(c->path, c->mode) < 0 ? -errno : 0;
}

static int bind_unix(
    const struct conf *conf, const struct conf_listen *c, struct listeners *out, char why[static 256])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (snprintf(a.sun_path, sizeof a.sun_path, "%s", c->path) >= (int)sizeof a.sun_path) {
		snprintf(why, 256, "listen: unix: %.120s is too long", c->path);
		return -ENAMETOOLONG;
	}
	int r = make_folder(conf, c->path);
	if (r) {
		snprintf(why, 256, "listen: unix: %.120s: cannot make its folder: %s", c->path, strerror(-r));
		return r;
	}
	r = remove_stale(&a, why);
	if (r)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : 0;
	/* Nobody connects before group and mode are as they should be. */
	mode_t before = umask(0777);
	if (!r && bind(fd, (const struct sockaddr *)&a, sizeof a) < 0)
		r = -errno;
	umask(before);
	bool bound = !r;
	if (!r)
		r = set_access(c);
	if (!r && listen(fd, BACKLOG) < 0)
		r = -errno;
	struct listener *l = r ? NULL : add(out, fd, true);
	if (!r && !l)
		r = -ENOMEM;
	if (r) {
		if (bound)
			unlink(c->path);
		if (fd >= 0)
			close(fd);
		snprintf(why, 256, "listen: unix: %.120s: %s", c->path, strerror(-r));
		return r;
	}
	struct stat st;
	if (stat(c->path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	return set_name(l);
}

/* Somebody may have removed it, and another daemon listen there now. */
static void remove_ours(const struct listener *l)
{
	struct stat st;
	if (lstat(l->unix_path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->unix_path);
}

/* ---- TCP ---- */

static int bind_one(const struct addrinfo *a, struct listeners *out)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	if (fd < 0)
		return -errno;
	const int on = 1;
	int r = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ? -errno : 0;
	/* "::" means IPv6 only, so that 0.0.0.0 can stand beside it. */
	if (!r && a->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		r = -errno;
	if (!r && (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0))
		r = -errno;
	struct listener *l = r ? NULL : add(out, fd, true);
	if (!l) {
		close(fd);
		return r ? r : -ENOMEM;
	}
	return set_name(l);
}

/* A name may stand for several addresses: all of them. */
static int bind_tcp(const struct conf_listen *c, struct listeners *out, char why[static 256])
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	char port[8];
	snprintf(port, sizeof port, "%u", c->port);
	struct addrinfo *found;
	int e = getaddrinfo(c->host, port, &hints, &found);
	if (e) {
		snprintf(why, 256, "listen: tcp: %.120s: %s", c->host, gai_strerror(e));
		return -EADDRNOTAVAIL;
	}
	int r = 0;
	for (const struct addrinfo *a = found; a && !r; a = a->ai_next) {
		r = bind_one(a, out);
		/* A machine without IPv6 still resolves "localhost" to ::1. */
		if (a->ai_family == AF_INET6 && (a->ai_next || a != found) &&
		    (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL))
			r = 0;
	}
	freeaddrinfo(found);
	if (r)
		snprintf(why, 256, "listen: tcp: %.120s:%s: %s", c->host, port, strerror(-r));
	return r;
}

/* ---- given by systemd ---- */

static int take_given(struct listeners *out, char why[static 256])
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int count = pid && fds && strtol(pid, NULL, 10) == getpid() ? (int)strtol(fds, NULL, 10) : 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int fd = GIVEN_FROM; fd < GIVEN_FROM + count; fd++) {
		int listening = 0, type = 0;
		socklen_t len = sizeof listening, type_len = sizeof type;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening ||
		    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 || type != SOCK_STREAM) {
			snprintf(why, 256,
			    "descriptor %d, given by the service manager, is no listening stream socket", fd);
			return -ENOTSOCK;
		}
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
		    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
			return -errno;
		struct listener *l = add(out, fd, false);
		int r = l ? set_name(l) : -ENOMEM;
		if (r) {
			snprintf(
			    why, 256, "descriptor %d, given by the service manager: %s", fd, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* As the configuration's own are refused: nobody could use it. */
static int check_given(const struct conf *conf, const struct listeners *l, char why[static 256])
{
	for (size_t i = 0; i < conf->user_count; i++) {
		if (conf->users[i].password)
			return 0;
	}
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].unix_path[0])
			continue;
		snprintf(why, 256,
		    "%.60s, given by the service manager: clients there have to authenticate, and no user "
		    "has a "
		    "password (users: [{name, password, allow}])",
		    l->items[i].name);
		return -EINVAL;
	}
	return 0;
}

static bool is_given(const struct listeners *l, const struct conf_listen *c)
{
	struct address a = {
	    .kind = c->kind == CONF_LISTEN_UNIX ? ADDRESS_UNIX : ADDRESS_TCP, .port = c->port};
	snprintf(a.path, sizeof a.path, "%s", a.kind == ADDRESS_UNIX ? c->path : "");
	snprintf(a.host, sizeof a.host, "%s", a.kind == ADDRESS_TCP ? c->host : "");
	char name[300];
	address_format(&a, name);
	for (size_t i = 0; i < l->count; i++) {
		if (!l->items[i].bound && strcmp(l->items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* ---- all ---- */

int listeners_open(const struct conf *conf, struct listeners *out, char why[static 256])
{
	*out = (struct listeners){0};
	int r = take_given(out, why);
	if (!r)
		r = check_given(conf, out, why);
	for (size_t i = 0; i < conf->listen_count && !r; i++) {
		const struct conf_listen *c = &conf->listens[i];
		if (is_given(out, c))
			continue;
		r = c->kind == CONF_LISTEN_UNIX ? bind_unix(conf, c, out, why) : bind_tcp(c, out, why);
	}
	for (size_t i = 0; i < out->count && !r; i++)
		log_info("listening", log_str("address", out->items[i].name),
		    log_str("by", out->items[i].bound ? "bakeryd" : "service manager"));
	if (r)
		listeners_close(out);
	return r;
}

void listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].bound && l->items[i].unix_path[0])
			remove_ours(&l->items[i]);
		close(l->items[i].fd);
	}
	free(l->items);
	*l = (struct listeners){0};
}
