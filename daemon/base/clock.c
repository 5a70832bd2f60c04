/* The two clocks, and the offsets by which a test moves them. */
#include "daemon/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct offsets {
	_Atomic int64_t mono_ns, wall_ms;
};

static struct offsets own;
static struct offsets *offsets = &own;
static _Atomic bool is_test; /* a test may set the clock from another thread */
static _Atomic bool is_held;
static struct timespec held_mono, held_wall;

int clock_init(void)
{
	const char *path = getenv("BAKERY_CLOCK");
	if (!path || !*path)
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : st.st_size < (off_t)sizeof *offsets ? -EINVAL : 0;
	if (r == 0) {
		void *map = mmap(NULL, sizeof *offsets, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			r = -errno;
		else
			offsets = map;
	}
	close(fd);
	if (r == 0)
		is_test = true;
	return r;
}

bool clock_is_test(void)
{
	return is_test;
}

static struct timespec ask(clockid_t which)
{
	struct timespec t;
	if (is_held)
		return which == CLOCK_MONOTONIC ? held_mono : held_wall;
	clock_gettime(which, &t);
	return t;
}

int64_t clock_mono_ns(void)
{
	struct timespec t = ask(CLOCK_MONOTONIC);
	return t.tv_sec * NS_PER_S + t.tv_nsec +
	       atomic_load_explicit(&offsets->mono_ns, memory_order_relaxed);
}

int64_t clock_wall_ms(void)
{
	struct timespec t = ask(CLOCK_REALTIME);
	return t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS +
	       atomic_load_explicit(&offsets->wall_ms, memory_order_relaxed);
}

void clock_test_advance(int64_t mono_ns, int64_t wall_ms)
{
	is_test = true;
	atomic_fetch_add(&own.mono_ns, mono_ns);
	atomic_fetch_add(&own.wall_ms, wall_ms);
}

void clock_test_hold(bool on)
{
	is_test = true;
	is_held = false;
	held_mono = ask(CLOCK_MONOTONIC);
	held_wall = ask(CLOCK_REALTIME);
	is_held = on;
}

int64_t clock_deadline_ms(int64_t ms)
{
	int64_t now = clock_mono_ns();
	if (ms < 0 || ms > (CLOCK_NEVER - 1 - now) / NS_PER_MS)
		return CLOCK_NEVER;
	return now + ms * NS_PER_MS;
}

void clock_format_utc(int64_t wall_ms, char out[static 25])
{
	int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	time_t t = seconds;
	struct tm tm;
	/* Years of four digits only: what lies beyond is shown as the nearest that has. */
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
		t = seconds < 0 ? -62167219200 : 253402300799;
		gmtime_r(&t, &tm);
	}
	char text[80];
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
	for (int i = 0; i < 24; i++)
		out[i] = text[i];
	out[24] = '\0';
}
