# Unit tests of sched: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-window unit-pick unit-retry
unit_window_SOURCES = tests/unit/test_window.c
unit_window_LDADD = libsched.a libbase.a $(UNIT_LIBS)
unit_pick_SOURCES = tests/unit/test_pick.c
unit_pick_LDADD = libsched.a libbase.a $(UNIT_LIBS)
unit_retry_SOURCES = tests/unit/test_retry.c
unit_retry_LDADD = libsched.a liborder.a libbase.a $(UNIT_LIBS)
# The scheduler between a fake store and fake pools.
SCHED_WORLD = tests/unit/sched_world.h tests/unit/sched_world.c tests/unit/fake_store.h tests/unit/fake_store.c \
	tests/unit/fake_pool.h tests/unit/fake_pool.c tests/unit/fake_steps.h tests/unit/fake_steps.c tests/unit/fake_alloc.h tests/unit/fake_alloc.c
SCHED_LIBS = libsched.a liborder.a libtask.a libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS) $(XXHASH_LIBS)
UNIT_TESTS += unit-sched unit-sched-cancel unit-sched-payload unit-sched-trouble unit-sched-drain unit-recover
unit_sched_SOURCES = tests/unit/test_sched.c $(SCHED_WORLD)
unit_sched_LDADD = $(SCHED_LIBS)
unit_sched_trouble_SOURCES = tests/unit/test_sched_trouble.c $(SCHED_WORLD)
unit_sched_trouble_LDADD = $(SCHED_LIBS)
unit_recover_SOURCES = tests/unit/test_recover.c $(SCHED_WORLD)
unit_recover_LDADD = $(SCHED_LIBS)
UNIT_TESTS += unit-sched-memory
unit_sched_memory_SOURCES = tests/unit/test_sched_memory.c $(SCHED_WORLD)
unit_sched_memory_LDADD = $(SCHED_LIBS)
unit_sched_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
UNIT_TESTS += unit-sched-steps unit-sched-tries unit-sched-stops unit-sched-crash
unit_sched_steps_SOURCES = tests/unit/test_sched_steps.c $(SCHED_WORLD)
unit_sched_steps_LDADD = $(SCHED_LIBS)
unit_sched_cancel_SOURCES = tests/unit/test_sched_cancel.c $(SCHED_WORLD)
unit_sched_cancel_LDADD = $(SCHED_LIBS)
unit_sched_payload_SOURCES = tests/unit/test_sched_payload.c $(SCHED_WORLD)
unit_sched_payload_LDADD = $(SCHED_LIBS)
unit_sched_drain_SOURCES = tests/unit/test_sched_drain.c $(SCHED_WORLD)
unit_sched_drain_LDADD = $(SCHED_LIBS)
unit_sched_crash_SOURCES = tests/unit/test_sched_crash.c $(SCHED_WORLD)
unit_sched_crash_LDADD = $(SCHED_LIBS)
unit_sched_stops_SOURCES = tests/unit/test_sched_stops.c $(SCHED_WORLD)
unit_sched_stops_LDADD = $(SCHED_LIBS)
unit_sched_tries_SOURCES = tests/unit/test_sched_tries.c $(SCHED_WORLD)
unit_sched_tries_LDADD = $(SCHED_LIBS)
