# Unit tests of ops: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-backoff unit-notify unit-statedir
unit_backoff_SOURCES = tests/unit/test_backoff.c daemon/ops/backoff.c
unit_backoff_LDADD = libbase.a $(UNIT_LIBS)
unit_notify_SOURCES = tests/unit/test_notify.c daemon/ops/notify.c
unit_notify_LDADD = $(UNIT_LIBS)
unit_statedir_SOURCES = tests/unit/test_statedir.c daemon/ops/statedir.c
unit_statedir_LDADD = libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
