# Unit tests of store: each a program unit-NAME from test_NAME.c.
STORE_WORLD = tests/unit/store_world.h tests/unit/store_world.c tests/unit/task_world.h tests/unit/task_world.c
STORE_LIBS = libstore.a liborder.a libtask.a libloop.a libproto.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS)

UNIT_TESTS += unit-store
unit_store_SOURCES = tests/unit/test_store.c $(STORE_WORLD)
unit_store_LDADD = $(STORE_LIBS)
