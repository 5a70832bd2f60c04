# Unit tests of step: each a program unit-NAME from test_NAME.c, most against a real server in a thread.
STEP_WORLD = tests/unit/step_world.h tests/unit/step_world.c tests/unit/step_server.h tests/unit/step_server.c $(TASK_WORLD)
STEP_LIBS = libstep.a liborder.a libconf.a $(TASK_LIBS) libproto.a $(CURL_LIBS) $(JANSSON_LIBS) $(YAML_LIBS) $(XXHASH_LIBS) -lm

UNIT_TESTS += unit-step unit-step-wait unit-step-memory unit-step-tls
unit_step_SOURCES = tests/unit/test_step.c $(STEP_WORLD)
unit_step_LDADD = $(STEP_LIBS)
unit_step_wait_SOURCES = tests/unit/test_step_wait.c $(STEP_WORLD)
unit_step_wait_LDADD = $(STEP_LIBS)
unit_step_wait_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo
unit_step_memory_SOURCES = tests/unit/test_step_memory.c $(STEP_WORLD)
unit_step_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(CURL_CFLAGS) $(EVENT_CFLAGS)
unit_step_memory_LDADD = $(STEP_LIBS)
unit_step_memory_LDFLAGS = $(AM_LDFLAGS) $(UNIT_REFUSE_MEMORY)
unit_step_tls_SOURCES = tests/unit/test_step_tls.c $(STEP_WORLD)
unit_step_tls_LDADD = $(STEP_LIBS)
