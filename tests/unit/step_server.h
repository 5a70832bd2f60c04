/*
 * An HTTP server for tests of light steps, good and bad, in threads of the test on 127.0.0.1. What it does is asked for by the path:
 *
 *     /bytes/N          N bytes, with their length
 *     /chunked/N        N bytes in chunks
 *     /until-close/N    N bytes, and the connection closed
 *     /status/N?VALUE   that status, with "Retry-After: VALUE" when there is one ("+" is a blank), and the body "trouble\nNUMBER <N>"
 *     /to/N?URL         that status, with "Location: URL"
 *     /echo             the request as it came
 *     /early            fewer bytes than said; /nothing  no answer; /garbage  no HTTP
 *     /endless          a body without end; /headers, /line  headers, a header line, without end
 *     /continue         100 Continue and other informational answers before the answer
 *     /hang             no answer; /hang-body  no body; /trickle  a byte of body now and then: until the client goes
 *     /hold             "held", after step_server_release()
 *     /stray            "abc"; and after step_server_release() a 408 that nobody asked for, on the same connection
 *
 * Its threads allocate nothing, so that a test can refuse memory.
 */
#ifndef BAKERY_TESTS_UNIT_STEP_SERVER_H
#define BAKERY_TESTS_UNIT_STEP_SERVER_H

#include <stdint.h>

struct step_server;

/* On a free port. */
struct step_server *step_server_start(void);
uint16_t step_server_port(const struct step_server *s);
void step_server_stop(struct step_server *s);
/* All that is held, and whatever comes later. */
void step_server_release(struct step_server *s);

/* So far. busy: requests that have come and not been answered. gone: clients that went while they were kept waiting. */
struct step_server_counts {
	int connections, requests, busy, busy_most, gone;
};
struct step_server_counts step_server_counts(struct step_server *s);

#endif
