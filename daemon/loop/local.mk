noinst_LIBRARIES += libloop.a
libloop_a_SOURCES = daemon/loop/loop.h daemon/loop/loop.c daemon/loop/timer.h daemon/loop/timer.c \
	daemon/loop/watch.h daemon/loop/watch.c
libloop_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
