#include "daemon/ops/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void notify_init(struct notify *n)
{
	*n = (struct notify){.address = {.sun_family = AF_UNIX}};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	/* A path, or a name in the abstract namespace, written with @ for its leading NUL (unix(7)). */
	if (len > 1 && len < sizeof n->address.sun_path && (path[0] == '/' || path[0] == '@')) {
		memcpy(n->address.sun_path, path, len);
		if (path[0] == '@')
			n->address.sun_path[0] = 0;
		n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	}
	unsetenv("NOTIFY_SOCKET");
}

void notify_say(const struct notify *n, const char *format, ...)
{
	if (!n->address_len)
		return;
	char text[512];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (len < 0 || len >= (int)sizeof text)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(
	    fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&n->address, n->address_len);
	close(fd);
}
