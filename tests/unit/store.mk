# Unit tests of store: each a program unit-NAME from test_NAME.c.
STORE_WORLD = tests/unit/store_world.h tests/unit/store_world.c tests/unit/task_world.h tests/unit/task_world.c
STORE_LIBS = libstore.a liborder.a libtask.a libloop.a libproto.a libbase.a $(UNIT_LIBS) $(EVENT_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS)

UNIT_TESTS += unit-store
unit_store_SOURCES = tests/unit/test_store.c $(STORE_WORLD)
unit_store_LDADD = $(STORE_LIBS)

ENGINE_WORLD = tests/unit/engine_world.h tests/unit/engine_world.c tests/unit/fault_vfs.h tests/unit/fault_vfs.c
ENGINE_LIBS = libstore.a liborder.a libproto.a libbase.a $(UNIT_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS)

UNIT_TESTS += unit-store-faults
unit_store_faults_SOURCES = tests/unit/test_store_faults.c $(ENGINE_WORLD)
unit_store_faults_LDADD = $(ENGINE_LIBS)

UNIT_TESTS += unit-store-versions
unit_store_versions_SOURCES = tests/unit/test_store_versions.c $(ENGINE_WORLD)
unit_store_versions_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DVERSION_1='"$(abs_top_srcdir)/tests/unit/store_version_1.sql"'
unit_store_versions_LDADD = $(ENGINE_LIBS)
EXTRA_DIST += tests/unit/store_version_1.sql

UNIT_TESTS += unit-store-model
unit_store_model_SOURCES = tests/unit/test_store_model.c $(ENGINE_WORLD)
unit_store_model_LDADD = $(ENGINE_LIBS)

UNIT_TESTS += unit-events
unit_events_SOURCES = tests/unit/test_events.c
unit_events_LDADD = $(ENGINE_LIBS)
