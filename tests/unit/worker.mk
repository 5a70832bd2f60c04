# Unit tests of worker: each a program unit-NAME from test_NAME.c.
UNIT_TESTS += unit-message unit-channel unit-child unit-workdir unit-capture unit-worker unit-pool
unit_message_SOURCES = tests/unit/test_message.c
unit_message_LDADD = libworker.a libbase.a libproto.a $(UNIT_LIBS)
unit_channel_SOURCES = tests/unit/test_channel.c
unit_channel_LDADD = libworker.a libbase.a libproto.a $(UNIT_LIBS)
unit_child_SOURCES = tests/unit/test_child.c
unit_child_LDADD = libworker.a libbase.a libproto.a $(UNIT_LIBS)
unit_workdir_SOURCES = tests/unit/test_workdir.c
unit_workdir_LDADD = libworker.a libbase.a libproto.a $(UNIT_LIBS)
unit_capture_SOURCES = tests/unit/test_capture.c
unit_capture_LDADD = libworker.a libbase.a libproto.a $(UNIT_LIBS)
unit_worker_SOURCES = tests/unit/test_worker.c
unit_worker_LDADD = libworker.a liborder.a libbase.a libconf.a libproto.a $(YAML_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)
unit_pool_SOURCES = tests/unit/test_pool.c
unit_pool_LDADD = libworker.a liborder.a libtask.a libloop.a libbase.a libconf.a libproto.a $(EVENT_LIBS) $(YAML_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)
