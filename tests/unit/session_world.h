/*
 * The session room on a loop, above what fake_below.h has, with clients of its Unix socket: for tests of what clients see.
 */
#ifndef BAKERY_TESTS_UNIT_SESSION_WORLD_H
#define BAKERY_TESTS_UNIT_SESSION_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/session/session.h"
#include "tests/unit/fake_below.h"

extern struct loop *world_loop;
extern struct sessions *world_sessions;
/* The recipes cake (two steps, parameters) and bytes, and the user shop; the clients themselves are administrators. */
extern struct conf world_conf;

/* Fixtures of a test case: sessions that serve, and the client `one`. */
void set_up(void);
void tear_down(void);
/* Sessions that do not serve yet. */
void open_sessions(void);
/* A task that closes the sessions and stops the loop. */
int close_all(void *arg);

/* Runs turns of the loop until something is so, or n of them. */
void run_until(bool (*is_so)(void));
void run_turns(int n);

struct client {
	int fd;
	char got[1 << 20];
	size_t len;
	bool closed;
};
extern struct client one, two;

void open_client(struct client *c);
void close_client(struct client *c);
void send_bytes(struct client *c, const char *text);
/* What is there now, behind what it has got; drop_rest: whatever comes soon is thrown away. */
void read_some(struct client *c);
void drop_rest(struct client *c);
/* Exactly this comes next; nothing, for as long as anything could take; the end. */
void expect(struct client *c, const char *text);
void expect_silence(struct client *c);
void expect_closed(struct client *c);
/* Sends a request inline (the shortest to write: the socket is local) and expects the reply. */
void ask(struct client *c, const char *request, const char *reply);

bool nobody_there(void);
/* An order has changed its state: the sessions are told. */
void tell(int64_t id, enum order_state state);

#endif
