# Unit tests of ops: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-backoff unit-notify unit-statedir unit-sources unit-listen
unit_backoff_SOURCES = tests/unit/test_backoff.c daemon/ops/backoff.c
unit_backoff_LDADD = libbase.a $(UNIT_LIBS)
unit_notify_SOURCES = tests/unit/test_notify.c daemon/ops/notify.c
unit_notify_LDADD = $(UNIT_LIBS)
unit_statedir_SOURCES = tests/unit/test_statedir.c daemon/ops/statedir.c
unit_statedir_LDADD = libbase.a $(XXHASH_LIBS) $(UNIT_LIBS)
unit_sources_SOURCES = tests/unit/test_sources.c daemon/ops/sources.c
unit_sources_LDADD = libconf.a libbase.a libproto.a $(YAML_LIBS) $(UNIT_LIBS)
unit_listen_SOURCES = tests/unit/test_listen.c daemon/ops/listen.c daemon/ops/statedir.c
unit_listen_LDADD = libconf.a libbase.a libproto.a $(YAML_LIBS) $(XXHASH_LIBS) $(UNIT_LIBS)
