# Unit tests of loop: each a program unit-NAME from test_NAME.c.
LOOP_TESTS = unit-loop unit-timer unit-watch
UNIT_TESTS += $(LOOP_TESTS)
unit_loop_SOURCES = tests/unit/test_loop.c
unit_loop_LDADD = libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)
unit_watch_SOURCES = tests/unit/test_watch.c
unit_watch_LDADD = libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)
unit_timer_SOURCES = tests/unit/test_timer.c tests/unit/refuse.h
unit_timer_LDADD = libloop.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS)
unit_timer_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)
