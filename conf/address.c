/* Addresses as text, and the one place where daemon and client agree on where the socket is. */
#include "conf/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/units.h"

static int parse_path(const char *path, struct address *out, const char **why)
{
	if (*path != '/') {
		*why = "expected an absolute path after unix:";
		return -EINVAL;
	}
	if (strlen(path) >= sizeof out->path) {
		*why = "the path of a Unix socket has at most 107 bytes";
		return -EINVAL;
	}
	memcpy(out->path, path, strlen(path) + 1);
	out->kind = ADDRESS_UNIX;
	return 0;
}

static int parse_host_port(const char *text, struct address *out, const char **why)
{
	const char *host = text, *end, *port;
	if (*text == '[') {
		host++;
		end = strchr(host, ']');
		port = end && end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strrchr(text, ':');
		port = end ? end + 1 : NULL;
		if (end && memchr(host, ':', (size_t)(end - host))) {
			*why = "an IPv6 address stands in brackets: [ADDRESS]:PORT";
			return -EINVAL;
		}
	}
	if (!port || end == host || (size_t)(end - host) >= sizeof out->host) {
		*why = "expected unix:PATH, HOST:PORT or [IPV6]:PORT";
		return -EINVAL;
	}
	int64_t number;
	if (units_parse_int(port, strlen(port), 0, 65535, &number) < 0) {
		*why = "the port is a number from 0 to 65535";
		return -EINVAL;
	}
	memcpy(out->host, host, (size_t)(end - host));
	out->host[end - host] = '\0';
	out->port = (uint16_t)number;
	return 0;
}

int address_parse(const char *text, struct address *out, const char **why)
{
	struct address a = {0};
	int r;
	if (*text == '/') {
		r = parse_path(text, &a, why);
	} else if (strncmp(text, "unix:", 5) == 0) {
		r = parse_path(text + 5, &a, why);
	} else {
		a.kind = strncmp(text, "tls:", 4) == 0 ? ADDRESS_TLS : ADDRESS_TCP;
		r = parse_host_port(a.kind == ADDRESS_TLS ? text + 4 : text, &a, why);
	}
	if (r == 0)
		*out = a;
	return r;
}

char *address_format(const struct address *a, char out[static 300])
{
	if (a->kind == ADDRESS_UNIX)
		snprintf(out, 300, "unix:%s", a->path);
	else
		snprintf(out, 300, strchr(a->host, ':') ? "%s[%s]:%u" : "%s%s:%u",
		    a->kind == ADDRESS_TLS ? "tls:" : "", a->host, (unsigned)a->port);
	return out;
}

/* The folder in /tmp is everybody's to make: it counts only when it is ours alone. */
static int check_owned(const char *folder)
{
	struct stat st;
	if (lstat(folder, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & 077) ? 0 : -EPERM;
}

int address_person_socket(int make, char out[static 108])
{
	char folder[108 - sizeof "/bakery.sock" + 1];
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	unsigned uid = (unsigned)getuid();
	struct stat st;
	int r = 0, len;
	char run_user[40];
	snprintf(run_user, sizeof run_user, "/run/user/%u", uid);
	if (runtime && *runtime == '/') {
		len = snprintf(folder, sizeof folder, "%s/bakery", runtime);
	} else if (stat(run_user, &st) == 0 && S_ISDIR(st.st_mode)) {
		len = snprintf(folder, sizeof folder, "%s/bakery", run_user);
	} else {
		len = snprintf(folder, sizeof folder, "/tmp/bakery-%u", uid);
		r = check_owned(folder);
	}
	if (r < 0)
		return r;
	if (len < 0 || (size_t)len >= sizeof folder)
		return -ENAMETOOLONG;
	if (make && mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (make && strncmp(folder, "/tmp/", 5) == 0 && (r = check_owned(folder)) < 0)
		return r;
	snprintf(out, 108, "%s/bakery.sock", folder);
	return 0;
}
