# Benchmarks of store.
BENCHES += bench-store
bench_store_SOURCES = tests/bench/bench_store.c tests/bench/machine.h tests/bench/machine.c
bench_store_LDADD = libstore.a liborder.a libtask.a libloop.a libproto.a libbase.a $(EVENT_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS)

BENCHES += bench-store-rows
bench_store_rows_SOURCES = tests/bench/bench_store_rows.c
bench_store_rows_LDADD = libstore.a liborder.a libproto.a libbase.a $(SQLITE_LIBS) $(XXHASH_LIBS)
