# Unit tests of sched: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-window unit-pick unit-retry
unit_window_SOURCES = tests/unit/test_window.c
unit_window_LDADD = libsched.a libbase.a $(UNIT_LIBS)
unit_pick_SOURCES = tests/unit/test_pick.c
unit_pick_LDADD = libsched.a libbase.a $(UNIT_LIBS)
unit_retry_SOURCES = tests/unit/test_retry.c
unit_retry_LDADD = libsched.a liborder.a libbase.a $(UNIT_LIBS)
