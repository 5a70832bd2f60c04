noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = daemon/store/store.h
libstore_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(XXHASH_CFLAGS)
