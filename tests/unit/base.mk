# Unit tests of base: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-err unit-log unit-clock unit-rand unit-failpoint
unit_err_SOURCES = tests/unit/test_err.c
unit_err_LDADD = libbase.a $(UNIT_LIBS)
unit_log_SOURCES = tests/unit/test_log.c
unit_log_LDADD = libbase.a $(UNIT_LIBS)
unit_clock_SOURCES = tests/unit/test_clock.c
unit_clock_LDADD = libbase.a $(UNIT_LIBS)
unit_rand_SOURCES = tests/unit/test_rand.c
unit_rand_LDADD = libbase.a $(UNIT_LIBS)
unit_failpoint_SOURCES = tests/unit/test_failpoint.c
unit_failpoint_LDADD = libbase.a $(UNIT_LIBS)
