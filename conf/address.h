/*
 * Where the socket is. Daemon and client compute it the same way: /run/bakery/bakery.sock for the system;
 * $XDG_RUNTIME_DIR/bakery/bakery.sock, else /run/user/UID/bakery/bakery.sock if /run/user/UID is there, else /tmp/bakery-UID/bakery.sock (the folder
 * has mode 0700 and its owner is checked) for a person.
 */
#ifndef BAKERY_CONF_ADDRESS_H
#define BAKERY_CONF_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#define ADDRESS_SYSTEM_SOCKET "/run/bakery/bakery.sock"

enum address_kind { ADDRESS_UNIX, ADDRESS_TCP, ADDRESS_TLS };

struct address {
	enum address_kind kind;
	char path[108]; /* ADDRESS_UNIX */
	char host[256]; /* without brackets */
	uint16_t port;
};

/* "unix:PATH", "/PATH", "HOST:PORT", "[V6]:PORT", "tls:HOST:PORT". 0; or -EINVAL with *why, a static text that says what was expected. */
int address_parse(const char *text, struct address *out, const char **why);
/* The inverse, into out. Returns out. */
char *address_format(const struct address *a, char out[static 300]);

/* The person's socket path. 0; -ENAMETOOLONG; -EPERM when the folder in /tmp belongs to somebody else. make: create the folder (0700). */
int address_person_socket(int make, char out[static 108]);

#endif
