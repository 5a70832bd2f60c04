/*
 * What the machine itself can do, measured in the same run as Bakery: the figures that Bakery's are read against. All of them per second, each
 * measured for `seconds`. Negative: it could not be measured (errno).
 */
#ifndef BAKERY_TESTS_BENCH_MACHINE_H
#define BAKERY_TESTS_BENCH_MACHINE_H

double bench_now(void); /* seconds, monotonic */

/* fdatasync after appending a page to a file in dir. */
double machine_fdatasyncs(const char *dir, double seconds);
/* posix_spawn and wait of /bin/true, `parallel` at a time. */
double machine_spawns(int parallel, double seconds);
/* A process that answers each line that it is sent by the same line, on a Unix socket at path. Its pid, or −1. */
int machine_echo_start(const char *path);

#endif
