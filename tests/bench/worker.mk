BENCHES += bench-spawn
bench_spawn_SOURCES = tests/bench/bench_spawn.c
bench_spawn_LDADD = libworker.a libbase.a libproto.a
